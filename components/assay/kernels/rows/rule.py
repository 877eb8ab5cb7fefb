"""What every row rule is: an id, a reason code, and an expectation that a person can read.

A rule of rows has two readings that always agree: `mask` over the columns of a batch and `breaks` over one record. Both
stand side by side in the rule's class, on one formula wherever there can be one.

Rules over the whole dataset count keys, distinct values or failed tests. One row alone can neither break nor keep them:
`RowValidator` lists them as unchecked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from assay.kernels.rows.batch_columns import BatchColumns, Mask, ValueTest
    from assay.kernels.rows.record import Record

Severity: TypeAlias = Literal["error", "warning"]
_SHOWN_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        id: Names the rule within its set, the same in every run, such as `fare.min`.
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
        """Return which rows of a batch break the rule; None where none does."""
        ...

    def breaks(self, record: Record) -> bool:
        """Return whether one record breaks the rule."""
        ...


def shown(value: Any) -> str:
    """Return a value for a sentence, cut to a length that fits one; `nothing` for a missing value."""
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."


def shown_limit(limit: float) -> str:
    """Return a threshold for a sentence: 0.1, and 5 for 5.0."""
    return repr(limit).removesuffix(".0")


def breach_sentence(rule: RowRule | Rule, found: Any) -> str:
    """Return what a row was expected to be and what it is: "Expected: fare is at least 0; found -3.0"."""
    return f"Expected: {rule.expectation}; found {shown(found)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueRule(Rule):
    """No two rows have the same values in the columns; a row that lacks one of them is never a duplicate, as in SQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinctRule(Rule):
    """A column has a number of distinct values; it names no rows.

    Attributes:
        min: The least number.
        max: The greatest number; None for no limit.
    """

    min: int
    max: int | None

    def accepts(self, figure: float) -> bool:
        """Return whether a number of distinct values keeps the rule."""
        return figure >= self.min and (self.max is None or figure <= self.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRule(Rule):
    """No more than a share of a column's values fail a test; it names no rows.

    Attributes:
        test: What each value has to pass.
        max_share: The maximum share of values that may fail it: 1 less a schema's `min_domain_mass`.
    """

    test: ValueTest
    max_share: float

    def accepts(self, figure: float) -> bool:
        """Return whether a share of failing values keeps the rule."""
        return figure <= self.max_share


DatasetRule: TypeAlias = DistinctRule | ShareRule
