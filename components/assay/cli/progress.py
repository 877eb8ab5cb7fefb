"""One line a step as a run goes on, and on a terminal a spinner for the running one."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from assay.runners.local import RunResult, StepResult
from assay.runners.local.progress import rows_text

if TYPE_CHECKING:
    from typing_extensions import Self

_STYLES = {"failed": "bold red", "skipped": "yellow", "anomalies": "yellow", "not blessed": "yellow"}
_STYLES |= {"did nothing": "yellow", "cached": "cyan"}
_GATE_WORDS = {3: "anomalies", 4: "not blessed"}


class StepLines:
    """Prints a line a step: name, status, seconds, rows, and why where it was not simply done.

    Args:
        console: Where to print.
        node_ids: The steps of the pipeline, which set the width of the names.
    """

    def __init__(self, console: Console, node_ids: Sequence[str]) -> None:
        self._console = console
        self._width = max(map(len, node_ids), default=0)
        self._spinner: Progress | None = None

    def __enter__(self) -> Self:
        """Start the clock and the spinner."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the spinner, even if the run was interrupted."""
        self._stop_spinner()

    def step_started(self, node_id: str) -> None:
        """Show that the step runs, on a terminal."""
        if not self._console.is_terminal:
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        # Python's own standard streams go to the step's log meanwhile: they are not the spinner's to redirect.
        self._spinner = Progress(
            *columns, console=self._console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._spinner.add_task(node_id, total=None)
        self._spinner.start()

    def step_ended(self, result: StepResult) -> None:
        """Print the step's line."""
        self._stop_spinner()
        self._console.print(step_text(result, self._width), soft_wrap=True)

    def run_ended(self, result: RunResult) -> None:
        """Says nothing: the summary follows."""

    def _stop_spinner(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


def step_text(result: StepResult, width: int) -> Text:
    """Return a step as one line; names take `width` columns."""
    word: str = "did nothing" if result.idle else result.status
    if result.closed_gate:
        word = _GATE_WORDS.get(result.closed_gate.exit_code, "closed")
    line = Text(f"{result.node_id:<{width}}  ")
    line.append(f"{word:<11}", _STYLES.get(word, "green"))
    line.append(f" {result.seconds:7.2f} s")
    rows = rows_text(result)
    if rows:
        line.append(f"  {rows}")
    if result.status != "failed" and not result.idle and result.reason:  # else told after the summary
        line.append(f"  {short_reason(result)}", "dim")
    return line


def short_reason(result: StepResult) -> str:
    """Return why a step was skipped or ran; of a chain (`Trainer skipped: Transform failed: …`), the first link."""
    return result.reason.partition(": ")[0] if result.status == "skipped" else result.reason
