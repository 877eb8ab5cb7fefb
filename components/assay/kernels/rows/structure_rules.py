"""Rules about a column's type, presence and number of values, and about features of several columns or fields.

Sparse and weighted features are made of several columns. A rule about a field of a struct is any rule, applied to each
struct of a row as if it were a row itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from assay.kernels.feature_path import join_path
from assay.kernels.rows.record import OTHER, STRUCT, feature_type
from assay.kernels.rows.rule import RowRule, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.kernels.rows.batch_columns import BatchColumns, Mask
    from assay.kernels.rows.record import Record, RecordColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRule(Rule):
    """Values are of one family.

    Attributes:
        family: `INT`, `FLOAT`, `BYTES` or `STRUCT`.
    """

    family: str

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows with a value, in a column of another family."""
        column = batch[self.columns[0]]
        return None if column.feature_type == self.family else column.has_leaf

    def breaks(self, record: Record) -> bool:
        """Return whether any value is of another family."""
        return any(
            family != self.family and not (family == OTHER and feature_type(value) == self.family)
            for family, value in record[self.columns[0]].leaves
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceRule(Rule):
    """Every row has a value."""

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows without a value."""
        return batch[self.columns[0]].missing

    def breaks(self, record: Record) -> bool:
        """Return whether the value is missing."""
        return record[self.columns[0]].missing


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceRule(Rule):
    """No row has a value: the column does not belong to the environment."""

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows with a value."""
        return ~batch[self.columns[0]].missing

    def breaks(self, record: Record) -> bool:
        """Return whether there is a value."""
        return not record[self.columns[0]].missing


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownColumnsRule(Rule):
    """No row has a value in a column that the schema does not name.

    Attributes:
        known: The columns that the schema names.
    """

    known: frozenset[str]

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows with a value in any other column."""
        broken = None
        for name in batch.names:
            if name not in self.known:
                present = ~batch.missing(name)
                broken = present if broken is None else broken | present
        return broken

    def breaks(self, record: Record) -> bool:
        """Return whether any other column has a value."""
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
        """Return rows with a list of another length."""
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
        """Return whether a list at the level has another length."""
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
        """Return rows that show another depth: a value above it, or a list at it."""
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
        """Return whether the record shows another depth."""
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
        """Return rows without a value, with another number of values, or unevenly nested."""
        column = batch[self.columns[0]]
        broken: Mask = column.missing | (column.leaves_per_row != self.size)
        for level in column.levels[1:]:
            one = column.leaves_per_row.copy()  # overwritten, in each row with lists, by the length of one of them
            one[level.rows] = level.lengths
            broken[level.rows[level.lengths != one[level.rows]]] = True
        return broken

    def breaks(self, record: Record) -> bool:
        """Return whether the record has no value, another number of values, or uneven lists."""
        column = record[self.columns[0]]
        uneven = any(len(set(lengths)) > 1 for lengths in column.lengths[1:])
        return column.missing or len(column.leaves) != self.size or uneven


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRule(Rule):
    """A row that has one of the columns has this one too.

    Attributes:
        part: The column.
    """

    part: str

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows with another column and without this one."""
        missing = batch[self.part].missing
        if not missing.any():
            return None
        others = [~batch[name].missing for name in self.columns if name != self.part]
        return missing & reduce(or_, others) if others else None

    def breaks(self, record: Record) -> bool:
        """Return whether another column has a value and this one has none."""
        return record[self.part].missing and any(not record[name].missing for name in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthRule(Rule):
    """Two columns have as many values as each other; one that is missing has none.

    Attributes:
        value: The one.
        other: The other.
    """

    value: str
    other: str

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows where the numbers differ."""
        mask: Mask = batch[self.value].outer_lengths != batch[self.other].outer_lengths
        return mask

    def breaks(self, record: Record) -> bool:
        """Return whether the numbers differ."""
        return _length(record[self.value]) != _length(record[self.other])


def composite_rules(schema: Schema) -> Iterator[PartRule | LengthRule]:
    """Compiles the sparse and weighted features of a schema; each part is a column of its own."""
    for sparse in schema.sparse_feature:
        indices = sorted({index.name for index in sparse.index_feature})
        yield from _rules(sparse.name, sparse.value_feature.name, indices, "SPARSE_FEATURE", "INDEX")
    for weighted in schema.weighted_feature:
        weight = ".".join(weighted.weight_feature.step)
        yield from _rules(weighted.name, ".".join(weighted.feature.step), [weight], "WEIGHTED_FEATURE", "WEIGHT")


def _rules(name: str, value: str, others: list[str], kind: str, role: str) -> Iterator[PartRule | LengthRule]:
    columns = (value, *others)
    for part in columns:
        what: Any = "VALUE" if part == value else role
        yield PartRule(
            id=f"{join_path((name,))}.has.{part}",
            reason=f"{kind}_MISSING_{what}",
            columns=columns,
            expectation=f"{name} has {part} where it has any of {', '.join(columns)}",
            part=part,
        )
    for other in others:
        yield LengthRule(
            id=f"{join_path((name,))}.length.{other}",
            reason=f"{kind}_LENGTH_MISMATCH",
            columns=columns,
            expectation=f"{name} has as many values in {other} as in {value}",
            value=value,
            other=other,
        )


def _length(column: RecordColumn) -> int:
    return 0 if column.missing else column.lengths[0][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule(Rule):
    """A rule about the fields of every struct in a column.

    Attributes:
        rule: What each struct has to keep, its fields being the columns.
    """

    rule: RowRule

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows with a struct that breaks the rule; other columns are left to the type rule."""
        column = batch[self.columns[0]]
        if column.family != STRUCT:
            return None
        structs, rows = column.structs
        inner = self.rule.mask(structs)
        if inner is None:
            return None
        broken = column.no_rows()
        broken[rows[inner]] = True
        return broken

    def breaks(self, record: Record) -> bool:
        """Return whether a struct breaks the rule."""
        return any(self.rule.breaks(struct) for struct in record[self.columns[0]].structs)


def field_rule(struct: str, rule: RowRule) -> FieldRule:
    """Turn a rule of fields into a rule of the struct's column."""
    return FieldRule(
        id=f"{join_path((struct,))}.{rule.id}",
        reason=rule.reason,
        columns=(struct,),
        expectation=f"in {struct}, {rule.expectation}",
        severity=rule.severity,
        rule=rule,
    )
