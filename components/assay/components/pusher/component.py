"""The Pusher component."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from assay.artifacts.blessing import InfraBlessing, ModelBlessing
from assay.artifacts.model import Model
from assay.artifacts.pushed_model import RECEIPT, PushedModel
from assay.components.pusher.compute import Blessing, push, still_pushed
from assay.components.pusher.config import PushDestination, base_folder
from assay.errors import ArtifactError, disk_full
from assay.gate.verdict import FILE_NAME, read_verdict
from assay.spec import ExecutionContext, Input, Output, component


class Outcome(NamedTuple):
    """What conditions can read.

    Attributes:
        pushed: Whether the model is at the destination.
        pushed_version: Its version there; empty where it is not.
    """

    pushed: bool
    pushed_version: str


def _still_valid(_parameters: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    pushed_model: PushedModel = outputs["pushed_model"]
    return still_pushed(pushed_model.receipt())


@component(still_valid=_still_valid)
def Pusher(
    context: ExecutionContext,
    model: Input[Model],
    pushed_model: Output[PushedModel],
    *,
    push_destination: PushDestination,
    model_blessing: Input[ModelBlessing] | None = None,
    infra_blessing: Input[InfraBlessing] | None = None,
) -> Outcome:
    """Copies a blessed model to a folder that a model server watches, as a new version.

    The version appears whole or not at all. A model that is not blessed, or whose blessing names another model, is not
    pushed, and the receipt says why. Without any blessing wired the model is pushed, and the receipt says that nothing
    vouched for it.

    Args:
        context: The run that the step is part of.
        model: The model to push.
        pushed_model: A copy of what was pushed, and `receipt.json`.
        push_destination: `PushDestination(filesystem=PushDestination.Filesystem(base_directory=...))`.
        model_blessing: Evaluator's word on the model.
        infra_blessing: InfraValidator's word on the model.
    """
    base = base_folder(push_destination)
    blessings = _blessings(model_blessing, infra_blessing)
    receipt = push(model.serving_path, base, model_digest=model.digest, blessings=blessings)
    text = msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n"
    try:
        if receipt.pushed:
            shutil.copytree(model.serving_path, pushed_model.path, dirs_exist_ok=True)
        (pushed_model.path / RECEIPT).write_bytes(text)
    except OSError as error:
        raise disk_full(pushed_model.path, error) from error
    pushed_model.properties["pushed"] = int(receipt.pushed)
    if receipt.pushed:
        pushed_model.properties["pushed_destination"] = receipt.destination
        pushed_model.properties["pushed_version"] = receipt.version
    context.log(receipt.reason)
    return Outcome(pushed=receipt.pushed, pushed_version=receipt.version)


def _blessings(model_blessing: ModelBlessing | None, infra_blessing: InfraBlessing | None) -> tuple[Blessing, ...]:
    blessings = []
    if model_blessing is not None:
        blessings.append(
            Blessing(
                kind="model_blessing",
                blessed=model_blessing.blessed,
                model_digest=model_blessing.properties.get("current_model_digest") or "",
                digest=model_blessing.digest,
                reason="" if model_blessing.blessed else _reason(model_blessing),
            )
        )
    if infra_blessing is not None:
        blessings.append(Blessing(kind="infra_blessing", blessed=infra_blessing.blessed, digest=infra_blessing.digest))
    return tuple(blessings)


def _reason(blessing: ModelBlessing) -> str:
    if not (blessing.path / FILE_NAME).is_file():
        return ""  # TFX's Evaluator gives none
    try:
        return read_verdict(blessing.path).summary
    except ArtifactError as error:
        return error.message
