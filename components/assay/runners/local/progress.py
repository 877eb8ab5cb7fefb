"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from assay.runners.local.result import RunResult, StepResult


class Progress(Protocol):
    """Receives the events of a run; the command line prints them."""

    def step_started(self, node_id: str) -> None:
        """Report that a step begins to run."""
        ...

    def step_ended(self, result: StepResult) -> None:
        """Report that a step ended, was cached, or was skipped."""
        ...

    def run_ended(self, result: RunResult) -> None:
        """Report that the run ended."""
        ...


class Silence:
    """Tells nothing."""

    def step_started(self, node_id: str) -> None:
        """Says nothing."""

    def step_ended(self, result: StepResult) -> None:
        """Says nothing."""

    def run_ended(self, result: RunResult) -> None:
        """Says nothing."""


class Lines:
    """Prints one line a step: name, status, rows and seconds."""

    def __init__(self, print_line: Callable[[str], None] = print) -> None:
        self._print = print_line

    def step_started(self, node_id: str) -> None:
        """Says nothing: a line is printed when the step ends."""

    def step_ended(self, result: StepResult) -> None:
        """Print the step's line."""
        self._print(step_line(result))

    def run_ended(self, result: RunResult) -> None:
        """Says nothing: the caller has the result."""


def rows_text(result: StepResult) -> str:
    """Row counts as a person reads them: `train 10,036 eval 4,966`."""
    parts = [
        f"{split} {count.written:,}" + (f" (+{count.rejected:,} rejected)" if count.rejected else "")
        for split, count in result.rows.items()
    ]
    return " ".join(parts)


def step_line(result: StepResult) -> str:
    """Return a step as one line."""
    line = f"{result.node_id:<30} {result.status:<9} {result.seconds:7.2f} s"
    rows = rows_text(result)
    if rows:
        line += f"  rows: {rows}"
    if result.closed_gate:
        line += f"  {result.closed_gate.verdict.summary}"
    elif result.reason:
        line += f"  {result.reason}"
    return line
