"""Whatever people have at hand, as rows that an engine can read: files, folders, patterns, tables and data frames."""

from __future__ import annotations

import ctypes
import glob
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.data.conforming import conformed
from assay.data.csv import CsvTable, scan_csv
from assay.data.csv_types import CsvOptions, Kind
from assay.data.example_records import ExampleRecords
from assay.data.pandas_index import index_columns
from assay.data.parquet import ParquetTable, hive_cells, open_parquet, partitions
from assay.data.recognition import other_format, require_regular
from assay.data.splits import SplitFolders, Splits, data_files, has_splits
from assay.errors import DataError, UsageError, check_not_url
from assay.files import shard_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

_SHARD_ROWS = 1 << 16
_REFUSALS = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError, OverflowError)
"""What pyarrow raises for a column of a data frame that it cannot take."""

_KINDS = {schema_pb2.INT: Kind.INT, schema_pb2.FLOAT: Kind.FLOAT, schema_pb2.BYTES: Kind.TEXT}
_PARQUET_MAGIC = b"PAR1"
_ENDINGS = {
    "csv": (".csv", ".csv.gz"),
    "tsv": (".tsv", ".tsv.gz"),
    "parquet": (".parquet", ".pq"),
    "tfrecord": (".tfrecord", ".tfrecords", ".tfrecord.gz", ".tfrecords.gz"),
}


@dataclass(frozen=True, slots=True)
class TableShard:
    """Consecutive rows of a table in memory."""

    rows: pa.Table

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        table = self.rows if columns is None else self.rows.select(list(columns))
        yield from table.combine_chunks().to_batches() or [_no_rows(table.schema)]


@dataclass(frozen=True, slots=True)
class TableRows:
    """A table in memory, cut into shards of a fixed number of rows."""

    table: pa.Table

    @property
    def num_rows(self) -> int:
        """Rows of the table."""
        return int(self.table.num_rows)

    @property
    def shards(self) -> list[TableShard]:
        """The parts, in order; a table without rows has one too, which tells its columns."""
        starts = range(0, max(self.table.num_rows, 1), _SHARD_ROWS)
        return [TableShard(self.table.slice(at, _SHARD_ROWS)) for at in starts]

    @property
    def bounded(self) -> bool:
        """A shard is in memory already."""
        return True


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def rows_of(data: Any, *, split: str | None = None, csv: CsvOptions | None = None, schema: Schema | None = None) -> Any:
    """Return the rows of `data` as a Source.

    Args:
        data: A path, a glob pattern, or several of them (CSV, TSV, Parquet, TFRecord of tf.Example; plain or gzip); a
            folder of such files; an Examples artifact or its folder; a pandas or polars data frame; an Arrow table,
            record batch or anything else with the Arrow C stream interface.
        split: The split to read of Examples; needed where they have several.
        csv: How the cells of a CSV are read; the delimiter is by default a tab for `.tsv`, else what its header shows.
        schema: Columns are read as it describes them, as far as no value is lost (see `assay.data.conforming`): a
            CSV's cells, the whole numbers of a pandas data frame, booleans and times.

    Raises:
        UsageError: If the kind of data is not known, or options of a CSV are given and it is not a CSV.
        DataError: If a file is missing or cannot be read.
    """
    csv = csv or CsvOptions()
    paths = None if has_splits(data) else _paths(data)
    rows = _split(data, split) if has_splits(data) else None
    if paths is not None:
        roots = _roots(data if isinstance(data, (list, tuple)) else [data])
        rows = _files(paths, split, _with_expected(csv, schema), roots)
    if csv.is_given and not csv.optional and not isinstance(rows, CsvTable):
        raise UsageError(
            "csv.not_csv",
            f"CSV options were given, but the data is not a CSV: {paths[0] if paths else type(data).__name__}.",
            "Remove them; other formats define their own types and missing values.",
        )
    if rows is not None:
        described = schema is not None and isinstance(rows, (CsvTable, ParquetTable))
        return conformed(rows, schema, of_csv=isinstance(rows, CsvTable)) if described else rows
    table = _single_precision(_table(data, schema))
    table = table.drop(sorted(index_columns(table.schema)))
    if not table.num_columns:
        raise DataError("data.no_columns", "The table has no columns.", "Check how it was created.")
    _check_names(table.schema.names)
    rows = TableRows(table)
    return rows if schema is None else conformed(rows, schema, of_csv=False)


def as_text(source: Any, columns: Collection[str]) -> Any:
    """Return the rows where these columns are the text of their cells, as far as they come from a CSV."""
    return source.as_text(columns) if hasattr(source, "as_text") else source


def _with_expected(csv: CsvOptions, schema: Schema | None) -> CsvOptions:
    features = () if schema is None else schema.feature
    types = {feature.name: _KINDS[feature.type] for feature in features if feature.type in _KINDS}
    return replace(csv, expected=types) if types else csv


def _paths(data: Any) -> list[Path] | None:
    """Return the files that `data` names; None if `data` contains the rows itself."""
    if isinstance(data, (str, Path)):
        return _expanded(data)
    if isinstance(data, (list, tuple)) and data and all(isinstance(item, (str, Path)) for item in data):
        return [path for item in data for path in _expanded(item)]
    return None


def _single_precision(table: pa.Table) -> pa.Table:
    """Return a table whose columns of half precision are of single precision: few kernels of Arrow take the former."""
    for at, column in enumerate(table.schema):
        if pa.types.is_float16(column.type):
            chunks = [_single(chunk) for chunk in table.column(at).chunks]
            table = table.set_column(at, column.name, pa.chunked_array(chunks, pa.float32()))
    return table


def _single(half: pa.Array) -> pa.Array:
    """Return the numbers of single precision that have the same shortest decimals."""
    bits, places = np.unique(half.to_numpy(zero_copy_only=False).view(np.uint16), return_inverse=True)
    numbers = bits.view(np.float16).astype(str).astype(np.float32)
    return pa.array(numbers[places], mask=half.is_null().to_numpy(zero_copy_only=False))


def _table(data: Any, schema: Schema | None) -> pa.Table:
    """Return rows in memory as a table."""
    library = type(data).__module__.partition(".")[0]
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all()
    if isinstance(data, (list, tuple)) and data and all(isinstance(item, pa.RecordBatch) for item in data):
        return pa.Table.from_batches(data)
    if library == "pandas":
        return _from_pandas(data, schema)
    if library == "polars":
        return _from_polars(data)
    if hasattr(data, "__arrow_c_stream__"):
        return _from_stream(data)
    raise UsageError(
        "data.kind",
        f"Expected data, got {type(data).__module__}.{type(data).__qualname__}.",
        "Give a path or a glob (CSV, Parquet, TFRecord), a pandas or polars DataFrame, or an Arrow table.",
    )


def _split(data: Splits, split: str | None) -> Any:
    names = data.split_names
    if split is None and len(names) == 1:
        split = names[0]
    if split is None:
        raise UsageError(
            "data.split",
            f"{data.path} has the splits {', '.join(names)}.",
            f"Name the folder of one, for example {data.path}/Split-{names[0]}.",
        )
    return data.source(split)


def _expanded(data: str | Path) -> list[Path]:
    """Return the paths that a path or a glob pattern names, in the order of the numbers in their names."""
    path = Path(data)
    if path.exists():
        return [path]
    check_not_url(data, "Data")
    if any(character in str(data) for character in "*?["):
        matches = glob.glob(str(data), recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        found = sorted((path for path in map(Path, matches) if path.is_file()), key=shard_order)
        if found:
            return found
        raise DataError("data.no_match", f"No file matches {data}.", "Check the pattern; one in a shell needs quotes.")
    raise DataError(
        "data.no_such_file", f"Expected data at {data}; there is no such file or folder.", "Check the path."
    )


def _roots(given: Sequence[str | Path]) -> list[Path]:
    """Return the folders below which the names of folders are data.

    Files that are named one by one, as a shell expands a pattern, differ below the folder that they share.
    """
    files = [Path(each) for each in given if Path(each).is_file()]
    shared = [Path(os.path.commonpath([file.parent for file in files]))] if len(files) > 1 else []
    return [*shared, *map(_root, given)]


def _root(data: str | Path) -> Path:
    """Return the folder that a path or a pattern names: what its wildcards match, and everything below, is found."""
    path = Path(data)
    if path.exists():
        return path if path.is_dir() else path.parent
    parts = path.parts
    first = next((at for at, part in enumerate(parts) if any(character in part for character in "*?[")), len(parts) - 1)
    return Path(*parts[:first])


def _files(paths: list[Path], split: str | None, csv: CsvOptions, roots: Sequence[Path] = ()) -> Any:
    if len(paths) == 1 and paths[0].is_dir():
        folder = paths[0]
        if any(folder.glob("Split-*")):
            return _split(SplitFolders(folder), split)
        paths = data_files(folder)
        if not paths:
            parts = (path for path in folder.rglob("*=*/*") if path.is_file() and not path.name.startswith((".", "_")))
            paths = sorted((path for path in parts if _kind(path) != "tfrecord"), key=shard_order)
        if not paths:
            raise _no_files(folder)
    kinds = {_kind(path) for path in paths}
    if len(kinds) > 1:
        raise UsageError(
            "data.mixed",
            f"The files have several formats: {', '.join(sorted(kinds))}.",
            "Give files of one format, for example by the pattern 'data/*.csv'.",
        )
    kind = kinds.pop()
    if kind == "parquet":
        table = open_parquet(paths, partitions(paths, roots))
        return table if table.num_rows else TableRows(table.schema.empty_table())
    if kind == "tfrecord":
        return ExampleRecords(paths)
    csv = replace(csv, delimiter=csv.delimiter or ("\t" if kind == "tsv" else None))
    return scan_csv(paths, csv, constants=hive_cells(paths, roots))


def _kind(path: Path) -> str:
    """Return the kind of a file by its name, or by its first bytes if the name does not tell."""
    name = path.name.lower()
    require_regular(path, "data")
    for kind, endings in _ENDINGS.items():
        if name.endswith(endings):
            return kind
    if not path.is_file():
        raise DataError("data.no_such_file", f"{path} is not a file.", "Name files, or one folder of them.")
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == _PARQUET_MAGIC:
        return "parquet"
    if "tfrecord" in name or start[:2] == b"\x1f\x8b":
        return "tfrecord"
    if name.endswith((".txt", ".data")) or "." not in name:
        return "csv"
    other = other_format(path)
    if other is not None:
        raise UsageError("data.file_kind", f"{path} is {other[0]}, which cannot be read.", other[1])
    raise UsageError(
        "data.file_kind",
        f"{path} is not a recognised file type.",
        f"Name a file that ends in {', '.join(ending for endings in _ENDINGS.values() for ending in endings)}; convert "
        "any other to Parquet, or pass a pandas, polars or Arrow table in Python.",
    )


def _no_files(folder: Path) -> DataError:
    below = next((path for path in sorted(folder.rglob("*")) if path.is_file()), None)
    if below is None:
        hint = "Name a folder of CSV, Parquet or TFRecord files, or of Examples."
        return DataError("data.empty_folder", f"{folder} contains no files.", hint)
    pattern = folder / "**" / f"*{below.suffix}"
    return DataError(
        "data.empty_folder",
        f"{folder} contains only folders, and no files.",
        f"Give a pattern, in quotes: '{pattern}'. Folders such as year=2024 become columns of CSV and Parquet files.",
    )


def _check_names(names: list[str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if doubled:
        raise DataError(
            "data.duplicate_columns", f"The table has several columns named {', '.join(doubled)}.", "Rename them."
        )


def _from_pandas(frame: Any, schema: Schema | None) -> pa.Table:
    """Return a pandas data frame as a table, its columns typed as the frame's CSV would be; its index is left out."""
    if not hasattr(frame, "columns"):
        frame = frame.to_frame()
    names = [str(name) for name in frame.columns]
    _check_names(names)
    frame = frame.set_axis(names, axis=1)
    try:
        table = _single_precision(pa.Table.from_pandas(frame, preserve_index=False))
    except _REFUSALS as error:
        name = next((name for name in names if _is_refused(frame[name])), "")
        raise DataError(
            "data.mixed_types",
            f"The data frame's column '{name}' has mixed types, or one that Arrow does not support: {error}.",
            "Give each column one type: frame['name'].astype(str), for example.",
        ) from None
    types = {} if schema is None else {feature.name: feature.type for feature in schema.feature}
    columns = [_as_csv_reads(column, types.get(name)) for name, column in zip(names, table.columns, strict=True)]
    return pa.table(columns, names)


def _is_refused(column: Any) -> bool:
    try:
        pa.Table.from_pandas(column.to_frame())
    except _REFUSALS:
        return True
    return False


def _as_csv_reads(column: pa.ChunkedArray, expected: int | None) -> pa.ChunkedArray:
    """Undoes what pandas does to missing values, so that a frame and its CSV give one schema.

    Integers with missing values are floats in pandas; a column without any value is a float or an object; booleans are
    words in a CSV, and numbers where the schema was inferred from a file that has booleans, as Parquet does. A column
    of whole floats without a missing value may be a part of such integers, or floats: the type that a schema expects
    decides.
    """
    if len(column) and column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column))])
    if pa.types.is_boolean(column.type):
        return column if expected == schema_pb2.INT else pc.if_else(column, "True", "False")
    may_be_whole = expected == schema_pb2.INT or (expected is None and column.null_count)
    if pa.types.is_floating(column.type) and may_be_whole:
        try:
            return column.cast(pa.int64())  # refuses fractions, infinities and what a double cannot hold exactly
        except pa.ArrowInvalid:
            return column
    return column


def _from_polars(frame: Any) -> pa.Table:
    if hasattr(frame, "collect"):
        frame = frame.collect()
    if hasattr(frame, "to_frame"):  # a series
        frame = frame.to_frame()
    return frame.to_arrow()


def _from_stream(data: Any) -> pa.Table:
    """Read the Arrow C stream interface, which pyarrow imports by itself from version 15 on."""
    if hasattr(pa.RecordBatchReader, "from_stream"):
        return pa.RecordBatchReader.from_stream(data).read_all()
    capsule = data.__arrow_c_stream__()
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    stream = pointer(capsule, b"arrow_array_stream")
    return pa.RecordBatchReader._import_from_c(stream).read_all()  # noqa: SLF001 - how older ones import it
