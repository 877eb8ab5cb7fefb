"""What a validation of rows found: every rule, kept and broken, with counts and sample rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from assay.kernels.rows.rule import Severity, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """One row that breaks a rule.

    Attributes:
        row: Its number in the data, from 0.
        found: The offending value, or a value for each column where the rule reads several.
        record: The whole row.
    """

    row: int
    found: Any
    record: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """How the data kept one rule.

    Attributes:
        rule_id: The rule.
        reason: Why a row breaks it, for machines.
        columns: The columns that it reads.
        severity: See `Rule`.
        expectation: See `Rule`.
        num_rows: Rows of the data.
        num_broken: Rows that break it; None for a rule that names no rows.
        observed: The figure of a rule that names no rows: a number of distinct values, or a share of failing ones.
        ok: Whether the data keeps it.
        samples: The first rows that break it.
    """

    rule_id: str
    reason: str
    columns: tuple[str, ...]
    severity: Severity
    expectation: str
    num_rows: int
    num_broken: int | None
    observed: float | None = None
    ok: bool
    samples: tuple[SampleRow, ...] = ()

    @property
    def share(self) -> float:
        """The share of rows that break it."""
        return (self.num_broken or 0) / self.num_rows if self.num_rows else 0.0

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        if self.ok:
            return f"{self.expectation}: kept."
        if self.num_broken is None:
            is_share = isinstance(self.observed, float)
            return f"{self.expectation}: broken, found {_percent(self.observed or 0.0) if is_share else self.observed}."
        rows = f"{self.num_broken:,} of {self.num_rows:,} rows ({_percent(self.share)})"
        example = f", row {self.samples[0].row} with {shown(self.samples[0].found)} for one" if self.samples else ""
        return f"{self.expectation}: broken in {rows}{example}."


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RowReport:
    """A dataset validated against row rules.

    Attributes:
        num_rows: Rows that were seen.
        num_rejected: Rows that break a rule of severity `error`.
        outcomes: Of every rule, in the rules' order.
        unchecked: Constraints that no rule covers, each as a sentence.
    """

    num_rows: int
    num_rejected: int
    outcomes: tuple[RuleOutcome, ...]
    unchecked: tuple[str, ...] = field(default=())

    @property
    def num_clean(self) -> int:
        """Rows that break no rule of severity `error`."""
        return self.num_rows - self.num_rejected

    @property
    def broken(self) -> tuple[RuleOutcome, ...]:
        """The outcomes of rules that are not kept, of any severity."""
        return tuple(outcome for outcome in self.outcomes if not outcome.ok)

    @property
    def ok(self) -> bool:
        """Whether every rule of severity `error` is kept."""
        return all(outcome.severity != "error" for outcome in self.broken)

    def __str__(self) -> str:
        """Return how many rows are clean, and a sentence for each rule that rows break."""
        lines = [f"{self.num_rows:,} rows: {self.num_clean:,} clean, {self.num_rejected:,} rejected"]
        return "\n".join([*lines, *(outcome.sentence for outcome in self.broken)])

    def __repr__(self) -> str:
        """Return the printed form, which a prompt and a failed assertion show instead of the protos."""
        return str(self)


def _percent(share: float) -> str:
    return f"{share:.2%}" if share >= 0.0001 else "under 0.01%"
