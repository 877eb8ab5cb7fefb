"""The step that decides a condition that `dsl.If` cannot."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from assay.artifacts.base import Artifact
from assay.errors import UsageError
from assay.spec import Inputs, component

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Decision(NamedTuple):
    """What `dsl.If` reads.

    Attributes:
        holds: Whether the condition holds.
    """

    holds: bool


@component
def Condition(*, predicate: dict[str, Any], artifacts: Inputs[Artifact] | None = None) -> Decision:  # noqa: N802 (a component)
    """Decides a condition on outputs of earlier steps.

    Args:
        predicate: `{"compare": [left, operator, right]}`, `{"and": [...]}`, `{"or": [...]}` or `{"not": ...}`; a side$
            is a value, or `{"property": name, "of": n}` for a property of the n-th artifact.
        artifacts: The artifacts whose properties are read.
    """
    return Decision(holds=_holds(predicate, artifacts or ()))


def _holds(predicate: dict[str, Any], artifacts: Sequence[Artifact]) -> bool:
    match predicate:
        case {"and": list(parts)}:
            return all(_holds(part, artifacts) for part in parts)
        case {"or": list(parts)}:
            return any(_holds(part, artifacts) for part in parts)
        case {"not": dict(inner)}:
            return not _holds(inner, artifacts)
        case {"compare": [left, str(sign), right]} if sign in _OPERATORS:
            return _compare(_value(left, artifacts), sign, _value(right, artifacts))
    raise UsageError("kfp.predicate", f"No step can decide the condition {predicate!r}.")


def _compare(left: Any, sign: str, right: Any) -> bool:
    try:
        return bool(_OPERATORS[sign](left, right))
    except TypeError:
        raise UsageError("condition.types", f"A condition cannot be decided: {left!r} {sign} {right!r}.") from None


def _value(side: Any, artifacts: Sequence[Artifact]) -> Any:
    if isinstance(side, dict) and set(side) == {"property", "of"}:
        return artifacts[side["of"]].properties.get(side["property"])
    return side
