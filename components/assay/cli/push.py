"""`assay push`, `assay rollback` and `assay versions`: the models where a model server watches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.errors import ArtifactError, UsageError

if TYPE_CHECKING:
    from assay.components.pusher.receipt import Destination, Receipt, Version

_NOT_BLESSED = 4


_KeepLast = Annotated[
    int | None, typer.Option(metavar="N", help="Remove all but the last N versions; default: keep all.")
]
_KServe = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="InferenceService YAML whose storage is the destination; write or apply it."),
]
_Serving = Annotated[str, typer.Argument(metavar="DIR", help="Folder or URL of versions.", show_default=False)]


def push(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A Model artifact, or a SavedModel.")],
    *,
    to: Annotated[str, typer.Option(metavar="DIR", help="Folder or URL of versions.", show_default=False)],
    blessing: Annotated[Path | None, typer.Option(metavar="DIR", help="The model's blessing.")] = None,
    infra_blessing: Annotated[Path | None, typer.Option(metavar="DIR", help="InfraValidator's blessing.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM public keys; one of them must have signed each blessing.")
    ] = None,
    keep_last: _KeepLast = None,
    kserve: _KServe = None,
    unblessed: Annotated[bool, typer.Option("--unblessed", help="Push without a blessing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
) -> None:
    """Push a blessed model as a new version.

    `assay versions` lists what was pushed; `assay rollback` restores an earlier version.

    Exit codes: 0 pushed, 1 error, 2 wrong usage, 4 the model is not blessed.

    Examples:
      assay push model/ --to serving/taxi --blessing blessing/ --keep-last 5
    """
    if blessing is None and not unblessed:
        raise UsageError(
            "push.no_blessing", "Pushing a model requires a blessing.", "Give --blessing DIR, or --unblessed."
        )
    if blessing is not None and unblessed:
        raise UsageError("push.unblessed", "--blessing and --unblessed cannot be combined.")
    _finish(_pushed(model, _destination(to, keep_last, kserve), blessing, infra_blessing, public_key), as_json=as_json)


def rollback(
    serving: _Serving,
    *,
    version: Annotated[
        str, typer.Option(metavar="N", help="Version to restore; default: the one before the current.")
    ] = "",
    keep_last: _KeepLast = None,
    kserve: _KServe = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
) -> None:
    """Restore an earlier version of a pushed model, as a new version.

    Exit codes: 0 restored, 1 error, 2 wrong usage.

    Examples:
      assay rollback serving/taxi
    """
    from assay.components.pusher.compute import rollback as roll_back

    _finish(roll_back(_destination(serving, keep_last, kserve), version), as_json=as_json)


def versions(
    serving: _Serving,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the pushed versions of a model, the current one last.

    Examples:
      assay versions serving/taxi
    """
    from assay.components.pusher.places import open_base

    _print_versions(open_base(serving).versions(), as_json=as_json)


def _finish(receipt: Receipt, *, as_json: bool) -> None:
    typer.echo(receipt.to_json().decode() if as_json else receipt.reason, nl=not as_json)
    raise typer.Exit(0 if receipt.pushed else _NOT_BLESSED)


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
    from assay.gating.blessing import Kind, serving_folder
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
        typer.echo("No versions.")


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
