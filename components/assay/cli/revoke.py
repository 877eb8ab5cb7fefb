"""`assay revoke`: takes back a blessing."""

from __future__ import annotations

from typing import Annotated

import typer


def revoke(
    blessing: Annotated[
        str, typer.Argument(metavar="BLESSING", help="Folder or URL of a blessing.", show_default=False)
    ],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why the blessing is no longer valid.")],
) -> None:
    """Revoke a blessing: the model is not pushed any more, and no longer the baseline of others.

    `assay verify`, Pusher and the resolver of the latest blessed model see the record that is written beside the mark.
    Versions that were pushed already stay: `assay rollback` restores the one before. A later run may bless the
    same model again; change the gate to prevent it.

    Exit codes: 0 revoked, 1 error, 2 wrong usage.

    Examples:
      assay revoke runs/taxi/Evaluator/blessing/4 --reason "wrong labels in May"
    """
    from datetime import datetime, timezone
    from pathlib import Path

    from assay.artifacts.blessing import BLESSED, INFRA_BLESSED
    from assay.errors import ArtifactError, UsageError
    from assay.files import write_durably
    from assay.gating.blessing import REVOKED, Revocation

    if not reason.strip():
        raise UsageError("revoke.reason", "--reason is empty.", "Say why the blessing is no longer valid.")
    now = datetime.now(tz=timezone.utc).isoformat(timespec="seconds")
    content = Revocation(reason=reason.strip().rstrip("."), revoked_at=now).to_json()
    if "://" in blessing:
        from assay.runners.kfp.storage import open_store

        store = open_store(blessing.rstrip("/"))
        names: set[str] = set(store.names())
    else:
        names = {path.name for path in Path(blessing).iterdir()} if Path(blessing).is_dir() else set()
    if not names & {BLESSED, INFRA_BLESSED}:
        raise ArtifactError(
            "revoke.not_blessed",
            f"Expected a blessing at {blessing}, with a file {BLESSED} or {INFRA_BLESSED}; found "
            f"{', '.join(sorted(names)[:5]) or 'nothing'}.",
            "Name the folder that Evaluator or `assay gate` wrote.",
        )
    if "://" in blessing:
        store.write(REVOKED, content)
    else:
        write_durably(Path(blessing) / REVOKED, content)
    typer.echo(f"Revoked {blessing}.")
