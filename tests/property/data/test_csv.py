"""Any table that the `csv` module writes reads back with the types and values of TFX's rule."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from assay.data.csv import scan_csv
from assay.data.csv_types import ARROW_TYPES, Kind, cell_kind

NUMBERS = st.one_of(
    st.integers(-(2**64), 2**64).map(str),
    st.floats(allow_nan=False).map(str),
    st.sampled_from(["", "+1", "1_0", "0x1", " 2", "007", "1.", ".5", "nan", "NAN(2)", "-inf", "1e400", "-", "1e"]),
)
TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=8)
CELLS = st.one_of(NUMBERS, st.just(""), TEXT)
COLUMNS = st.one_of(st.lists(NUMBERS, min_size=12, max_size=12), st.lists(CELLS, min_size=12, max_size=12))


@given(
    st.lists(COLUMNS, min_size=2, max_size=4),
    st.integers(1, 12),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(8, 200),
)
def test_what_csv_writes_reads_back(
    columns: list[list[str]], num_rows: int, quoting: int, line_end: str, block_bytes: int
) -> None:
    columns = [column[:num_rows] for column in columns]
    if quoting == csv.QUOTE_MINIMAL:  # before Python 3.13 the writer leaves a line end of another kind unquoted
        columns = [[cell.replace("\r", "").replace("\n", "") for cell in column] for column in columns]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=quoting, lineterminator=line_end)
    writer.writerow([f"column {at}" for at in range(len(columns))])
    writer.writerows(zip(*columns, strict=True))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_bytes(buffer.getvalue().encode())
        table = scan_csv([path], block_bytes=block_bytes)
        found = pa.Table.from_batches(table.batches(), table.schema)
    for expected, name in zip(columns, found.column_names, strict=True):
        kind = max(cell_kind(cell.encode()) for cell in expected)
        assert found[name].type == ARROW_TYPES[kind]
        for cell, value in zip(expected, found[name].to_pylist(), strict=True):
            assert _same(value, _value(cell, kind))


def _value(cell: str, kind: Kind) -> int | float | str | None:
    if not cell:
        return None
    return {Kind.INT: int, Kind.FLOAT: float, Kind.TEXT: str}[kind](cell)


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(other):
        return math.isnan(one)
    return type(one) is type(other) and one == other
