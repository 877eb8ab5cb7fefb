"""CSV files as Arrow record batches.

Reading takes two streaming passes: `scan_csv` checks every record and infers each column's type over all files, and
the shards that it gives convert their piece of a file when asked. Both run at the speed of Arrow's parser; memory is
bounded by a few blocks of eight megabytes.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from assay.data.csv_blocks import (
    BLOCK_BYTES,
    BOM,
    MAX_RECORD_BYTES,
    NUMBER,
    BackslashQuoteError,
    Block,
    CsvStream,
    Header,
    RecordTooLongError,
    UnclosedQuoteError,
    excel_separator,
    is_gzip,
    read_blocks,
    read_header,
    read_span,
    record_end,
    record_too_long,
)
from assay.data.csv_diagnosis import backslash_quote, lines_before, not_of_type, not_utf8, unclosed_quote, unparsable
from assay.data.csv_types import ARROW_TYPES, CODE, CsvOptions, Kind, convert, infer_kinds, parse, unit_of
from assay.errors import DataError, UsageError, argument, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

COMMA = ","
_OTHERS = (";", "\t", "|")
_SELDOM: Final = "^~\x01\x02\x1e\x1f"
_START_BYTES: Final = 1 << 16
_LEAST_WORDS: Final = 2
_FIRST_GUESS_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class CsvShard:
    """A run of records of one file, read on its own.

    Attributes:
        path: The file.
        header: The file's own column names, in its order.
        options: How cells are read, with the delimiter.
        start: Offset of the first record in the (decompressed) file.
        end: Offset after the last record; None for the rest of a file that is read as a stream (gzip, stray quotes).
        num_rows: The number of records.
        schema: The columns and their types.
        kinds: What each column is read as.
        constants: Columns that the file does not have and the text of their one cell (None: missing), which the name of
            its folder says.
    """

    path: Path
    header: tuple[str, ...]
    options: CsvOptions = field(repr=False)
    start: int
    end: int | None
    num_rows: int
    schema: pa.Schema = field(repr=False)
    kinds: tuple[tuple[str, Kind], ...] = field(repr=False)
    constants: Mapping[str, str | None] = field(default_factory=dict)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the records, with the given columns (default: all) in the schema's order."""
        kinds = {name: kind for name, kind in self.kinds if columns is None or name in columns}
        schema = pa.schema([field for field in self.schema if field.name in kinds])
        # A column is read even where none is asked for: the rows count.
        read = {name: kind for name, kind in kinds.items() if name in self.header} or dict(self.kinds[:1])
        cells = {name: self._cell(name, kind) for name, kind in kinds.items() if name not in self.header}
        rows = 0
        for data in self.blocks():
            try:
                table = convert(data, self.header, read, self.options)
                rows += table.num_rows
                for name, cell in cells.items():
                    table = table.append_column(name, pa.repeat(cell, table.num_rows))
                batches = table.select(schema.names).cast(schema).to_batches() if kinds else None
            except (pa.ArrowInvalid, ValueError) as error:  # the scan has read the very same cells
                raise self._changed() from error
            yield from [_without_columns(table.num_rows)] if batches is None else batches
        if rows != self.num_rows:
            raise self._changed()

    def _cell(self, name: str, kind: Kind) -> pa.Scalar:
        """Return the one value of a column that the file does not have, read as a cell of the file is."""
        cell = self.constants.get(name)
        if cell is None:
            return pa.scalar(None, self.schema.field(name).type)
        return convert(_record(cell), (name,), {name: kind}, self.options)[name][0]

    def _changed(self) -> DataError:
        return DataError(
            "csv.changed",
            f"{self.path} changed while it was read: expected {self.num_rows:,} records from byte {self.start:,}.",
            "Copy the file, or wait until it is written, and read it again.",
        )

    def blocks(self) -> Iterator[bytes]:
        """Yield the text of the records, in whole records."""
        if self.end is not None:
            yield read_span(self.path, self.start, self.end)
            return
        for block in read_blocks(self.path, str(self.options.delimiter), self.start):
            yield block.data


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Scanned CSV files: the inferred schema and the shards that hold the rows.

    Attributes:
        schema: int64, double, string or null per column, in the first file's order.
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

    def as_text(self, columns: Iterable[str]) -> CsvTable:
        """Return the same rows, where these columns are the text of their cells: 0010 and 10 differ.

        A column whose type was named, or whose numbers are written with other marks than Python's, stays what it is.
        """
        options = self.shards[0].options
        marks = options.decimal != "." or options.thousands is not None
        kinds = {
            name: Kind.TEXT
            for name, kind in self.shards[0].kinds
            if name in set(columns) and name not in options.types and not (marks and kind is not Kind.INT)
        }
        return _retyped(self, kinds)

    def codes(self, columns: Collection[str]) -> list[str]:
        """Return which of these columns are read as integers and hold codes: a cell such as 007, which is not 7."""
        types = self.shards[0].options.types
        whole = [
            name for name, kind in self.shards[0].kinds if name in columns and kind is Kind.INT and name not in types
        ]
        found = set()
        for batch in self.as_text(whole).batches(whole) if whole else ():
            found |= {name for name in whole if pc.any(pc.match_substring_regex(batch[name], CODE)).as_py()}
        return sorted(found)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows in order."""
        for shard in self.shards:
            yield from shard.batches(columns)


def scan_csv(
    paths: Sequence[Path],
    options: CsvOptions | None = None,
    *,
    constants: Sequence[Mapping[str, str | None]] = (),
    threads: int | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> CsvTable:
    """Check all records of CSV files (plain or gzip) and infer the columns' types over all of them together.

    Args:
        paths: Files with a header each and the same columns, in any order.
        options: How cells are read. The delimiter is found in the header of the first file where it is None (see
            `delimiter_of`).
        constants: For each file, columns that it does not have and the text of their one cell; see `hive_cells`.
        threads: Threads that parse; as many as there are cores where None.
        block_bytes: Bytes of text that are parsed at once, which bounds a shard's memory.

    Raises:
        DataError: A file cannot be read, is not UTF-8, or its records and header do not fit together.
        DataError: A cell is not of the type that the options name for its column.
        UsageError: The delimiter is not one ASCII character, no file is given, or the options name a column that the
            files do not have.
    """
    if not paths:
        raise UsageError("csv.no_files", "Expected at least one CSV file, found none.")
    options = options or CsvOptions()
    limit = options.max_record_bytes
    delimiter = delimiter_of(paths[0], limit) if options.delimiter is None else options.delimiter
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise UsageError("csv.delimiter", f"Expected one ASCII character as delimiter, found {delimiter!r}.")
    headers = [read_header(path, delimiter, limit) for path in paths]
    _check_same_columns(paths, headers)
    constants = [
        {name: cell for name, cell in each.items() if name not in headers[0].names}
        for each in constants or [{}] * len(paths)
    ]
    names = (*headers[0].names, *dict.fromkeys(name for each in constants for name in each))
    _check_named_columns(options, paths[0], names)
    options = replace(options, delimiter=delimiter)
    options = replace(options, units=_units(paths[0], headers[0], options))
    kinds = {name: Kind.TEXT if options.wanted(name) is Kind.TEXT else Kind.NULL for name in names}
    for path, each in zip(paths, constants, strict=True):
        for name, cell in each.items():
            if cell is not None:
                block = Block(_record(cell), 0)
                _, [kinds[name]] = infer_kinds(block.data, (name,), [kinds[name]], options)
                if options.misfits(name, kinds[name]):
                    raise not_of_type(path, (name,), block, name, options)
    pieces: list[tuple[int, int, int | None, int]] = []  # file, start, end, rows
    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        for number, (path, header) in enumerate(zip(paths, headers, strict=True)):
            scan = _FileScan(path, header, options, kinds)
            for start, end, rows in scan.run(pool, block_bytes, window=2 * pool._max_workers):  # noqa: SLF001
                pieces.append((number, start, end, rows))
    total = sum(rows for *_, rows in pieces)
    if not total:
        raise DataError(
            "csv.header_only",
            f"{paths[0]} has a header and no rows" + (f", as have {len(paths) - 1} more files." if paths[1:] else "."),
            "Check the export; an empty dataset cannot be split or validated.",
        )
    kinds = {name: options.settled(name, kind) for name, kind in kinds.items()}
    schema = pa.schema([(name, ARROW_TYPES[kind]) for name, kind in kinds.items()])
    shards = tuple(
        CsvShard(
            paths[number],
            headers[number].names,
            options,
            start,
            end,
            rows,
            schema,
            tuple(kinds.items()),
            constants[number],
        )
        for number, start, end, rows in pieces
    )
    return CsvTable(schema, shards, total)


def share_types(tables: Sequence[CsvTable]) -> list[CsvTable]:
    """Return tables whose columns of one name have one type: the narrowest that can represent all of their cells.

    A column of whole numbers in one table and of fractions in another is float in both.
    """
    widest: dict[str, Kind] = {}
    for table in tables:
        for name, kind in table.shards[0].kinds:
            widest[name] = max(widest.get(name, Kind.NULL), kind)
    return [_retyped(table, widest) for table in tables]


def _retyped(table: CsvTable, kinds: Mapping[str, Kind]) -> CsvTable:
    """Return a table whose columns are of these kinds, each of which can hold the column's cells."""
    all_kinds = tuple((name, kinds.get(name, kind)) for name, kind in table.shards[0].kinds)
    schema = pa.schema([(name, ARROW_TYPES[kind]) for name, kind in all_kinds])
    return replace(
        table,
        schema=schema,
        shards=tuple(replace(shard, schema=schema, kinds=all_kinds) for shard in table.shards),
    )


@dataclass(frozen=True, slots=True)
class _FileScan:
    path: Path
    header: Header
    options: CsvOptions
    kinds: dict[str, Kind]  # of all files so far; widened as blocks come in

    def run(self, pool: ThreadPoolExecutor, block_bytes: int, window: int) -> Iterator[tuple[int, int | None, int]]:
        """Yield start, end and number of rows of each shard."""
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
            for block in read_blocks(
                self.path, str(self.options.delimiter), self.header.end, block_bytes, self.options.max_record_bytes
            ):
                if first:  # a first guess from a few rows lets Arrow's parser confirm the rest of the block
                    head = block.data[:_FIRST_GUESS_BYTES]
                    guess = Block(head[: record_end(head)] or block.data, block.start, block.rewritten)
                    self._widen(self._infer(guess)[1])
                    first = False
                yield block
        except RecordTooLongError as error:
            raise record_too_long(self.path, lines_before(self.path, error.at) + 1, error.limit) from error
        except BackslashQuoteError as error:
            raise backslash_quote(self.path, error.at) from error
        except UnclosedQuoteError as error:
            raise unclosed_quote(self.path, error.at) from error

    def _infer(self, block: Block) -> tuple[int, list[Kind]]:
        names = self.header.names
        try:
            if not block.data.isascii():
                block.data.decode("utf-8")
            rows, kinds = infer_kinds(block.data, names, [self.kinds[name] for name in names], self.options)
        except UnicodeDecodeError as error:
            raise not_utf8(self.path, names, block, error, str(self.options.delimiter)) from error
        except pa.ArrowInvalid as error:
            raise unparsable(self.path, names, block, str(self.options.delimiter), str(error)) from error
        for name, kind in zip(names, kinds, strict=True):
            if self.options.misfits(name, kind):
                raise not_of_type(self.path, names, block, name, self.options)
        return rows, kinds

    def _settle(self, block: Block, future: Future[tuple[int, list[Kind]]]) -> tuple[Block, int]:
        rows, kinds = future.result()
        self._widen(kinds)
        return block, rows

    def _widen(self, kinds: Iterable[Kind]) -> None:
        for name, kind in zip(self.header.names, kinds, strict=True):
            self.kinds[name] = max(self.kinds[name], kind)


def _units(path: Path, header: Header, options: CsvOptions) -> dict[str, str]:
    """Return the units of the columns of amounts, as the first rows have them."""
    amounts = [name for name, type_ in options.types.items() if type_ == "amount" and name in header.names]
    if not amounts:
        return {}
    try:
        block = next(read_blocks(path, str(options.delimiter), header.end, max_record_bytes=options.max_record_bytes))
        table = parse(block.data, header.names, dict.fromkeys(amounts, pa.string()), options)
    except (StopIteration, pa.ArrowInvalid, UnclosedQuoteError, RecordTooLongError, BackslashQuoteError):
        return {}  # the scan says what is wrong, and where
    return {name: unit_of(table[name].drop_null().to_pylist()) for name in amounts}


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
            f"{path} {' and '.join(differences)}, against {paths[0]}: all files of a split must have the same columns.",
            "Add the column to the files that lack it (empty cells count as missing), or read the files separately.",
        )


def _check_named_columns(options: CsvOptions, path: Path, names: Sequence[str]) -> None:
    for name in () if options.optional else options.named_columns:
        if name not in names:
            raise UsageError(
                "csv.no_such_column",
                f"The CSV options name the column '{name}', which {path} does not have.",
                did_you_mean(name, names),
            )


def _record(cell: str) -> bytes:
    """Return a record of one cell."""
    quoted = cell.replace('"', '""')
    return f'"{quoted}"\n'.encode()


def _without_columns(rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))


def delimiter_of(path: Path, max_record_bytes: int = MAX_RECORD_BYTES) -> str:
    """Return the delimiter that the file's first line names (`sep=;`), else the one that its header shows.

    That is the comma; or, where the header is a single cell by it, what cuts that cell into most names. Semicolons,
    tabs and bars are looked for. See docs/decisions/0012-csv-delimiter-detection.md.

    Raises:
        DataError: The file has no header that can be read, or its columns are cut by blanks.
    """
    with CsvStream(path) as stream:
        start = stream.read(_START_BYTES)
    separator = excel_separator(start.removeprefix(BOM))
    if separator is not None:
        return separator.delimiter
    header = read_header(path, COMMA, max_record_bytes).names
    if len(header) > 1:
        return COMMA
    counts = {other: header[0].count(other) for other in _OTHERS}
    most = max(_OTHERS, key=lambda other: counts[other])
    if counts[most]:
        return most
    lines = start.removeprefix(BOM).decode("utf-8", "replace").splitlines()
    if len(start) == _START_BYTES:
        del lines[-1]  # it may be cut
    _refuse_blanks(path, lines)
    _refuse_other_delimiters(path, [line for line in lines if line])
    return COMMA


def _refuse_other_delimiters(path: Path, lines: Sequence[str]) -> None:
    """Refuse a file of one column whose header and lines all have as many of a character that seldom is in text."""
    for character in _SELDOM:
        cells = {line.count(character) for line in lines}
        if len(lines) > 1 and len(cells) == 1 and 0 not in cells:
            given = argument("delimiter", character)
            convert = f"Convert the file: tr '\\{ord(character):03o}' ',' < {path} > converted.csv."
            raise DataError(
                "csv.other_delimiter",
                f"{path}: the header is a single column, and every line has {cells.pop() + 1} cells between "
                f"{character!r}.",
                f"{f'Name the delimiter: {given}.' if character.isprintable() else convert} If it is one column, give "
                f"{argument('delimiter', ',')}.",
            )


def _refuse_blanks(path: Path, lines: Sequence[str]) -> None:
    """Refuse a file whose lines all have as many words as its header, where a word of each is a number.

    It would be read as one column of text. A single column of names or sentences has no numbers in one place.
    """
    header, *rows = [words for line in lines if (words := line.split())] or [[]]
    if len(header) < _LEAST_WORDS or not rows or any(len(row) != len(header) for row in rows):
        return
    if any(all(NUMBER.fullmatch(word) for word in words) for words in zip(*rows, strict=True)):
        raise DataError(
            "csv.blanks",
            f"{path}: the header is a single column, and every line has {len(header)} words; the columns seem to be "
            "separated by blanks.",
            f"Convert the file: tr -s ' \\t' ',' < {path} > converted.csv. If it is one column, give "
            f"{argument('delimiter', ',')}.",
        )
