"""Conditions on Kubeflow Pipelines: which steps share which guards, and how a guard is decided.

KFP's `dsl.If` compares one output parameter with a value. What it cannot say (`|`, a property of an artifact) is
decided by a small step of its own, whose answer `dsl.If` reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.errors import UsageError
from assay.runners.kfp.wire import plain_type
from assay.spec.channel import ArtifactProperty, OutputParameter
from assay.spec.condition import Combination, Comparable, Comparison, Negation, Predicate
from assay.spec.node import Node

_BREAKING = set("'\"\\\n\r{}")
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
Guards = tuple[Predicate, ...]


def guards_of(nodes: tuple[Node, ...]) -> dict[Node, Guards]:
    """Gives the guards of each step, outermost first: its own, and those of the steps that it waits for.

    A step whose upstream step is skipped is skipped, so it stands under the same guards.

    Raises:
        UsageError: If a step waits for steps under guards that do not enclose one another; KFP cannot say that.
    """
    simplified: dict[Predicate, Guards] = {}
    guards: dict[Node, Guards] = {}
    for node in nodes:
        above = [guards[upstream] for upstream in node.upstream()]
        longest = max(above, key=len, default=())
        for each in above:
            if longest[: len(each)] != each:
                raise UsageError(
                    "kfp.conditions",
                    f"{node.id} waits for steps under different conditions ({_named(each)}; {_named(longest)}), and "
                    "Kubeflow Pipelines has no way to say that.",
                    "Put one condition inside the other, or give the step the outputs of one branch only.",
                )
        own = [part for given in node.conditions for part in _parts(given, simplified)]
        guards[node] = longest + tuple(part for part in own if part not in longest)
    return guards


def _named(guards: Guards) -> str:
    return " and ".join(map(str, guards)) or "none"


def _parts(predicate: Predicate, simplified: dict[Predicate, Guards]) -> Guards:
    """Takes `and` apart and turns negated comparisons round; the same predicate always gives the same parts."""
    if predicate not in simplified:
        match predicate:
            case Combination(word="and", left=left, right=right):
                simplified[predicate] = _parts(left, simplified) + _parts(right, simplified)
            case Negation(inner=Comparison(left=left, operator=operator, right=right)):
                simplified[predicate] = (Comparison(left, _OPPOSITE[operator], right),)
            case Negation(inner=Negation(inner=inner)):
                simplified[predicate] = _parts(inner, simplified)
            case _:
                simplified[predicate] = (predicate,)
    return simplified[predicate]


def is_plain(predicate: Predicate) -> bool:
    """Tells whether `dsl.If` can decide the predicate itself.

    KFP's compiler puts texts between quotes as they are, and of a comparison of a truth value with a number it makes
    the opposite: `blessed == 1` becomes `blessed == false`.
    """
    if not isinstance(predicate, Comparison) or not isinstance(predicate.left, OutputParameter):
        return False
    left, right = _kind(predicate.left), _kind(predicate.right)
    is_safe = not isinstance(predicate.right, str) or not _BREAKING & set(predicate.right)
    return left is not None and left == right and is_safe


def _kind(operand: Any) -> type | None:
    """The kind of value that KFP compares an operand as; None for others."""
    if isinstance(operand, OutputParameter):
        kind = plain_type(operand.type, str(operand))
    elif isinstance(operand, Comparable):
        return None
    else:
        kind = type(operand)
    return {bool: bool, int: float, float: float, str: str}.get(kind)


@dataclass(frozen=True, slots=True)
class Question:
    """A predicate in the form that the step `Condition` decides.

    Attributes:
        predicate: JSON-compatible, but for the `OutputParameter`s in it.
        artifacts: The channels of the artifacts whose properties it reads, in the order of their numbers in it.
    """

    predicate: Mapping[str, Any]
    artifacts: tuple[Any, ...]


def question(predicate: Predicate) -> Question:
    """Writes a predicate down for the step `Condition`."""
    artifacts: list[Any] = []
    return Question(_written(predicate, artifacts), tuple(artifacts))


def _written(predicate: Predicate, artifacts: list[Any]) -> dict[str, Any]:
    match predicate:
        case Combination(word=word, left=left, right=right):
            return {word: [_written(left, artifacts), _written(right, artifacts)]}
        case Negation(inner=inner):
            return {"not": _written(inner, artifacts)}
        case Comparison(left=left, operator=operator, right=right):
            return {"compare": [_operand(left, artifacts), operator, _operand(right, artifacts)]}
    raise UsageError("kfp.condition", f"Condition '{predicate}' is of a kind that KFP steps cannot decide.")


def _operand(operand: Any, artifacts: list[Any]) -> Any:
    if not isinstance(operand, ArtifactProperty):
        return operand if not isinstance(operand, Comparable) or isinstance(operand, OutputParameter) else str(operand)
    if operand.index:
        raise UsageError(
            "kfp.condition_index", f"Condition on {operand}: an output is one artifact on Kubeflow Pipelines."
        )
    if operand.channel not in artifacts:
        artifacts.append(operand.channel)
    return {"property": operand.name, "of": artifacts.index(operand.channel)}
