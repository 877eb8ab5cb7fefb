"""Parquet files as Arrow record batches, one shard a row group, and back with deterministic bytes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from assay.data.csv_types import Kind, cell_kind
from assay.data.pandas_index import index_columns
from assay.data.recognition import other_format, require_regular
from assay.errors import DataError, UsageError, disk_full
from assay.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from typing_extensions import Self

ROW_GROUP_ROWS = 65_536
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_DECIMAL_DIGITS = 38
_UNITS = ("s", "ms", "us", "ns")


@dataclass(frozen=True, slots=True)
class ParquetShard:
    """A row group of one file.

    Attributes:
        path: The file.
        row_group: Its number in the file.
        num_rows: The number of rows.
        schema: The schema of the whole table, to which the rows are cast.
        constants: Columns that the file does not have and their one value, which its folder's name says.
    """

    path: Path
    row_group: int
    num_rows: int
    schema: pa.Schema = field(repr=False)
    constants: Mapping[str, int | str | None] = field(default_factory=dict)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows, with the given columns (default: all) in the schema's order."""
        schema = self.schema
        if columns is not None:
            wanted = set(columns)
            schema = pa.schema([each for each in schema if each.name in wanted])
        try:
            with pq.ParquetFile(self.path) as file:
                there = set(file.schema_arrow.names)  # created at each access: milliseconds where columns are many
                present = [name for name in schema.names if name in there]
                table = file.read_row_group(self.row_group, columns=present, use_threads=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise _unreadable(self.path, error) from error
        if not schema.names:
            yield pa.RecordBatch.from_struct_array(pa.array([{}] * self.num_rows, pa.struct([])))
            return
        for name in schema.names:
            if name not in there:
                kind = schema.field(name).type
                value = pa.scalar(self.constants.get(name), kind)
                table = table.append_column(name, pa.repeat(value, self.num_rows))
        table = table.select(schema.names)
        try:
            table = table.cast(schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise self._inexact(table, schema, error) from error
        yield from table.combine_chunks().to_batches()

    def _inexact(self, table: pa.Table, schema: pa.Schema, error: Exception) -> DataError:
        """Return the error for values that the type of the other files' column cannot hold."""
        for column, wanted in zip(table.columns, schema, strict=True):
            try:
                column.cast(wanted.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as refused:
                reason = next(iter(str(refused).splitlines()), "")
                return DataError(
                    "parquet.different_types",
                    f"{self.path} has the column '{wanted.name}' as {column.type}, another file as {wanted.type}, and "
                    f"a value in row group {self.row_group} is not exact in the common type {wanted.type}: {reason}.",
                    "Write the files with one schema.",
                )
        return _unreadable(self.path, error)


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """Parquet files of one schema.

    Attributes:
        schema: Column names and types, in the first file's order.
        shards: In the order of the files and of their row groups.
        num_rows: The number of rows of all files.
    """

    schema: pa.Schema
    shards: tuple[ParquetShard, ...]
    num_rows: int

    @property
    def bounded(self) -> bool:
        """A row group fits in memory."""
        return True

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows in order."""
        for shard in self.shards:
            yield from shard.batches(columns)


def hive_cells(paths: Sequence[Path], roots: Sequence[Path]) -> list[dict[str, str | None]]:
    """Return the text that the folders of each file hold, as in Hive: `year=2024/city=a%20b` below one of the roots."""
    found: list[dict[str, str | None]] = []
    for path in paths:
        root = next((each for each in roots if path.is_relative_to(each)), path.parent)
        pairs = [part.partition("=") for part in path.parent.relative_to(root).parts if "=" in part]
        found.append({unquote(name): None if value == _HIVE_NULL else unquote(value) for name, _, value in pairs})
    return found


def partitions(paths: Sequence[Path], roots: Sequence[Path]) -> list[dict[str, int | str | None]]:
    """Return the values of `hive_cells`: integers where all values of a column are, as in a CSV; else text."""
    found = hive_cells(paths, roots)
    names = {name for each in found for name in each}
    whole = {
        name
        for name in names
        if all(value is None or cell_kind(value.encode()) is Kind.INT for value in (each.get(name) for each in found))
    }
    return [
        {name: int(value) if name in whole and value is not None else value for name, value in each.items()}
        for each in found
    ]


def open_parquet(paths: Sequence[Path], constants: Sequence[Mapping[str, int | str | None]] = ()) -> ParquetTable:
    """Read the footers of Parquet files.

    Args:
        paths: The files.
        constants: For each file, columns that it does not have and their one value; see `partitions`.

    A column may be null-typed in one file and typed in another (its values there are missing), and int64 in one and
    double in another, which pandas makes of integers with missing values.

    Raises:
        DataError: A file is missing, cut off or not Parquet, or the files' columns differ.
        UsageError: No file is given.
    """
    if not paths:
        raise UsageError("parquet.no_files", "Expected at least one Parquet file, found none.")
    footers = [_footer(path) for path in paths]
    constants = constants or [{} for _ in paths]
    schema = _unify(paths, [_with(schema, each) for (_, schema), each in zip(footers, constants, strict=True)])
    shards = tuple(
        ParquetShard(path, group, metadata.row_group(group).num_rows, schema, said)
        for path, (metadata, _), said in zip(paths, footers, constants, strict=True)
        for group in range(metadata.num_row_groups)
        if metadata.row_group(group).num_rows
    )
    return ParquetTable(schema, shards, sum(shard.num_rows for shard in shards))


def _with(schema: pa.Schema, constants: Mapping[str, int | str | None]) -> pa.Schema:
    for name, value in constants.items():
        if name not in schema.names:
            kind = pa.null() if value is None else pa.int64() if isinstance(value, int) else pa.string()
            schema = schema.append(pa.field(name, kind))
    return schema


def share_types(tables: Sequence[ParquetTable]) -> list[ParquetTable]:
    """Return tables whose columns of one name have one type, if one can represent both (see `open_parquet`)."""
    shared: dict[str, pa.DataType] = {}
    for table in tables:
        for column in table.schema:
            known = shared.setdefault(column.name, column.type)
            shared[column.name] = _common_type(known, column.type) or known
    schemas = [
        pa.schema([(each.name, _common_type(each.type, shared[each.name]) or each.type) for each in table.schema])
        for table in tables
    ]
    return [
        replace(table, schema=schema, shards=tuple(replace(shard, schema=schema) for shard in table.shards))
        for table, schema in zip(tables, schemas, strict=True)
    ]


def write_table(path: Path, table: pa.Table) -> None:
    """Write a small table as one file, whole or not at all.

    Raises:
        ArtifactError: The file system refuses the write.
    """
    content = pa.BufferOutputStream()
    pq.write_table(table, content)
    write_durably(path, content.getvalue().to_pybytes())


class ParquetWriter:
    """Writes batches to one file; a context manager.

    The bytes depend on the rows and their order only: row groups have a fixed number of rows however the rows come in.

    Attributes:
        num_rows: Rows written so far.
    """

    def __init__(
        self, path: Path, schema: pa.Schema, *, row_group_rows: int = ROW_GROUP_ROWS, compression: str = "zstd"
    ) -> None:
        self.num_rows = 0
        self._path = path
        self._schema = schema.remove_metadata()
        self._row_group_rows = row_group_rows
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        try:
            self._file = pq.ParquetWriter(path, self._schema, compression=compression, version="2.6")
        except pa.ArrowNotImplementedError as error:
            raise DataError(
                "parquet.unwritable_type",
                f"{path} cannot be written: Parquet has no type for a column of the data ({error}).",
                "Cast the column, or exclude it.",
            ) from error
        except OSError as error:
            raise disk_full(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._pending_rows:
                self._write(self._pending_rows)
            self._file.close()
        except OSError as error:
            if kind is None:
                raise disk_full(self._path, error) from error

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows.

        Raises:
            ArtifactError: The file system refuses the write.
        """
        self.num_rows += batch.num_rows
        if batch.num_rows:
            self._pending.append(batch)
        self._pending_rows += batch.num_rows
        while self._pending_rows >= self._row_group_rows:
            self._write(self._row_group_rows)

    def _write(self, rows: int) -> None:
        table = pa.Table.from_batches(self._pending, self._pending[0].schema).replace_schema_metadata(None)
        try:
            self._file.write_table(table.slice(0, rows).combine_chunks(), row_group_size=rows)
        except OSError as error:
            raise disk_full(self._path, error) from error
        rest = table.slice(rows)
        self._pending = rest.to_batches()
        self._pending_rows = rest.num_rows


def _footer(path: Path) -> tuple[pq.FileMetaData, pa.Schema]:
    require_regular(path, "parquet")
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            index = index_columns(schema)
            return file.metadata, pa.schema([each for each in schema if each.name not in index])
    except FileNotFoundError as error:
        raise DataError("parquet.no_such_file", f"{path} does not exist.", "Check the path.") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            begins_well = file.read(4) == b"PAR1"
    except OSError as gone:
        return DataError("parquet.unreadable", f"Cannot read {path}: {gone.strerror}.", "Check the path.")
    what = "is cut off or damaged" if begins_well else "is not a Parquet file"
    first_line = next(iter(str(error).splitlines()), "")
    other = None if begins_well else other_format(path)
    if other is not None:
        return DataError("parquet.not_parquet", f"{path} is not a Parquet file but {other[0]}.", other[1])
    return DataError(
        "parquet.truncated" if begins_well else "parquet.not_parquet",
        f"{path} ({size} bytes) {what}: {first_line}",
        "Copy or export the file again." if begins_well else "Check the pattern: it also matches other files.",
    )


def _unify(paths: Sequence[Path], schemas: Sequence[pa.Schema]) -> pa.Schema:
    types: dict[str, pa.DataType] = {}
    for path, schema in zip(paths, schemas, strict=True):
        if len(set(schema.names)) < len(schema.names):
            twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
            raise DataError(
                "parquet.duplicate_column", f"{path} has the column '{twice[0]}' twice.", "Rename one of them."
            )
        if types and set(types) != set(schema.names):
            raise _different_columns(path, paths[0], set(schema.names), set(types))
        for each in schema:
            known = types.setdefault(each.name, each.type)
            unified = _common_type(known, each.type)
            if unified is None:
                raise DataError(
                    "parquet.different_types",
                    f"{path} has the column '{each.name}' as {each.type}, the files before it as {known}.",
                    "Write the files with one schema.",
                )
            types[each.name] = unified
    return pa.schema(list(types.items()))


def _common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_dictionary(one) or pa.types.is_dictionary(other):  # a category of pandas: text in another file
        return _common_type(*(each.value_type if pa.types.is_dictionary(each) else each for each in (one, other)))
    if pa.types.is_integer(one) and pa.types.is_integer(other):
        return pa.int64()
    numbers = all(pa.types.is_integer(each) or pa.types.is_floating(each) for each in (one, other))
    if numbers:
        return pa.float64()
    if pa.types.is_decimal128(one) and pa.types.is_decimal128(other):
        scale = max(one.scale, other.scale)
        digits = scale + max(one.precision - one.scale, other.precision - other.scale)
        return pa.decimal128(digits, scale) if digits <= _DECIMAL_DIGITS else None
    instants = all(pa.types.is_timestamp(each) for each in (one, other)) and one.tz == other.tz
    if instants:
        return max(one, other, key=lambda each: _UNITS.index(each.unit))
    texts = all(pa.types.is_string(each) or pa.types.is_large_string(each) for each in (one, other))
    return pa.large_string() if texts else None


def _different_columns(path: Path, first: Path, found: set[str], expected: set[str]) -> DataError:
    differences = [f"lacks {', '.join(sorted(expected - found))}"] if expected - found else []
    differences += [f"has in addition {', '.join(sorted(found - expected))}"] if found - expected else []
    return DataError(
        "parquet.different_columns",
        f"{path} {' and '.join(differences)}, against {first}: all files of a split must have the same columns.",
        "Write the files with one schema, or read them separately.",
    )
