"""`assay push`: puts a blessed model where a model server watches, goes back to an earlier one, lists what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.errors import ArtifactError, UsageError

if TYPE_CHECKING:
    from assay.components.pusher.receipt import Destination, Receipt, Version

_NOT_BLESSED = 4


def push(
    model: Annotated[
        Path | None, typer.Argument(metavar="[MODEL]", help="A Model artifact, or a SavedModel.", show_default=False)
    ] = None,
    *,
    to: Annotated[str, typer.Option(metavar="DIR", help="Folder or URL of versions.", show_default=False)] = "",
    blessing: Annotated[Path | None, typer.Option(metavar="DIR", help="The model's blessing.")] = None,
    infra_blessing: Annotated[Path | None, typer.Option(metavar="DIR", help="InfraValidator's blessing.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM public keys; one of them must have signed each blessing.")
    ] = None,
    keep_last: Annotated[
        int | None, typer.Option(metavar="N", help="Remove older versions but the last N; default: keep all.")
    ] = None,
    rollback: Annotated[
        str, typer.Option("--rollback", metavar="DIR", help="Restore the version before the current one.")
    ] = "",
    version: Annotated[str, typer.Option(metavar="N", help="With --rollback: the version to restore.")] = "",
    listed: Annotated[str, typer.Option("--list", metavar="DIR", help="List the versions.")] = "",
    kserve: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML of an InferenceService; DIR is its storage. Write, or apply, it."),
    ] = None,
    unblessed: Annotated[bool, typer.Option("--unblessed", help="Push without a blessing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt, or the list, as JSON.")] = False,
) -> None:
    """Push a blessed model as a new version, roll back, or list the versions.

    Exit codes: 0 pushed, 1 error, 2 wrong usage, 4 refused: the model is not blessed.

    Examples:
      assay push model/ --to serving/taxi --blessing blessing/ --keep-last 5

      # What is served, and what was before it; then back to that.
      assay push --list serving/taxi
      assay push --rollback serving/taxi
    """
    _check_usage(model, to, rollback, listed, version)
    from assay.components.pusher.compute import rollback as roll_back
    from assay.components.pusher.places import open_base

    if listed:
        _print_versions(open_base(listed).versions(), as_json=as_json)
        return
    if rollback:
        receipt = roll_back(_destination(rollback, keep_last, kserve), version)
    else:
        assert model is not None, "checked above"
        if blessing is None and not unblessed:
            raise UsageError(
                "push.no_blessing",
                "A model is pushed on the word of a blessing.",
                "Give --blessing DIR, or --unblessed.",
            )
        if blessing is not None and unblessed:
            raise UsageError("push.unblessed", "--blessing and --unblessed contradict each other.")
        receipt = _pushed(model, _destination(to, keep_last, kserve), blessing, infra_blessing, public_key)
    typer.echo(receipt.to_json().decode() if as_json else receipt.reason, nl=not as_json)
    raise typer.Exit(0 if receipt.pushed else _NOT_BLESSED)


def _check_usage(model: Path | None, to: str, rollback: str, listed: str, version: str) -> None:
    wanted = [name for name, given in (("MODEL", model), ("--rollback", rollback), ("--list", listed)) if given]
    if len(wanted) != 1:
        raise UsageError(
            "push.one", f"assay push takes one of MODEL, --rollback and --list, got {' and '.join(wanted) or 'none'}."
        )
    if (model is not None) != bool(to):
        raise UsageError("push.to", "MODEL and --to DIR belong together.")
    if version and not rollback:
        raise UsageError("push.version", "--version says which version --rollback restores.")


def _pushed(
    model: Path,
    destination: Destination,
    blessing: Path | None,
    infra_blessing: Path | None,
    public_key: Path | None,
) -> Receipt:
    from assay.artifacts.store import MANIFEST, damage, read_manifest
    from assay.components.pusher.compute import Push
    from assay.components.pusher.compute import push as push_model
    from assay.gating.blessing import Kind
    from assay.gating.served_model import serving_folder
    from assay.gating.verification import Claim

    given: tuple[tuple[Kind, Path | None], ...] = (("model", blessing), ("infra", infra_blessing))
    for _, folder in given:
        if folder is not None and not folder.is_dir():
            raise ArtifactError("blessing.none", f"Expected a blessing at {folder}; there is no such folder.")
    digest = read_manifest(model).digest if (model / MANIFEST).is_file() else ""
    damaged = damage(model, digest) if digest else ""
    if damaged:
        raise ArtifactError("push.model_changed", f"The model {model} {damaged}.", "Push it as it was sealed.")
    wanted = Push(
        serving=serving_folder(model),
        model_digest=digest,
        claims=tuple(
            Claim(folder=folder, kind=kind, public_key_file=public_key) for kind, folder in given if folder is not None
        ),
        required=("model_blessing",) if public_key else (),
    )
    return push_model(wanted, destination)


def _destination(base: str, keep_last: int | None, kserve: Path | None) -> Destination:
    from assay.components.pusher.config import FilesystemDestination, PushDestination
    from assay.components.pusher.kserve import read_kserve
    from assay.components.pusher.places import open_destination

    if kserve is not None:
        return open_destination(PushDestination(kserve=read_kserve(kserve, base, keep_last)))
    return open_destination(PushDestination(filesystem=FilesystemDestination(base_directory=base, keep_last=keep_last)))


def _print_versions(versions: Any, *, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode([*versions]), indent=2).decode())
        return
    for version in versions:
        typer.echo(f"{version.name}  {_described(version)}{'  current' if version is versions[-1] else ''}")
    if not versions:
        typer.echo("No version.")


def _described(version: Version) -> str:
    from datetime import datetime, timezone

    receipt = version.receipt
    if receipt is None:
        return "not pushed by assay"
    when = datetime.fromtimestamp(receipt.pushed_at, tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    said = f"{when}  {receipt.content_digest[:19]}"
    if receipt.restores:
        said += f"  restores {receipt.restores}"
    return said if receipt.blessings else f"{said}  unblessed"
