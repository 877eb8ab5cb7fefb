"""Rows that name their classes, as a source that any engine reads in any parts."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.data.sources import TableRows, rows_of
from assay.engines.base import Shard, Source
from assay.evaluation.config import read_config
from assay.evaluation.named_columns import NamedRows
from assay.evaluation.tables import Predictions, open_predictions
from raising import raises

ROWS = {
    "y": ["b", None, "a", "b"],
    "p.a": [0.1, 0.2, 0.3, 0.4],
    "size": [1, 2, 3, 4],
    "p.b": [0.9, 0.8, 0.7, 0.6],
}


def opened(data: Any, sliced_by: str | None = None) -> Predictions:
    slices = [{}, {"feature_keys": [sliced_by]}] if sliced_by else [{}]
    config = read_config({"model_specs": [{"label_key": "y", "prediction_key": "p"}], "slicing_specs": slices})
    return open_predictions(config.eval_config, data)


def rows(source: Source, columns: list[str] | None = None) -> list[dict[str, Any]]:
    return [row for shard in source.shards for batch in shard.batches(columns) for row in batch.to_pylist()]


def test_labels_are_numbers_and_predictions_lists_beside_everything_else() -> None:
    found = opened(pa.table(ROWS))
    assert isinstance(found.source, NamedRows)
    assert isinstance(found.source, Source)
    assert isinstance(found.source.shards[0], Shard)
    assert (found.keys.label, found.keys.candidate) == ("y", "p")
    first, second, *_ = rows(found.source)
    assert first == {"y": 1.0, "p.a": 0.1, "size": 1, "p.b": 0.9, "p": [0.1, 0.9]}
    assert second["y"] is None
    assert {*found.columns} == {*ROWS, "p"}


@pytest.mark.parametrize("columns", [["p"], ["y"], ["p", "y"], ["size", "p"], ["p.b"], ["size"]])
def test_columns_are_made_of_what_they_need(columns: list[str], tmp_path: Path) -> None:
    pq.write_table(pa.table(ROWS), tmp_path / "rows.parquet")
    for data in (pa.table(ROWS), tmp_path / "rows.parquet"):
        source = opened(data).source
        expected = [{name: row[name] for name in columns} for row in rows(source)]
        assert rows(source, columns) == expected
        assert list(rows(source, columns)[0]) == columns


def test_no_columns_are_still_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table(ROWS), tmp_path / "rows.parquet")
    [shard] = opened(tmp_path / "rows.parquet").source.shards
    assert [batch.num_rows for batch in shard.batches([])] == [4]


def test_it_pickles_and_tells_as_many_rows_as_the_data(tmp_path: Path) -> None:
    pq.write_table(pa.table(ROWS), tmp_path / "rows.parquet", row_group_size=3)
    source = opened(tmp_path / "rows.parquet").source
    again = pickle.loads(pickle.dumps(source))  # as Beam sends it to a worker
    assert rows(again) == rows(source)
    assert [shard.num_rows for shard in again.shards] == [3, 1]
    assert again.bounded is rows_of(tmp_path / "rows.parquet").bounded is True


def test_an_unknown_label_is_found_by_its_row_in_the_whole_data(tmp_path: Path) -> None:
    labels = ["a"] * 70_000
    labels[69_000] = "c"
    table = pa.table({"y": labels, "p": [{"a": 0.5, "b": 0.5}] * len(labels)})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=20_000)
    for data in (table, tmp_path / "rows.parquet"):
        with raises("evaluator.unknown_class", "69000", "0", "c", "b"):
            rows(opened(data).source)


def test_files_with_columns_in_other_orders(tmp_path: Path) -> None:
    table = pa.table({"y": ["b", "a"], "p.b": [0.9, 0.2], "p.a": [0.1, 0.8]})
    pq.write_table(table, tmp_path / "1.parquet")
    pq.write_table(table.select(["p.a", "y", "p.b"]), tmp_path / "2.parquet")
    (tmp_path / "1.csv").write_text("y,p.b,p.a\nb,0.75,0.25\na,0.25,0.75\n")
    (tmp_path / "2.csv").write_text("p.a,p.b,y\n0.25,0.75,b\n0.75,0.25,a\n")
    for kind in ("parquet", "csv"):
        found = opened(str(tmp_path / f"*.{kind}"))
        assert found.naming is not None
        assert found.naming.classes.names == ("b", "a")
        first, second, *others = [(row["y"], row["p"]) for row in rows(found.source)]
        assert first[0] == 0
        assert [first, second] == others


def test_rows_of_slices_by_the_label_keep_the_names() -> None:
    """`y=setosa` is a slice, `y=0` would be none that anybody asked for."""
    found = opened(pa.table(ROWS | {"y as class number": [0] * 4}), "y")
    assert found.keys.label == "y as class number'"
    assert [(row["y"], row[found.keys.label]) for row in rows(found.source)] == [
        *(("b", 1.0), (None, None), ("a", 0.0), ("b", 1.0))
    ]
    assert rows(found.source, [found.keys.label])[0] == {found.keys.label: 1.0}
    cut = opened(pa.table({"y": [5, 3], "p.3": [0.5, 0.5], "p.5": [0.5, 0.5]}), "y[0,4]")
    assert [(row["y"], row[cut.keys.label]) for row in rows(cut.source)] == [(5, 1.0), (3, 0.0)]


def test_no_rows() -> None:
    assert rows(opened(pa.table(ROWS).slice(0, 0)).source) == []
    assert TableRows(pa.table(ROWS)).num_rows == 4


def test_people_get_the_rows_as_the_data_has_them() -> None:
    found = opened(pa.table(ROWS))
    assert found.naming is not None
    table = pa.table({name: [row[name] for row in rows(found.source)] for name in (*ROWS, "p")})
    assert found.naming.own(table, ["p"]).to_pydict() == ROWS
    kind = pa.struct([("b", pa.float64()), ("a", pa.float64())])
    struct = pa.table({"y": ["b", None], "p": pa.array([{"b": 0.5, "a": 0.25}, {"b": 1.0, "a": 0.0}], kind)})
    found = opened(struct)
    assert found.naming is not None
    made = pa.Table.from_batches([*found.source.shards[0].batches()])
    assert found.naming.own(made, ["p"]).to_pydict() == struct.to_pydict()
    other = made.append_column("q", pa.array([[1.0, 2.0], None])).append_column("list", pa.array([[1.0], [2.0]]))
    own = found.naming.own(other, ["p", "q"])
    assert own.column("q").to_pylist() == [{"b": 1.0, "a": 2.0}, None]
    assert own.column("list").to_pylist() == [[1.0], [2.0]]
    sliced = opened(pa.table(ROWS), "y")
    assert sliced.naming is not None
    assert sliced.naming.own(pa.Table.from_batches([*sliced.source.shards[0].batches()]), ["p"]).to_pydict() == ROWS
