"""Rules about features that several columns make together: sparse features and weighted features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from assay.kernels.feature_path import join_path
from assay.kernels.rows.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.kernels.rows.batch_columns import BatchColumns, Mask
    from assay.kernels.rows.record import Record, RecordColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRule(Rule):
    """A row that has one of the columns has this one too.

    Attributes:
        part: The column.
    """

    part: str

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows with another column and without this one."""
        missing = batch[self.part].missing
        if not missing.any():
            return None
        others = [~batch[name].missing for name in self.columns if name != self.part]
        return missing & reduce(or_, others) if others else None

    def breaks(self, record: Record) -> bool:
        """Whether another column has a value and this one has none."""
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
        """Rows where the numbers differ."""
        mask: Mask = batch[self.value].outer_lengths != batch[self.other].outer_lengths
        return mask

    def breaks(self, record: Record) -> bool:
        """Whether the numbers differ."""
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
