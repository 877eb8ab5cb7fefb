"""Types of CSV cells as TFX and TFDV infer them: int64, then float32, then text, over every cell of a column.

The rule is `tfx_bsl.coders.csv_decoder`'s: a cell is an integer if Python's `int` reads its bytes and it fits in 64
bits, text if it is a longer integer, a float if Python's `float` reads it, else text; an empty cell says nothing.
Arrow's parser decides whole blocks at once where it provably agrees with that rule; Python decides the rest.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from assay.artifacts.formats.csv_blocks import BOM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_INT64 = range(-(2**63), 2**63)
_BIG = float(2**63)


class Kind(IntEnum):
    """What a column holds; a greater kind can hold every lesser one's cells."""

    NULL = 0
    INT = 1
    FLOAT = 2
    TEXT = 3


ARROW_TYPES: Mapping[Kind, pa.DataType] = {
    Kind.NULL: pa.null(),
    Kind.INT: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.TEXT: pa.string(),
}


def cell_kind(cell: bytes) -> Kind:
    """Gives the least kind that holds one cell."""
    if not cell:
        return Kind.NULL
    try:
        return Kind.INT if int(cell) in _INT64 else Kind.TEXT
    except ValueError:
        pass
    try:
        float(cell)
    except ValueError:
        return Kind.TEXT
    return Kind.FLOAT


def infer_kinds(data: bytes, names: Sequence[str], known: Sequence[Kind], delimiter: str) -> tuple[int, list[Kind]]:
    """Widens the kinds known so far by one block of records.

    Args:
        data: Whole records, valid UTF-8.
        names: The columns' names, in the file's order.
        known: A kind for each column, from earlier blocks; NULL where nothing was seen.
        delimiter: The character between cells.

    Returns:
        The number of records, and a kind for each column that is at least the known one.

    Raises:
        pa.ArrowInvalid: A record has too few or too many cells.
    """
    open_names = [name for name, kind in zip(names, known, strict=True) if kind is not Kind.TEXT] or [names[0]]
    kinds = dict(zip(names, known, strict=True))
    try:
        table = parse(data, names, {name: ARROW_TYPES[kinds[name]] for name in open_names}, delimiter)
        misreadable = _misreadable(data)
        doubtful = [
            name
            for name in open_names
            if kinds[name] in misreadable or (kinds[name] is Kind.FLOAT and _is_huge(table[name]))
        ]
    except pa.ArrowInvalid:
        doubtful = [name for name in open_names if kinds[name] is not Kind.TEXT]
        if not doubtful:  # text is never misread: the records themselves are ragged
            raise
    if doubtful:
        table = parse(data, names, {name: pa.string() for name in doubtful}, delimiter)
        for name in doubtful:
            kinds[name] = max(kinds[name], _column_kind(table[name]))
    return table.num_rows, list(kinds.values())


def convert(data: bytes, names: Sequence[str], kinds: Mapping[str, Kind], delimiter: str) -> pa.Table:
    """Reads the columns of `kinds` from one block; floats come as float64.

    The kinds must hold every cell of the block (see `infer_kinds`).
    """
    try:
        return parse(data, names, {name: ARROW_TYPES[kind] for name, kind in kinds.items()}, delimiter)
    except pa.ArrowInvalid:
        # A number that Python reads and Arrow does not ("+5", "1_000"): convert such columns cell by cell.
        text = parse(data, names, dict.fromkeys(kinds, pa.string()), delimiter)
        return pa.table({name: _exact_values(text[name], kind) for name, kind in kinds.items()})


def parse(data: bytes, names: Sequence[str], types: Mapping[str, pa.DataType], delimiter: str) -> pa.Table:
    """Reads the columns of `types` from one block of records, on the calling thread.

    Raises:
        pa.ArrowInvalid: A record has too few or too many cells, or a cell does not convert.
    """
    if data.startswith(BOM):  # Arrow drops one at the start of every block; behind a blank line it is text
        data = b"\n" + data
    return arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(
            column_names=list(names), use_threads=False, block_size=min(len(data) + 1, 2**31 - 1)
        ),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict(types),
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=False,  # the scan has checked the whole block
        ),
    )


def _misreadable(data: bytes) -> frozenset[Kind]:
    """Gives the kinds as which Arrow may read text that Python does not: hexadecimal integers and "nan(...)"."""
    misread = {Kind.INT: _has_pair(data, b"0", b"xX"), Kind.FLOAT: _has_pair(data, b"nN", b"(")}
    return frozenset(kind for kind, may_be in misread.items() if may_be)


def _has_pair(data: bytes, first: bytes, second: bytes) -> bool:
    """Says whether any of the first characters stands before any of the second; `in` takes ten times as long."""
    text = np.frombuffer(data, np.uint8)
    return any(
        bool(np.isin(text[positions[positions > 0] - 1], np.frombuffer(first, np.uint8)).any())
        for character in second
        if len(positions := np.flatnonzero(text == character))
    )


def _is_huge(column: pa.ChunkedArray) -> bool:
    """Says whether a float may come from an integer of over 64 bits, which is text."""
    bounds = pc.min_max(column).as_py()
    return bounds["min"] is not None and max(-bounds["min"], bounds["max"]) >= _BIG


def _column_kind(column: pa.ChunkedArray) -> Kind:
    for kind in (Kind.INT, Kind.FLOAT):
        try:
            values = column.cast(ARROW_TYPES[kind])
        except pa.ArrowInvalid:
            continue
        if values.null_count == len(values):
            return Kind.NULL
        if not _may_be_misread(column, kind, values):
            return kind
    return _greatest(pc.unique(column.cast(pa.binary())))


def _may_be_misread(column: pa.ChunkedArray, kind: Kind, values: pa.ChunkedArray) -> bool:
    if kind is Kind.INT:
        return bool(pc.any(pc.match_substring(column, "x", ignore_case=True)).as_py())
    # Some versions of Arrow read "+5" as a float only: where all are whole, each may be an integer to Python.
    all_whole = bool(pc.all(pc.equal(values, pc.floor(values))).as_py())
    return all_whole or _is_huge(values) or bool(pc.any(pc.match_substring(column, "n(", ignore_case=True)).as_py())


def _greatest(cells: Iterable[pa.Scalar]) -> Kind:
    greatest = Kind.NULL
    for cell in cells:
        greatest = max(greatest, cell_kind(cell.as_py() or b""))
        if greatest is Kind.TEXT:
            break
    return greatest


def _exact_values(column: pa.ChunkedArray, kind: Kind) -> pa.ChunkedArray:
    if kind is Kind.TEXT:
        return column
    if kind is Kind.NULL:
        return pa.chunked_array([pa.nulls(len(column))])
    try:
        return column.cast(ARROW_TYPES[kind])
    except pa.ArrowInvalid:
        read = int if kind is Kind.INT else float
        cells = [None if cell is None else read(cell) for cell in column.cast(pa.binary()).to_pylist()]
        return pa.chunked_array([pa.array(cells, ARROW_TYPES[kind])])
