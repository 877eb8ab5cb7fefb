"""The names of a task on a cluster: its pipeline, its run, and itself.

A command line asks for them by placeholders (`{{$.pipeline_job_uuid}}`). `kfp.local` and Vertex fill them in; the
open-source server does so in values of parameters only, and hands a container's arguments on as they are. There the
names are read off the places where its driver wants the outputs: `<root>/<pipeline>/<run id>/<task>[/<salt>]/<output>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PLACEHOLDER = "{{$"
_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Where the run's id stands, counted from the end: before the task's salt, which older servers leave out.
_PLACES = (-4, -3)


@dataclass(frozen=True, slots=True)
class TaskNames:
    """What a run knows a step by; empty where it cannot be told."""

    pipeline: str
    run_id: str
    task: str

    def filled(self, outputs: Iterable[str]) -> TaskNames:
        """Gives the names with those that are still placeholders told by the URIs of the task's outputs."""
        told = _told(outputs)
        return TaskNames(
            pipeline=told.pipeline if self.pipeline.startswith(_PLACEHOLDER) else self.pipeline,
            run_id=told.run_id if self.run_id.startswith(_PLACEHOLDER) else self.run_id,
            task=told.task if self.task.startswith(_PLACEHOLDER) else self.task,
        )


def _told(outputs: Iterable[str]) -> TaskNames:
    for uri in outputs:
        parts = uri.split("/")
        for at in _PLACES:
            if len(parts) > -at and _RUN_ID.fullmatch(parts[at]):
                return TaskNames(pipeline=parts[at - 1], run_id=parts[at], task=parts[at + 1])
    return TaskNames("", "", "")
