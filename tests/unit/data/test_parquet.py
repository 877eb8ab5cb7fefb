from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.data.parquet import ParquetWriter, open_parquet
from assay.errors import DataError
from raising import raises

NESTED = pa.table(
    {
        "number": pa.array([1, None, 3]),
        "text": pa.array(["a", "", None]),
        "list": pa.array([[1.5], [], None], pa.large_list(pa.float32())),
        "struct": pa.array([{"x": 1}, None, {"x": None}]),
        "day": pa.array([0, 1, None], pa.date32()),
    }
)


def write(path: Path, table: pa.Table, **options: object) -> Path:
    with ParquetWriter(path, table.schema, **options) as writer:
        for batch in table.to_batches():
            writer.write(batch)
    return path


def read(*paths: Path) -> pa.Table:
    table = open_parquet(paths)
    return pa.Table.from_batches(table.batches(), table.schema)


def test_nested_and_native_types_pass_through(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.parquet", NESTED)).equals(NESTED)


def test_a_shard_is_a_row_group_of_a_fixed_number_of_rows(tmp_path: Path) -> None:
    table = pa.table({"a": list(range(25))})
    shards = open_parquet([write(tmp_path / "a.parquet", table, row_group_rows=10)]).shards
    assert [shard.num_rows for shard in shards] == [10, 10, 5]
    assert [next(iter(shard.batches()))["a"][0].as_py() for shard in shards] == [0, 10, 20]


@pytest.mark.parametrize("chunk", [1, 7, 25])
def test_the_bytes_do_not_depend_on_how_rows_came_in(tmp_path: Path, chunk: int) -> None:
    table = pa.table({"a": list(range(25)), "b": [["x"] * (i % 3) for i in range(25)]})
    whole = write(tmp_path / "whole.parquet", table, row_group_rows=10)
    with ParquetWriter(tmp_path / "cut.parquet", table.schema, row_group_rows=10) as writer:
        for batch in table.to_batches(max_chunksize=chunk):
            writer.write(batch)
    assert writer.num_rows == 25
    assert (tmp_path / "cut.parquet").read_bytes() == whole.read_bytes()


def test_columns_can_be_chosen_and_rows_count_without_any(tmp_path: Path) -> None:
    table = open_parquet([write(tmp_path / "a.parquet", NESTED)])
    assert next(iter(table.batches(["day", "number"]))).schema.names == ["number", "day"]
    assert sum(batch.num_rows for batch in table.batches([])) == 3


def test_an_empty_table_has_its_schema(tmp_path: Path) -> None:
    table = open_parquet([write(tmp_path / "a.parquet", NESTED.slice(0, 0))])
    assert (table.schema, table.shards, table.num_rows) == (NESTED.schema, (), 0)


def test_compatible_types_of_several_files_are_unified(tmp_path: Path) -> None:
    one = pa.table({"a": pa.array([1, 2]), "b": pa.nulls(2), "c": pa.array([1], pa.int32()).take(pa.array([0, 0]))})
    two = pa.table({"c": pa.array([7]), "b": pa.array(["x"]), "a": pa.array([1.5])})
    table = read(write(tmp_path / "1.parquet", one), write(tmp_path / "2.parquet", two))
    assert table.schema == pa.schema([("a", pa.float64()), ("b", pa.string()), ("c", pa.int64())])
    assert table.to_pydict() == {"a": [1.0, 2.0, 1.5], "b": [None, None, "x"], "c": [1, 1, 7]}


def test_clashing_types_are_named(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "1.parquet", pa.table({"a": [1]})),
        write(tmp_path / "2.parquet", pa.table({"a": ["x"]})),
    ]
    with raises("parquet.different_types", "2.parquet", "a", "string", "int64"):
        open_parquet(paths)


def test_different_columns_are_named(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "1.parquet", pa.table({"a": [1], "b": [1]})),
        write(tmp_path / "2.parquet", pa.table({"a": [1], "c": [1]})),
    ]
    with raises("parquet.different_columns", "2.parquet", "b", "c", "1.parquet"):
        open_parquet(paths)


def test_a_column_that_occurs_twice(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")
    with raises("parquet.duplicate_column", "a"):
        open_parquet([tmp_path / "a.parquet"])


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_cut_off_file(tmp_path: Path, kept: float) -> None:
    path = write(tmp_path / "a.parquet", NESTED)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with raises("parquet.truncated", "a.parquet", kind=DataError):
        open_parquet([path])


def test_damage_inside_a_row_group_is_found_when_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", pa.table({"a": [str(i) * 9 for i in range(5000)]}))
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    with raises("parquet.truncated", kind=DataError):
        list(open_parquet([path]).batches())


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n" * 10])
def test_another_format(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with raises("parquet.not_parquet", "a.csv"):
        open_parquet([tmp_path / "a.csv"])


def test_no_such_file(tmp_path: Path) -> None:
    with raises("parquet.no_such_file", "absent.parquet"):
        open_parquet([tmp_path / "absent.parquet"])
    with raises("parquet.no_files"):
        open_parquet([])


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with raises("artifact.write_failed"):
        write(tmp_path / "absent" / "a.parquet", NESTED)


def test_a_full_disk_is_reported() -> None:
    with raises("artifact.write_failed", "/dev/full"):
        write(Path("/dev/full"), pa.table({"a": [str(at) for at in range(100_000)]}))


def _written(folder: Path, *columns: pa.Array) -> list[Path]:
    paths = [folder / f"{number}.parquet" for number in range(len(columns))]
    for path, column in zip(paths, columns, strict=True):
        pq.write_table(pa.table({"x": column}), path)
    return paths


@pytest.mark.parametrize(
    ("one", "other", "values"),
    [
        (pa.array(["a", "b"]), pa.array(["b", None]).dictionary_encode(), ["a", "b", "b", None]),
        (pa.array([1]), pa.array([2]).dictionary_encode(), [1, 2]),
        (pa.array([Decimal("1.5")]), pa.array([Decimal("12345.25")]), [Decimal("1.50"), Decimal("12345.25")]),
        (
            pa.array([1], pa.timestamp("ms")),
            pa.array([1], pa.timestamp("us")),
            [datetime(1970, 1, 1, 0, 0, 0, 1000), datetime(1970, 1, 1, 0, 0, 0, 1)],  # noqa: DTZ001 - naive, as stored
        ),
    ],
)
def test_types_of_one_meaning_have_a_common_type(
    tmp_path: Path, one: pa.Array, other: pa.Array, values: list[object]
) -> None:
    for pair, expected in [((one, other), values), ((other, one), values[len(one) :] + values[: len(one)])]:
        table = open_parquet(_written(tmp_path, *pair))
        assert [value for batch in table.batches() for value in batch.column(0).to_pylist()] == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([2**53 + 1]), pa.array([0.5])),
        (pa.array([2**63], pa.uint64()), pa.array([1])),
        (pa.array([2**62], pa.timestamp("ms")), pa.array([1], pa.timestamp("us"))),
    ],
)
def test_a_value_that_the_common_type_cannot_hold_is_named(tmp_path: Path, one: pa.Array, other: pa.Array) -> None:
    table = open_parquet(_written(tmp_path, one, other))
    with raises("parquet.different_types", "0.parquet", "x"):
        list(table.batches())
