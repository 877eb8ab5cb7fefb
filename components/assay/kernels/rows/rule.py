"""What every row rule is: an id, a reason code, and an expectation that a person can read.

A rule of rows has two readings that always agree: `mask` over the columns of a batch and `breaks` over one record. Both
stand side by side in the rule's class, on one formula wherever there can be one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from assay.kernels.rows.batch_columns import BatchColumns, Mask
    from assay.kernels.rows.record import Record

Severity: TypeAlias = Literal["error", "warning"]
_SHOWN_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        id: Names the rule within its set, the same in every run; `fare.min`, say.
        reason: Why a row breaks it, for machines: TFDV's anomaly type where TFDV has one.
        columns: The columns that it reads.
        expectation: What every row should do, as a sentence without the full stop: "fare is at least 0".
        severity: Rows that break a rule of severity `error` are rejected; those of a `warning` are counted.
    """

    id: str
    reason: str
    columns: tuple[str, ...]
    expectation: str
    severity: Severity = "error"


class RowRule(Protocol):
    """A rule that one row breaks or keeps whatever the other rows are."""

    @property
    def id(self) -> str:
        """See `Rule`."""
        ...

    @property
    def reason(self) -> str:
        """See `Rule`."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """See `Rule`."""
        ...

    @property
    def expectation(self) -> str:
        """See `Rule`."""
        ...

    @property
    def severity(self) -> Severity:
        """See `Rule`."""
        ...

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Which rows of a batch break the rule; None where none does."""
        ...

    def breaks(self, record: Record) -> bool:
        """Whether one record breaks the rule."""
        ...


def shown(value: Any) -> str:
    """Gives a value for a sentence, cut to a length that fits one; `nothing` for a missing value."""
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."


def shown_limit(limit: float) -> str:
    """Gives a limit for a sentence: 0.1, and 5 for 5.0."""
    return repr(limit).removesuffix(".0")


def breach_sentence(rule: RowRule | Rule, found: Any) -> str:
    """Says what a row was expected to be and what it is: "Expected: fare is at least 0; found -3.0"."""
    return f"Expected: {rule.expectation}; found {shown(found)}."
