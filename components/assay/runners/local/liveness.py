"""Who is alive: a lock file for each process that runs a pipeline, held as long as the process lives.

The operating system drops the lock when a process ends, however it ends, so a killed run differs from a slow one
without a time-out.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from assay.errors import disk_full
from assay.lineage.records import ExecutionRecord, LineageGraph, RunRecord
from assay.lineage.store import LineageStore


@contextmanager
def owned(folder: Path, token: str) -> Iterator[None]:
    """Hold the lock of `token` while the block runs.

    Raises:
        ArtifactError: If the lock file cannot be written.
    """
    path = _lock(folder, token)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise disk_full(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def is_alive(folder: Path, token: str) -> bool:
    """Return whether the process that has the lock of `token` still runs; change nothing."""
    try:
        descriptor = os.open(_lock(folder, token), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two that ask at once do not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def forget(folder: Path, token: str) -> None:
    """Remove the lock file that a dead process left."""
    _lock(folder, token).unlink(missing_ok=True)


def _lock(folder: Path, token: str) -> Path:
    return folder / f"{token}.lock"


# How things stand now: what the lineage store takes for running may be a process that was killed.
#
# The next run records such an end for good (`recovery.clear_dead_runs`); a question only looks, and leaves no trace.


@dataclass(frozen=True, slots=True)
class Standing:
    """Returns records as the next run would record them: RUNNING becomes ABANDONED where the process is gone.

    Attributes:
        store: The store that the records come from.
        locks: The folder of the lock files of the processes that record in it.
    """

    store: LineageStore
    locks: Path

    def run(self, record: RunRecord) -> RunRecord:
        """Return a run as it stands."""
        if record.state != "RUNNING" or is_alive(self.locks, record.owner):
            return record
        latest = self.store.run(record.id)  # it may have ended well between the two looks
        return replace(latest, state="ABANDONED") if latest.state == "RUNNING" else latest

    def execution(self, record: ExecutionRecord) -> ExecutionRecord:
        """Return an execution as it stands."""
        if record.state != "RUNNING" or is_alive(self.locks, record.owner):
            return record
        latest = self.store.execution(record.id)
        return replace(latest, state="ABANDONED") if latest.state == "RUNNING" else latest

    def graph(self, graph: LineageGraph) -> LineageGraph:
        """Return a graph with its executions as they stand."""
        return replace(graph, executions={id_: self.execution(each) for id_, each in graph.executions.items()})
