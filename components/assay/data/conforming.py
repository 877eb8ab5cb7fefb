"""Columns as the schema describes them, where a source can only write them otherwise.

One table is not of the same types in every source: a CSV has no booleans, dates or times, pandas makes doubles of
integers with missing values, and Parquet has all of them. Where a schema was inferred from another source than the
data, a column is converted if that loses nothing (docs/decisions/0121-types-of-a-schema-in-every-source.md). What a
producer can break, such as text where numbers were, is left as it is, so that validation finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.data.csv_types import Kind, times_of

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, Schema

Change: TypeAlias = Callable[[pa.Array], pa.Array]
"""Converts a column, or raises ArrowInvalid where a value would be lost."""

_TIMES = {
    schema_pb2.TimeDomain.UNIX_DAYS: Kind.DATE,
    schema_pb2.TimeDomain.UNIX_SECONDS: Kind.TIME,
    schema_pb2.TimeDomain.UNIX_MILLISECONDS: Kind.TIME,
    schema_pb2.TimeDomain.UNIX_MICROSECONDS: Kind.TIME,
    schema_pb2.TimeDomain.UNIX_NANOSECONDS: Kind.TIME,
}
_WORDS = (("True", "False"), ("true", "false"), ("TRUE", "FALSE"), ("1", "0"))


@dataclass(frozen=True, slots=True)
class ConformedShard:
    """A shard whose columns are converted.

    Attributes:
        shard: As it is read.
        changes: By column.
    """

    shard: Any
    changes: Mapping[str, Change]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        for batch in self.shard.batches(columns):
            arrays = [
                self.changes[name](column) if name in self.changes else column
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, batch.schema.names)


@dataclass(frozen=True, slots=True)
class ConformedRows:
    """A source whose columns are converted.

    Attributes:
        source: As it is read.
        changes: By column.
    """

    source: Any
    changes: Mapping[str, Change]

    @property
    def shards(self) -> list[ConformedShard]:
        """The parts, in order."""
        return [ConformedShard(shard, self.changes) for shard in self.source.shards]

    @property
    def bounded(self) -> bool:
        """Whether a shard fits in memory."""
        return bool(self.source.bounded)

    def __getattr__(self, name: str) -> Any:
        """Return what only the source knows, such as its number of rows."""
        if name.startswith("_") or name in {"source", "changes"}:
            raise AttributeError(name)
        return getattr(self.source, name)


def conformed(source: Any, schema: Schema, *, of_csv: bool) -> Any:
    """Return a source with its columns as the schema describes them, as far as no value is lost.

    Args:
        source: The rows.
        schema: What describes them.
        of_csv: Whether text may be dates, times or booleans, which a CSV can only write so.
    """
    batch = next((batch for shard in source.shards for batch in shard.batches()), None)
    features = {feature.name: feature for feature in schema.feature}
    wanted = {
        field.name: change
        for field in (batch.schema if batch is not None else ())
        if field.name in features and (change := _change(field.type, features[field.name], schema, of_csv=of_csv))
    }
    changes = {name: change for name, change in wanted.items() if _holds(source, name, change)}
    return ConformedRows(source, changes) if changes else source


def _holds(source: Any, name: str, change: Change) -> bool:
    """Say whether every value can be converted; only columns that the schema describes otherwise are read for that."""
    try:
        for shard in source.shards:
            for batch in shard.batches([name]):
                change(batch.column(0))
    except pa.ArrowInvalid:
        return False
    return True


def _change(type_: pa.DataType, feature: Feature, schema: Schema, *, of_csv: bool) -> Change | None:
    if feature.type == schema_pb2.BYTES:
        return _to_text(type_, feature, schema)
    if feature.type == schema_pb2.FLOAT and pa.types.is_integer(type_):
        return lambda array: array.cast(pa.float64())  # refuses what a double cannot hold exactly
    if feature.type == schema_pb2.INT and pa.types.is_floating(type_):
        return lambda array: array.cast(pa.int64())  # refuses fractions, infinities and NaN
    if feature.type == schema_pb2.INT and of_csv and pa.types.is_string(type_):
        return _from_text(feature)
    return None


def _to_text(type_: pa.DataType, feature: Feature, schema: Schema) -> Change | None:
    if pa.types.is_boolean(type_):
        known = {value for domain in schema.string_domain if domain.name == feature.domain for value in domain.value}
        known |= set(feature.string_domain.value)
        true, false = next((words for words in _WORDS if known & {*words}), _WORDS[0])
        return lambda array: pc.if_else(array, true, false)
    if pa.types.is_duration(type_):
        return lambda array: pa.array([None if each is None else str(each) for each in array.to_pylist()], pa.string())
    if pa.types.is_date(type_) or pa.types.is_time(type_) or pa.types.is_timestamp(type_):
        return lambda array: pc.replace_substring_regex(array.cast(pa.string()), r"\.0+$", "")
    return None


def _from_text(feature: Feature) -> Change:
    unit = feature.time_domain.integer_format
    if unit in _TIMES:
        return lambda array: times_of(array, _TIMES[unit])
    return _booleans  # a schema of booleans that were all the same has no bool_domain


def _booleans(array: pa.Array) -> pa.Array:
    words = pc.utf8_lower(array)
    if not pc.all(pc.is_in(words, value_set=pa.array(["true", "false", None]))).as_py():
        raise pa.ArrowInvalid("not a boolean")
    return pc.equal(words, "true")
