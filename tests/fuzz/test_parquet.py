"""Any bytes named .parquet are all rows of the file, or an error of ours; a process that dies is a finding."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import damaged

from assay.data.parquet import open_parquet
from assay.errors import DataError

CORPUS = sorted((Path(__file__).parent / "corpus" / "parquet").glob("*"))


def _valid() -> bytes:
    stream = io.BytesIO()
    table = pa.table(
        {"n": list(range(50)), "w": [f"word {n % 7}" for n in range(50)], "l": [[n, n + 1] for n in range(50)]}
    )
    pq.write_table(table, stream, row_group_size=20)
    return stream.getvalue()


VALID = _valid()


def check(data: bytes, folder: Path) -> None:
    path = folder / "any.parquet"
    path.write_bytes(data)
    try:
        table = open_parquet([path])
        read = sum(batch.num_rows for batch in table.batches())
    except DataError as error:
        assert str(path) in error.message
    else:
        assert read == table.num_rows, "rows were lost or made in silence"


def _in_child(cases: list[bytes], folder: Path) -> None:
    """Checks in a process of its own: a library that crashes takes only that process with it."""
    for number, data in enumerate(cases):
        (folder / f"{number}.bytes").write_bytes(data)
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from test_parquet import check; folder = Path(sys.argv[2]);"
        "[check(path.read_bytes(), folder) for path in sorted(folder.glob('*.bytes'))]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, done.stderr[-2000:] or f"the process died with {done.returncode}"


@settings(max_examples=max(settings().max_examples // 10, 3))
@given(cases=st.lists(damaged(st.just(VALID)) | st.binary(max_size=80), min_size=20, max_size=20))
def test_damaged_files(cases: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    _in_child(cases, tmp_path_factory.mktemp("parquet"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_once_failed(path: Path, tmp_path: Path) -> None:
    _in_child([path.read_bytes()], tmp_path)
