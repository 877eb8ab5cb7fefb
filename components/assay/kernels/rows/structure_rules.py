"""Rules about a column's type, presence and number of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.kernels.rows.record import OTHER, feature_type
from assay.kernels.rows.rule import Rule

if TYPE_CHECKING:
    from assay.kernels.rows.batch_columns import BatchColumns, Mask
    from assay.kernels.rows.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRule(Rule):
    """Values are of one family.

    Attributes:
        family: `INT`, `FLOAT`, `BYTES` or `STRUCT`.
    """

    family: str

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows with a value, in a column of another family."""
        column = batch[self.columns[0]]
        return None if column.feature_type == self.family else column.has_leaf

    def breaks(self, record: Record) -> bool:
        """Whether any value is of another family."""
        return any(
            family != self.family and not (family == OTHER and feature_type(value) == self.family)
            for family, value in record[self.columns[0]].leaves
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceRule(Rule):
    """Every row has a value."""

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows without a value."""
        return batch[self.columns[0]].missing

    def breaks(self, record: Record) -> bool:
        """Whether the value is missing."""
        return record[self.columns[0]].missing


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceRule(Rule):
    """No row has a value: the column does not belong to the environment."""

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows with a value."""
        return ~batch[self.columns[0]].missing

    def breaks(self, record: Record) -> bool:
        """Whether there is a value."""
        return not record[self.columns[0]].missing


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownColumnsRule(Rule):
    """No row has a value in a column that the schema does not name.

    Attributes:
        known: The columns that the schema names.
    """

    known: frozenset[str]

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows with a value in any other column."""
        broken = None
        for name in batch.names:
            if name not in self.known:
                present = ~batch.missing(name)
                broken = present if broken is None else broken | present
        return broken

    def breaks(self, record: Record) -> bool:
        """Whether any other column has a value."""
        return any(name not in self.known and value is not None for name, value in record.values.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCountRule(Rule):
    """Lists at one nest level are neither shorter nor longer than a limit.

    Attributes:
        level: The nest level, 0 the outermost.
        min: The least length; None for no limit.
        max: The greatest length; None for no limit.
    """

    level: int
    min: int | None = None
    max: int | None = None

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows with a list of another length."""
        column = batch[self.columns[0]]
        if len(column.levels) <= self.level:
            return None
        level = column.levels[self.level]
        broken = column.no_rows()
        if self.min is not None:
            broken[level.rows[level.lengths < self.min]] = True
        if self.max is not None:
            broken[level.rows[level.lengths > self.max]] = True
        return broken

    def breaks(self, record: Record) -> bool:
        """Whether a list at the level has another length."""
        levels = record[self.columns[0]].lengths
        return len(levels) > self.level and any(
            (self.min is not None and length < self.min) or (self.max is not None and length > self.max)
            for length in levels[self.level]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NestingRule(Rule):
    """Values stand at one nest level: 1 for flat values and lists, 2 for lists of lists.

    Attributes:
        depth: The nest level.
    """

    depth: int

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows that show another depth: a value above it, or a list at it."""
        column = batch[self.columns[0]]
        found = len(column.levels)
        if found == self.depth:
            return None
        if found < self.depth:
            return column.has_leaf
        broken = column.no_rows()
        broken[column.levels[self.depth].rows] = True
        return broken

    def breaks(self, record: Record) -> bool:
        """Whether the record shows another depth."""
        column = record[self.columns[0]]
        return len(column.lengths) > self.depth or any(depth < self.depth for depth in column.leaf_depths)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeRule(Rule):
    """Every row has a value, and its innermost values are as many as a fixed shape holds, evenly nested.

    Attributes:
        size: Product of the shape's dimensions.
    """

    size: int

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows without a value, with another number of values, or unevenly nested."""
        column = batch[self.columns[0]]
        broken: Mask = column.missing | (column.leaves_per_row != self.size)
        for level in column.levels[1:]:
            one = column.leaves_per_row.copy()  # overwritten, in each row with lists, by the length of one of them
            one[level.rows] = level.lengths
            broken[level.rows[level.lengths != one[level.rows]]] = True
        return broken

    def breaks(self, record: Record) -> bool:
        """Whether the record has no value, another number of values, or uneven lists."""
        column = record[self.columns[0]]
        uneven = any(len(set(lengths)) > 1 for lengths in column.lengths[1:])
        return column.missing or len(column.leaves) != self.size or uneven
