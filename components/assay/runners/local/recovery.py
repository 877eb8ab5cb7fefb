"""Clears away what killed runs left behind."""

from __future__ import annotations

import contextlib
import shutil

from assay.lineage.store import LineageStore
from assay.runners.local.layout import RootLayout
from assay.runners.local.ownership import is_alive


def clear_dead_runs(store: LineageStore, layout: RootLayout) -> int:
    """Abandons the executions of dead processes, and removes what they staged or sealed without recording it.

    Returns:
        The number of executions that were abandoned.
    """
    abandoned = store.abandon_executions(lambda owner: is_alive(layout.locks, owner))
    for execution in abandoned:
        remove_outputs(layout, execution.node_id, execution.id)
    return len(abandoned)


def remove_outputs(layout: RootLayout, node_id: str, execution_id: int) -> None:
    """Removes every folder of an execution whose outputs were not recorded."""
    shutil.rmtree(layout.staging(execution_id), ignore_errors=True)
    with contextlib.suppress(OSError):  # other executions still stage there
        layout.staging(execution_id).parent.rmdir()
    for sealed in (layout.root / node_id).glob(f"*/{execution_id}"):
        # A half-removed folder must not look like an artifact: it goes out of sight in one step first.
        doomed = sealed.with_name(f".{sealed.name}.removed")
        sealed.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
