"""How things stand now: what the lineage store takes for running may be a process that was killed.

The next run records such an end for good (`recovery.clear_dead_runs`); a question only looks, and leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from assay.lineage.records import ExecutionRecord, LineageGraph, RunRecord
from assay.lineage.store import LineageReader
from assay.runners.local.ownership import is_alive


@dataclass(frozen=True, slots=True)
class Standing:
    """Gives records as the next run would record them: RUNNING becomes ABANDONED where the process is gone.

    Attributes:
        store: The store that the records come from.
        locks: The folder of the lock files of the processes that record in it.
    """

    store: LineageReader
    locks: Path

    def run(self, record: RunRecord) -> RunRecord:
        """A run as it stands."""
        if record.state != "RUNNING" or is_alive(self.locks, record.owner):
            return record
        latest = self.store.run(record.id)  # it may have ended well between the two looks
        return replace(latest, state="ABANDONED") if latest.state == "RUNNING" else latest

    def execution(self, record: ExecutionRecord) -> ExecutionRecord:
        """An execution as it stands."""
        if record.state != "RUNNING" or is_alive(self.locks, record.owner):
            return record
        latest = self.store.execution(record.id)
        return replace(latest, state="ABANDONED") if latest.state == "RUNNING" else latest

    def graph(self, graph: LineageGraph) -> LineageGraph:
        """A graph with its executions as they stand."""
        return replace(graph, executions={id_: self.execution(each) for id_, each in graph.executions.items()})
