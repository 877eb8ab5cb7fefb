"""Any bytes named .csv are rows, all of them, or an error of ours."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import CSV_BYTES, damaged

from assay.data.csv import scan_csv
from assay.errors import DataError

CORPUS = sorted((Path(__file__).parent / "corpus" / "csv").glob("*"))
VALID = st.builds(
    lambda rows: b"id,x,word\n" + b"".join(f'{n},{n / 3},"w,{n}"\n'.encode() for n in range(rows)), st.integers(1, 40)
)


def _records(data: bytes) -> int | None:
    """Records after the header as Python's csv module counts them, blank lines left out; None where it refuses."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return max(sum(1 for row in rows if row) - 1, 0)


def check(data: bytes, folder: Path) -> None:
    path = folder / "any.csv"
    path.write_bytes(data)
    for block_bytes in (1 << 20, 64):
        try:
            table = scan_csv([path], block_bytes=block_bytes, threads=2)
            read = sum(batch.num_rows for batch in table.batches())
        except DataError as error:
            assert str(path) in error.message
            continue
        assert read == table.num_rows
        expected = _records(data)
        if expected is not None:
            assert read == expected, "rows were lost or made in silence"


@given(data=CSV_BYTES | st.binary(max_size=80) | damaged(VALID))
def test_arbitrary_bytes(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(data, tmp_path_factory.mktemp("csv"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_once_failed(path: Path, tmp_path: Path) -> None:
    check(path.read_bytes(), tmp_path)
