"""What a running component knows about the run it is part of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from assay.engines.base import Engine
from assay.errors import EngineError


@dataclass(frozen=True, slots=True)
class RowCount:
    """Rows that a step read, wrote and rejected for one split."""

    read: int
    written: int
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """The services of a run that a component may use.

    Attributes:
        engine: Runs accumulators and maps over batches.
        temp_dir: A folder for scratch files; removed after the step.
        seed: Seed for everything random in the step.
        log: Writes one line to the step's log.
        pipeline_name: The pipeline's name.
        run_id: The run's id.
        node_id: The step's id.
        rows: Row counts by split, as `count_rows` recorded them.
        beam_pipeline_args: Beam's options, where the author gave some.
        remarks: What people should read beside the step: sentences, as `remark` recorded them.
        idle: Why the step did none of its work, as `did_nothing` recorded it; else empty.
        wired: Names of the inputs that the author wired; an optional one may have come without an artifact all the
            same, where a resolver found none.
    """

    engine: Engine
    temp_dir: Path
    seed: int = 0
    log: Callable[[str], None] = print
    pipeline_name: str = ""
    run_id: str = ""
    node_id: str = ""
    beam_pipeline_args: tuple[str, ...] = ()
    rows: dict[str, RowCount] = field(default_factory=dict)
    wired: frozenset[str] = frozenset()
    remarks: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)

    def remark(self, sentence: str) -> None:
        """Record a sentence that is shown beside the step, and log it."""
        self.remarks.append(sentence)
        self.log(sentence)

    def did_nothing(self, reason: str) -> None:
        """Record that the step did none of its work, though nothing failed: the run ends with exit code 5.

        Args:
            reason: Why, as a sentence.
        """
        self.idle.append(reason)
        self.log(reason)

    def count_rows(self, split: str, *, read: int, written: int, rejected: int = 0) -> None:
        """Record a split's row counts and check that no row was lost or made.

        Raises:
            EngineError: Unless `read == written + rejected`.
        """
        if read != written + rejected:
            raise EngineError(
                "rows.do_not_add_up",
                f"Split '{split}' of {self.node_id or 'this step'}: {read} rows were read, but {written} were written "
                f"and {rejected} rejected ({read - written - rejected:+d} unexplained).",
                "Report this as a bug of the engine or the component; nothing was published.",
            )
        self.rows[split] = RowCount(int(read), int(written), int(rejected))  # numpy's integers are no JSON
