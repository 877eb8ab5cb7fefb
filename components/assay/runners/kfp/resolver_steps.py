"""The step that finds the latest blessed model."""

from __future__ import annotations

import os
import shutil
from typing import NamedTuple

from assay.artifacts.base import Artifact
from assay.artifacts.blessing import ModelBlessing
from assay.artifacts.model import Model
from assay.artifacts.store import MANIFEST, damage, open_artifact
from assay.errors import ArtifactError, UsageError
from assay.gating.blessing import REVOKED
from assay.runners.kfp.places import Places
from assay.runners.kfp.registry import VARIABLE, Placed, latest_blessed
from assay.spec import ExecutionContext, Inputs, Output, component


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
    """Finds the model that a pipeline blessed last, as a baseline.

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
        context.log("There is no registry; the run is a first run.")
        return Found(found=False)
    where = registry or os.environ.get(VARIABLE, "")
    if not where:
        raise UsageError(
            "kfp.registry",
            f"LatestBlessedModel needs a registry; neither its parameter nor {VARIABLE} names one.",
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
            "Restore it; without it, nothing can be compared with it.",
        )
    sealed = open_artifact(folder, type(output))
    shutil.copytree(folder, output.path, dirs_exist_ok=True)
    (output.path / MANIFEST).unlink()  # sealing writes another; the digest is over the other files
    output.properties.update(sealed.properties)
    output.rows.update(sealed.rows)
