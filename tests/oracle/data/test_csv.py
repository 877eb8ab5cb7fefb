"""The CSV reader against tfx_bsl's own type inference, cell by cell and over the taxi file's columns."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from assay.data.csv import scan_csv
from assay.data.csv_types import Kind, cell_kind

pytestmark = pytest.mark.tensorflow

CELLS = [
    *("", "0", "-0", "+5", " 5", "5 ", "\t5", "007", "0x1F", "0b1", "1__0", "_1", "-", "+", "--1", "1 2"),
    *(str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), "1" * 400, "1.", ".5", ".", "1e5", "1E-5", "1e"),
    *("1e400", "1e-400", "nan", "NaN", "-nan", "nan(1)", "inf", "-Infinity", "infinit", "True", "NA", "null", "1,5"),
    *("é", "٣", "1\u00a0", "0.1f", "1d5", "\u0661\u066b\u0665", "1\n", '"'),
]


@pytest.mark.parametrize("cell", CELLS)
def test_a_cells_type(cell: str) -> None:
    from tfx_bsl.coders import csv_decoder

    names = {
        csv_decoder.ColumnType.UNKNOWN: Kind.NULL,
        csv_decoder.ColumnType.INT: Kind.INT,
        csv_decoder.ColumnType.FLOAT: Kind.FLOAT,
        csv_decoder.ColumnType.STRING: Kind.TEXT,
    }
    assert cell_kind(cell.encode()) == names[csv_decoder._InferValueType(cell.encode())]


def test_whole_columns(tmp_path: Path) -> None:
    from tfx_bsl.coders import csv_decoder

    columns = [["1", cell, ""] for cell in CELLS]
    names = [f"c{at}" for at in range(len(columns))]
    inferrer = csv_decoder.ColumnTypeInferrer(names, skip_blank_lines=True)
    accumulator = inferrer.create_accumulator()
    rows = list(zip(*columns, strict=True))
    for row in rows:
        accumulator = inferrer.add_input(accumulator, [cell.encode() for cell in row])
    types = [csv_decoder._FEATURE_TYPE_TO_ARROW_TYPE[info.type] for info in inferrer.extract_output(accumulator)]
    path = tmp_path / "data.csv"
    quoted = ['"' + '","'.join(cell.replace('"', '""') for cell in row) + '"' for row in [tuple(names), *rows]]
    path.write_text("\n".join(quoted) + "\n", newline="")
    values = {pa.large_binary(): pa.string(), pa.float32(): pa.float64(), pa.int64(): pa.int64()}
    assert scan_csv([path]).schema.types == [values[each.value_type] for each in types]
