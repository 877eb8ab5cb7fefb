"""The Pusher component."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from assay.artifacts.blessing import InfraBlessing, ModelBlessing
from assay.artifacts.model import Model
from assay.artifacts.pushed_model import RECEIPT, PushedModel
from assay.components.pusher.compute import Push, push, still_pushed
from assay.components.pusher.config import PushDestination
from assay.components.pusher.places import open_destination
from assay.components.pusher.receipt import read_receipt
from assay.errors import ArtifactError, UsageError, disk_full
from assay.files import write_durably
from assay.gating.blessing import served_digest
from assay.gating.verification import Claim
from assay.spec import ExecutionContext, Input, Output, component
from assay.spec.annotations import FilePath


class PusherFindings(NamedTuple):
    """What conditions can read.

    Attributes:
        pushed: Whether the model is at the destination.
        pushed_version: Its version there; empty where it is not.
    """

    pushed: bool
    pushed_version: str


def _still_valid(parameters: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    pushed_model: PushedModel = outputs["pushed_model"]
    receipt = read_receipt(pushed_model.require(RECEIPT).read_bytes(), str(pushed_model.path))
    destination = msgspec.convert(parameters["push_destination"], PushDestination)
    return still_pushed(receipt, open_destination(destination))


def _check(arguments: Mapping[str, Any]) -> None:
    given = arguments.get("push_destination")
    base = "" if given is None else (given.filesystem or given.kserve).base_directory
    if base and "://" not in base:
        there = next(path for path in (Path(base).absolute(), *Path(base).absolute().parents) if path.exists())
        if not there.is_dir():
            raise UsageError(
                "push_destination.not_a_folder",
                f"push_destination's base_directory {base} cannot be a folder: {there} is a file.",
                "Name a folder; it is created if it does not exist.",
            )


@component(
    still_valid=_still_valid,
    check=_check,
    positional=(
        "model",
        "model_blessing",
        "infra_blessing",
        "push_destination",
        "custom_config",
        "custom_executor_spec",
    ),
    refused={
        "custom_config": "It configures pushers to Google Cloud; push_destination says where the model goes.",
        "custom_executor_spec": "Write a component of your own: @component.",
    },
)
def Pusher(
    context: ExecutionContext,
    pushed_model: Output[PushedModel],
    *,
    push_destination: PushDestination,
    model: Input[Model] | None = None,
    model_blessing: Input[ModelBlessing] | None = None,
    infra_blessing: Input[InfraBlessing] | None = None,
    public_key_file: FilePath | None = None,
) -> PusherFindings:
    """Copy a blessed model to a place that a model server watches, as a new version.

    The version appears whole or not at all. A blessing is checked against the files that are pushed: where it is for
    another model, where the model, the verdict or the blessing was changed since, or where a signature is required and
    is missing or wrong, nothing is pushed, and the receipt says why. Without any blessing wired the model is pushed,
    and the receipt says that nothing vouched for it; a blessing that is wired and does not come stops the push.

    Args:
        context: The run that the step is part of.
        pushed_model: A copy of what was pushed, and `receipt.json`.
        push_destination: `PushDestination(filesystem=PushDestination.Filesystem(base_directory=...))`: a folder or a
            URL; or `kserve=PushDestination.KServe(...)`.
        model: The model to push; without it, the one with warm-up requests that comes with the infra_blessing.
        model_blessing: Evaluator's word on the model.
        infra_blessing: InfraValidator's word on the model.
        public_key_file: PEM public keys; every blessing must then be signed by the private key of one of them.
    """
    wanted = Push(
        serving=_serving(model, infra_blessing),
        model_digest=model.digest if model else "",
        claims=_claims(model_blessing, infra_blessing, public_key_file),
        required=_required(context, signed=public_key_file is not None),
    )
    receipt = push(wanted, open_destination(push_destination))
    try:
        if receipt.pushed:
            shutil.copytree(wanted.serving, pushed_model.path, dirs_exist_ok=True)
            if served_digest(pushed_model.path) != receipt.content_digest:
                raise ArtifactError(
                    "pusher.changed",
                    f"{wanted.serving} was changed after version {receipt.version} was pushed from it.",
                    "Run the step again, or restore the version before with `assay rollback`.",
                )
        write_durably(pushed_model.path / RECEIPT, receipt.to_json())
    except OSError as error:
        raise disk_full(pushed_model.path, error) from error
    pushed_model.properties["pushed"] = int(receipt.pushed)
    if receipt.pushed:
        pushed_model.properties["pushed_destination"] = receipt.destination
        pushed_model.properties["pushed_version"] = receipt.version
    if not receipt.pushed:
        context.did_nothing(receipt.reason)
    elif not wanted.claims:
        context.remark(receipt.reason)
    else:
        context.log(receipt.reason)
    return PusherFindings(pushed=receipt.pushed, pushed_version=receipt.version)


def _serving(model: Model | None, infra_blessing: InfraBlessing | None) -> Path:
    if model is not None:
        return model.serving_path
    if infra_blessing is None:
        raise UsageError("pusher.no_model", "Pusher has nothing to push.", "Wire `model`, or `infra_blessing`.")
    if infra_blessing.blessed and not infra_blessing.stamped_path.is_dir():
        raise ArtifactError(
            "pusher.no_stamped_model",
            "Pusher has no `model`, and the infra_blessing does not contain one.",
            "Wire `model`, or make InfraValidator write one: RequestSpec(make_warmup=True).",
        )
    return infra_blessing.stamped_path


def _claims(
    model_blessing: ModelBlessing | None, infra_blessing: InfraBlessing | None, public_key_file: str | None
) -> tuple[Claim, ...]:
    key = Path(public_key_file) if public_key_file else None
    claims = []
    if model_blessing is not None:
        claims.append(
            Claim(folder=model_blessing.path, kind="model", digest=model_blessing.digest, public_key_file=key)
        )
    if infra_blessing is not None:
        claims.append(
            Claim(folder=infra_blessing.path, kind="infra", digest=infra_blessing.digest, public_key_file=key)
        )
    return tuple(claims)


def _required(context: ExecutionContext, *, signed: bool) -> tuple[str, ...]:
    """Return the required blessings: those that the author wired, even if a resolver then found none."""
    wired = [name for name in ("model_blessing", "infra_blessing") if name in context.wired]
    if signed and "model_blessing" not in wired:
        wired.append("model_blessing")
    return tuple(wired)
