"""Rules over the whole data set: which keys occur twice, and how many distinct values a column has.

One row alone can neither break nor keep them: `RowValidator` lists them as unchecked.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.kernels.rows.rule import Rule


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
