"""CSV files as Arrow record batches, typed as TFX and TFDV type them.

Reading takes two streaming passes: `scan_csv` checks every record and infers each column's type over all files, and
the shards that it gives convert their piece of a file when asked. Both run at the speed of Arrow's parser; memory is
bounded by a few blocks of eight megabytes.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.artifacts.formats.csv_blocks import (
    BLOCK_BYTES,
    Block,
    Header,
    UnclosedQuoteError,
    is_gzip,
    read_blocks,
    read_header,
    read_span,
    record_end,
)
from assay.artifacts.formats.csv_delimiter import delimiter_of
from assay.artifacts.formats.csv_diagnosis import not_utf8, unclosed_quote, unparsable
from assay.artifacts.formats.csv_types import ARROW_TYPES, Kind, convert, infer_kinds
from assay.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FIRST_GUESS_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class CsvShard:
    """A run of records of one file, read on its own.

    Attributes:
        path: The file.
        header: The file's own column names, in its order.
        start: Offset of the first record in the (decompressed) file.
        end: Offset after the last record; None for the rest of a file that is read as a stream (gzip, stray quotes).
        num_rows: The number of records.
    """

    path: Path
    header: tuple[str, ...]
    delimiter: str
    start: int
    end: int | None
    num_rows: int
    schema: pa.Schema = field(repr=False)
    kinds: tuple[tuple[str, Kind], ...] = field(repr=False)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yields the records, with the given columns (default: all) in the schema's order."""
        wanted = set(self.header if columns is None else columns)
        kinds = {name: kind for name, kind in self.kinds if name in wanted}
        schema = pa.schema([field for field in self.schema if field.name in wanted])
        for data in self._blocks():
            if not kinds:  # the rows count even where no column is asked for
                rows = convert(data, self.header, dict(self.kinds[:1]), self.delimiter).num_rows
                yield _without_columns(rows)
                continue
            table = convert(data, self.header, kinds, self.delimiter)
            yield from table.cast(schema, safe=False).to_batches()

    def _blocks(self) -> Iterator[bytes]:
        if self.end is not None:
            yield read_span(self.path, self.start, self.end)
            return
        for block in read_blocks(self.path, self.delimiter, self.start):
            yield block.data


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Scanned CSV files: the inferred schema and the shards that hold the rows.

    Attributes:
        schema: int64, float32 (or the float type asked for), string or null per column, in the first file's order.
        shards: In the order of the files and of their records.
        num_rows: The number of records of all files.
    """

    schema: pa.Schema
    shards: tuple[CsvShard, ...]
    num_rows: int

    @property
    def bounded(self) -> bool:
        """Whether every shard is a block that fits in memory; a gzip file is one shard of any size."""
        return all(shard.end is not None for shard in self.shards)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yields all rows in order."""
        for shard in self.shards:
            yield from shard.batches(columns)


def scan_csv(
    paths: Sequence[Path],
    *,
    delimiter: str | None = None,
    float_type: pa.DataType | None = None,
    threads: int | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> CsvTable:
    """Checks all records of CSV files (plain or gzip) and infers the columns' types over all of them together.

    Args:
        paths: Files with a header each and the same columns, in any order.
        delimiter: One character; found in the header of the first file where None (see `delimiter_of`).
        float_type: The Arrow type of float columns; float32, as TFDV sees them, where None.
        threads: Threads that parse; as many as there are cores where None.
        block_bytes: Bytes of text that are parsed at once, which bounds a shard's memory.

    Raises:
        DataError: A file cannot be read, is not UTF-8, or its records and header do not fit together.
        UsageError: The delimiter is not one ASCII character, or no file is given.
    """
    if not paths:
        raise UsageError("csv.no_files", "Expected at least one CSV file and found none.")
    if delimiter is None:
        delimiter = delimiter_of(paths[0])
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise UsageError("csv.delimiter", f"Expected one ASCII character as delimiter and found {delimiter!r}.")
    headers = [read_header(path, delimiter) for path in paths]
    _check_same_columns(paths, headers)
    kinds = dict.fromkeys(headers[0].names, Kind.NULL)
    pieces: list[tuple[int, int, int | None, int]] = []  # file, start, end, rows
    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        for number, (path, header) in enumerate(zip(paths, headers, strict=True)):
            scan = _FileScan(path, header, delimiter, kinds)
            for start, end, rows in scan.run(pool, block_bytes, window=2 * pool._max_workers):  # noqa: SLF001
                pieces.append((number, start, end, rows))
    total = sum(rows for *_, rows in pieces)
    if not total:
        raise DataError(
            "csv.header_only",
            f"{paths[0]} has a header and no rows" + (f", as have {len(paths) - 1} more files." if paths[1:] else "."),
            "Check the export; an empty data set cannot be split or validated.",
        )
    types = {**ARROW_TYPES, Kind.FLOAT: float_type or pa.float32()}
    schema = pa.schema([(name, types[kind]) for name, kind in kinds.items()])
    shards = tuple(
        CsvShard(paths[number], headers[number].names, delimiter, start, end, rows, schema, tuple(kinds.items()))
        for number, start, end, rows in pieces
    )
    return CsvTable(schema, shards, total)


def share_types(tables: Sequence[CsvTable]) -> list[CsvTable]:
    """Gives tables whose columns of one name have one type, the least that holds the cells of all of them.

    A column of whole numbers in one table and of fractions in another is float in both.
    """
    widest: dict[str, tuple[Kind, pa.DataType]] = {}
    for table in tables:
        for (name, kind), column in zip(table.shards[0].kinds, table.schema, strict=True):
            widest[name] = max(widest.get(name, (Kind.NULL, pa.null())), (kind, column.type), key=itemgetter(0))
    shared = []
    for table in tables:
        schema = pa.schema([(name, widest[name][1]) for name in table.schema.names])
        kinds = tuple((name, widest[name][0]) for name in table.schema.names)
        shards = tuple(replace(shard, schema=schema, kinds=kinds) for shard in table.shards)
        shared.append(replace(table, schema=schema, shards=shards))
    return shared


@dataclass(frozen=True, slots=True)
class _FileScan:
    path: Path
    header: Header
    delimiter: str
    kinds: dict[str, Kind]  # of all files so far; widened as blocks come in

    def run(self, pool: ThreadPoolExecutor, block_bytes: int, window: int) -> Iterator[tuple[int, int | None, int]]:
        """Yields start, end and number of rows of each shard."""
        streamed = is_gzip(self.path)
        stream_start, stream_rows = self.header.end, 0
        for block, rows in self._scanned(pool, block_bytes, window):
            if streamed or block.rewritten:
                stream_start = stream_start if streamed else block.start
                streamed = True
                stream_rows += rows
            elif rows:
                yield block.start, block.start + len(block.data), rows
        if stream_rows:
            yield stream_start, None, stream_rows

    def _scanned(self, pool: ThreadPoolExecutor, block_bytes: int, window: int) -> Iterator[tuple[Block, int]]:
        waiting: deque[tuple[Block, Future[tuple[int, list[Kind]]]]] = deque()
        try:
            for block in self._blocks(block_bytes):
                waiting.append((block, pool.submit(self._infer, block)))
                if len(waiting) >= window:
                    yield self._settle(*waiting.popleft())
            while waiting:
                yield self._settle(*waiting.popleft())
        finally:
            for _, future in waiting:
                future.cancel()

    def _blocks(self, block_bytes: int) -> Iterator[Block]:
        first = True
        try:
            for block in read_blocks(self.path, self.delimiter, self.header.end, block_bytes):
                if first:  # a first guess from a few rows lets Arrow's parser confirm the rest of the block
                    head = block.data[:_FIRST_GUESS_BYTES]
                    guess = Block(head[: record_end(head)] or block.data, block.start, block.rewritten)
                    self._widen(self._infer(guess)[1])
                    first = False
                yield block
        except UnclosedQuoteError as error:
            raise unclosed_quote(self.path, error.at) from error

    def _infer(self, block: Block) -> tuple[int, list[Kind]]:
        names = self.header.names
        try:
            if not block.data.isascii():
                block.data.decode("utf-8")
            return infer_kinds(block.data, names, [self.kinds[name] for name in names], self.delimiter)
        except UnicodeDecodeError as error:
            raise not_utf8(self.path, names, block, error, self.delimiter) from error
        except pa.ArrowInvalid as error:
            raise unparsable(self.path, names, block, self.delimiter, str(error)) from error

    def _settle(self, block: Block, future: Future[tuple[int, list[Kind]]]) -> tuple[Block, int]:
        rows, kinds = future.result()
        self._widen(kinds)
        return block, rows

    def _widen(self, kinds: Iterable[Kind]) -> None:
        for name, kind in zip(self.header.names, kinds, strict=True):
            self.kinds[name] = max(self.kinds[name], kind)


def _check_same_columns(paths: Sequence[Path], headers: Sequence[Header]) -> None:
    expected = set(headers[0].names)
    for path, header in zip(paths, headers, strict=True):
        found = set(header.names)
        if found == expected:
            continue
        differences = [f"lacks {', '.join(sorted(expected - found))}"] if expected - found else []
        differences += [f"has in addition {', '.join(sorted(found - expected))}"] if found - expected else []
        raise DataError(
            "csv.different_columns",
            f"{path} {' and '.join(differences)}, against {paths[0]}: the files of a split have the same columns.",
            "Add the column to the files that lack it (empty cells count as missing), or read the files apart.",
        )


def _without_columns(rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
