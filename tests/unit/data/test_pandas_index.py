"""The index of a data frame is not a column, in whatever form its table comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

import assay
from assay.data.sources import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAME = pd.DataFrame({"age": [33, 53, 33, 42], "city": ["A", "B", "A", "C"]})
SHUFFLED = FRAME.iloc[[2, 0, 3, 1]]

INDEXES = {
    "range": lambda frame: frame,
    "shuffled": lambda frame: frame.iloc[[2, 0, 3, 1]],
    "named": lambda frame: frame.set_index(pd.Index([7, 8, 9, 3], name="row")),
    "two levels": lambda frame: frame.set_index([pd.Index([7, 8, 9, 3]), pd.Index(["a", "b", "c", "d"], name="key")]),
}


def written_again(frame: Any, folder: Path) -> str:
    """Write the table as pyarrow and other libraries do that know nothing of pandas' note in the schema."""
    table = pa.Table.from_pandas(frame).replace_schema_metadata(None)
    pq.write_table(table, folder / "again.parquet")
    return str(folder / "again.parquet")


def parquet(frame: Any, folder: Path) -> str:
    frame.to_parquet(folder / "frame.parquet")
    return str(folder / "frame.parquet")


def arrow_file(frame: Any, folder: Path) -> Any:
    feather.write_feather(pa.Table.from_pandas(frame), str(folder / "frame.arrow"))
    return feather.read_table(str(folder / "frame.arrow"))


FORMS: dict[str, Callable[[Any, Path], Any]] = {
    "pandas": lambda frame, _: frame,
    "parquet": parquet,
    "arrow": lambda frame, _: pa.Table.from_pandas(frame),
    "batches": lambda frame, _: pa.Table.from_pandas(frame).to_batches(),
    "feather": arrow_file,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("index", INDEXES)
def test_an_index_is_not_a_column(form: str, index: str, tmp_path: Path) -> None:
    rows = rows_of(FORMS[form](INDEXES[index](FRAME), tmp_path))
    [batch] = [batch for shard in rows.shards for batch in shard.batches()]
    assert batch.schema.names == ["age", "city"]


def test_an_unnamed_index_is_not_a_column_after_another_library_wrote_it(tmp_path: Path) -> None:
    [shard] = rows_of(written_again(SHUFFLED, tmp_path)).shards
    assert next(shard.batches()).schema.names == ["age", "city"]


def test_shared_rows_are_found_behind_a_shuffled_index(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    train, evaluation = parquet(FRAME, tmp_path), parquet(SHUFFLED[:2], tmp_path / "other")
    [pair] = assay.leakage({"train": train, "eval": evaluation})
    assert pair.num_shared == (2, 2)


def test_files_with_and_without_an_index_are_one_table(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "a.parquet")
    SHUFFLED.to_parquet(tmp_path / "b.parquet")
    assert rows_of(str(tmp_path)).num_rows == 8


@pytest.mark.parametrize("note", [b"[]", b"not json", b'{"index_columns": ["absent", {"kind": "range"}]}'])
def test_a_note_that_names_no_column_hides_none(note: bytes) -> None:
    table = pa.table({"age": [1]}).replace_schema_metadata({b"pandas": note})
    [shard] = rows_of(table).shards
    assert next(shard.batches()).schema.names == ["age"]
