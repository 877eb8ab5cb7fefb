"""The components that only a compiled pipeline needs: a closed gate, a condition, the latest blessed model."""

from __future__ import annotations

import operator
import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from assay.artifacts.base import Artifact
from assay.artifacts.blessing import ModelBlessing
from assay.artifacts.model import Model
from assay.artifacts.store import MANIFEST, damage, open_artifact
from assay.errors import ArtifactError, UsageError
from assay.gating.blessing import REVOKED
from assay.runners.kfp.blessed_models import VARIABLE, Placed, latest_blessed
from assay.runners.kfp.storage import Places
from assay.spec import ExecutionContext, Input, Inputs, Output, component


@component
def Gate(context: ExecutionContext, verdict: Input[Artifact]) -> None:  # noqa: N802 (a component)
    """Stop the run if the verdict of the step before it says so.

    Args:
        context: The run that the step is part of.
        verdict: The artifact with the verdict.
    """
    context.log(f"The verdict is in {verdict.path}.")


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
    raise UsageError("kfp.predicate", f"No step can evaluate the condition {predicate!r}.")


def _compare(left: Any, sign: str, right: Any) -> bool:
    try:
        return bool(_OPERATORS[sign](left, right))
    except TypeError:
        raise UsageError("condition.types", f"A condition cannot be evaluated: {left!r} {sign} {right!r}.") from None


def _value(side: Any, artifacts: Sequence[Artifact]) -> Any:
    if isinstance(side, dict) and set(side) == {"property", "of"}:
        return artifacts[side["of"]].properties.get(side["property"])
    return side


class Found(NamedTuple):
    """What conditions can read.

    Attributes:
        found: Whether there is a blessed model.
    """

    found: bool


@component
def LatestBlessedModel(  # noqa: N802 (a component)
    context: ExecutionContext,
    model: Output[Model] | None,
    model_blessing: Output[ModelBlessing] | None,
    *,
    candidate: Inputs[Model] | None = None,
    pipeline: str | None = None,
    registry: str | None = None,
    without_registry: bool = False,
) -> Found:
    """Find the model that a pipeline blessed last, as a baseline.

    A model that was blessed and is gone is an error: a lost baseline is not "no baseline yet".

    Args:
        context: The run that the step is part of.
        model: The model; empty where none was ever blessed.
        model_blessing: Its blessing.
        candidate: The model that is being judged; never its own baseline.
        pipeline: The pipeline that blessed it; the one that runs by default.
        registry: Where blessed models are recorded: a folder, a URL, or a database; `ASSAY_REGISTRY` of the environment
            by default.
        without_registry: Makes every run a first run.
    """
    if without_registry:
        context.log("No registry is configured, so this is a first run.")
        return Found(found=False)
    where = registry or os.environ.get(VARIABLE, "")
    if not where:
        raise UsageError(
            "kfp.registry",
            f"LatestBlessedModel requires a registry, but neither its parameter nor {VARIABLE} names one.",
            "Name a folder, URL or database that all runs share.",
        )
    places = Places(context.temp_dir)
    answer = latest_blessed(
        where,
        pipeline or context.pipeline_name,
        {each.digest for each in candidate or ()},
        is_revoked=lambda uri: places.holds(uri, REVOKED),
    )
    if answer is None:
        context.log(f"{pipeline or context.pipeline_name} has blessed no other model yet.")
        return Found(found=False)
    if model is not None:
        _copy(places, answer.model, model)
    if model_blessing is not None:
        _copy(places, answer.blessing, model_blessing)
    context.log(f"The baseline is {answer.model.uri} ({answer.model.digest[:19]}).")
    return Found(found=True)


def _copy(places: Places, placed: Placed, output: Artifact) -> None:
    folder = places.fetch(placed.uri)
    damaged = "is gone" if folder is None else damage(folder, placed.digest)
    if folder is None or damaged:
        raise ArtifactError(
            "kfp.baseline_lost",
            f"The {output.type_name} that was recorded last, {placed.uri}, {damaged}.",
            "Restore it: the baseline is required for the comparison.",
        )
    sealed = open_artifact(folder, type(output))
    shutil.copytree(folder, output.path, dirs_exist_ok=True)
    (output.path / MANIFEST).unlink()  # sealing writes another; the digest is over the other files
    output.properties.update(sealed.properties)
    output.rows.update(sealed.rows)
