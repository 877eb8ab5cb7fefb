"""Clears away what killed runs left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

from assay.artifacts.store import read_manifest
from assay.errors import ArtifactError, LineageError
from assay.lineage.store import LineageStore
from assay.runners.local.liveness import forget, is_alive
from assay.runners.local.result import end_run_record
from assay.runners.local.session import RootLayout


def clear_dead_runs(store: LineageStore, layout: RootLayout) -> int:
    """Abandons the executions of dead processes, and removes what they staged or sealed without recording it.

    Every execution stages before it seals, and removes its staging folder last. So a staging folder whose execution has
    ended marks all that a dead process may have left, whichever run recorded its death.

    Returns:
        The number of executions that were abandoned.
    """

    def may_live(owner: str) -> bool:
        # A database may hold runs of other machines and roots, whose locks cannot be seen from here.
        elsewhere = isinstance(layout.lineage, str) and not layout.run(owner).exists()
        return elsewhere or is_alive(layout.locks, owner)

    dead = [run for run in store.runs() if run.state == "RUNNING" and not may_live(run.owner)]
    abandoned = store.abandon_executions(may_live)
    for run in dead:
        end_run_record(layout.run(run.id))
        forget(layout.locks, run.owner)
    for staging in layout.staging_folder.glob("*"):
        try:
            execution = store.execution(int(staging.name))
        except (LineageError, ValueError):  # of another store's, or nobody's
            continue
        if execution.state == "COMPLETE":
            shutil.rmtree(staging, ignore_errors=True)
        elif execution.state != "RUNNING":
            remove_outputs(layout, execution.run_id, execution.node_id, execution.id)
    return len(abandoned)


def remove_outputs(layout: RootLayout, run_id: str, node_id: str, execution_id: int) -> None:
    """Remove the folders of an execution whose outputs were not recorded, the staging folder last.

    A folder named after `execution_id` may belong to another execution: a lineage store restored from a backup hands
    out numbers again. Only a folder whose manifest names this run is removed.
    """
    for sealed in (layout.root / node_id).glob(f"*/{execution_id}"):
        if not _is_made_by(sealed, run_id, execution_id):
            continue
        # A half-removed folder must not look like an artifact: it goes out of sight in one step first.
        doomed = layout.staging(execution_id) / f".removed-{sealed.parent.name}"
        doomed.parent.mkdir(parents=True, exist_ok=True)
        try:
            sealed.rename(doomed)
        except FileNotFoundError:  # another run clears away the same
            continue
    shutil.rmtree(layout.staging(execution_id), ignore_errors=True)


def _is_made_by(sealed: Path, run_id: str, execution_id: int) -> bool:
    try:
        producer = read_manifest(sealed).producer
    except ArtifactError:  # sealing writes the manifest before the folder gets its name, so this one is foreign
        return False
    return (producer.run_id, producer.execution_id) == (run_id, execution_id)
