"""What names a row in a CSV, types that differ between the sides, and what is refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.errors import DataError
from assay.kernels.rows.declared_rules import Unique
from raising import raises

if TYPE_CHECKING:
    from pathlib import Path


def shared(one: Any, other: Any, by: list[str] | None = None) -> int:
    [pair] = assay.leakage({"one": one, "other": other}, by=by)
    return pair.num_distinct


@pytest.fixture
def csv(tmp_path: Path) -> Any:
    def write(name: str, *lines: str) -> str:
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (("0010", "0011"), ("10", "99")),
        (("1_23", "4_5"), ("12_3", "45")),
        (("1E3", "2E10"), ("1000", "20000000000")),
        (("1e3", "2e10"), ("1000", "20000000000")),
    ],
)
def test_codes_in_a_csv_are_names(csv: Any, ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    one, other = (
        csv("one", "acct,n", f"{ours[0]},1", f"{ours[1]},2"),
        csv("other", "acct,n", *(f"{x},1" for x in theirs)),
    )
    for by in (["acct"], None):
        assert shared(one, other, by) == 0
        assert shared(one, one, by) == 2
    report = assay.skew(other, one, join_on="acct")
    assert report.match_stats.matching_pairs_count == 0


def test_numbers_with_decimals_are_names_by_their_text_and_data_by_their_value(csv: Any) -> None:
    one, other = csv("one", "version,n", "1.10,1"), csv("other", "version,n", "1.1,1")
    assert shared(one, other, ["version"]) == 0
    assert shared(one, other) == 1


@pytest.mark.parametrize(("ours", "theirs"), [("2024-05-01T02:00:00+02:00", "2024-05-01T00:00:00Z"), ("True", "true")])
def test_times_and_booleans_are_names_by_their_value(csv: Any, ours: str, theirs: str) -> None:
    one, other = csv("one", "when,n", f"{ours},1"), csv("other", "when,n", f"{theirs},1")
    assert shared(one, other, ["when"]) == 1
    assert assay.skew(other, one, join_on="when").match_stats.matching_pairs_count == 1


@pytest.mark.parametrize(
    "theirs", [pa.array(["10", "A1"]), pa.array(["10", "A1"]).dictionary_encode(), pa.array([b"10", b"A1"])]
)
def test_cells_that_are_numbers_are_found_beside_text(csv: Any, theirs: pa.Array) -> None:
    one, other = csv("one", "acct,n", "10,1", "11,2"), csv("other", "acct,n", "10,1", "A1,2")
    for data in (other, pa.table({"acct": theirs, "n": [1, 2]})):
        for by in (["acct"], None):
            assert shared(one, data, by) == 1
    with raises("leakage.different_types", kind=DataError):
        shared(one, csv("money", "acct,n", "$10,1"))


def test_numbers_beyond_int64_are_found(csv: Any) -> None:
    one, other = csv("one", "id", str(2**63), str(2**64 - 1)), pa.table({"id": pa.array([2**63, 7], pa.uint64())})
    assert shared(one, other) == 1


def test_cells_that_are_not_a_number_repeat_no_key(csv: Any) -> None:
    data = csv("data", "x,n", "nan,1", "nan,2", "3.5,3")
    schema = assay.infer_schema(assay.statistics(data))
    assert assay.validate(data, schema, checks=[Unique(columns=("x",))]).rows().num_rejected == 0


def test_two_columns_of_one_name_are_rejected() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    with raises("data.duplicate_columns", "x"):
        shared(table, table)


def test_a_name_that_pandas_made_a_float_is_found(csv: Any) -> None:
    assert shared(csv("one", "id", "7", "8"), csv("other", "id", "7.0", "9.5"), ["id"]) == 1


def test_a_cell_is_the_number_that_it_is_written_as_beside_typed_data(csv: Any) -> None:
    one = csv("one", "id,x,big", "10,1.50,1e+20", "7,2,3")
    other = pa.table({"id": pa.array([10, 8], pa.int32()), "x": [1.5, 2.0], "big": [1e20, 3.0]})
    assert shared(one, other, ["id"]) == 1
    assert shared(one, other, ["id", "x"]) == 1
    assert shared(one, other, ["big"]) == 2


def test_a_code_beside_integers_is_refused(csv: Any) -> None:
    one, other = csv("one", "acct", "0010", "0011"), pa.table({"acct": [10, 11]})
    for ask in (lambda: shared(one, other, ["acct"]), lambda: assay.skew(other, one, join_on="acct")):
        with raises("identity.value", "0010"):
            ask()


def test_a_code_is_its_text_beside_text(csv: Any) -> None:
    assert shared(csv("one", "acct", "0010", "11"), pa.table({"acct": ["0010", "10"]}), ["acct"]) == 1


def test_codes_differ_in_every_column(csv: Any) -> None:
    train = csv("train", "acct,zip,amount", "0010,01220,5", "0011,02139,6", "0012,94107,7")
    other = csv("eval", "acct,zip,amount", "10,1220,5", "0012,94107,7")
    [pair] = assay.leakage({"train": train, "eval": other})
    [sample] = pair.samples
    assert (sample.rows, sample.values) == ((1, 1), {"acct": "0012", "zip": "94107", "amount": 7})  # noqa: PD011
    report = assay.skew(train, other, join_on="amount")
    assert {each.feature_name: each.mismatch_count for each in report.features} == {"acct": 1, "zip": 1}


def test_unique_names_and_their_quarantine(csv: Any, tmp_path: Path) -> None:
    data = csv("data", "acct,amount", "0010,1.50", "10,1.5", "1_23,2", "12_3,2", "0010,3")
    schema = assay.infer_schema(assay.statistics(data))
    report = assay.validate(data, schema, checks=[Unique(columns=("acct",))])
    [outcome] = [each for each in report.rows().outcomes if each.rule_id == "acct.unique"]
    assert (outcome.num_broken, outcome.samples[0].found) == (2, "0010")
    counts = report.quarantine(tmp_path / "out")
    assert (counts.read, counts.clean, counts.rejected) == (5, 3, 2)
    assert pq.read_table(tmp_path / "out" / "clean.parquet").to_pydict() == {
        "acct": ["10", "1_23", "12_3"],
        "amount": [1.5, 2.0, 2.0],
    }
    assert pq.read_table(tmp_path / "out" / "rejected.parquet").column("acct").to_pylist() == ["0010", "0010"]


def test_times_that_differ_by_seconds_are_different_rows(csv: Any, tmp_path: Path) -> None:
    """A float32 took them for one."""
    one = csv("one", "id,ts", "1,1700000000.50", "2,1700000010.50")
    other = csv("other", "id,ts", "1,1700000050.50", "2,1700000040.75")
    assert shared(one, other, ["ts"]) == 0
    [feature] = assay.skew(other, one, join_on="id").features
    assert feature.mismatch_count == 2
    schema = assay.infer_schema(assay.statistics(one))
    assert assay.validate(one, schema, checks=[Unique(columns=("ts",))]).rows().num_rejected == 0


MIDNIGHT = dt.datetime(2024, 5, 1)  # noqa: DTZ001 (naive on purpose)
SAME = {
    "bool and text": (pa.array([True, False]), pa.array(["True", "false"])),
    "bool and integer": (pa.array([True, False]), pa.array([1, 0])),
    "date and timestamp": (pa.array([MIDNIGHT.date(), None]), pa.array([MIDNIGHT, MIDNIGHT + dt.timedelta(1, 1)])),
    "naive and UTC": (pa.array([MIDNIGHT], pa.timestamp("s")), pa.array([MIDNIGHT], pa.timestamp("ns", "UTC"))),
    "text and timestamp": (pa.array(["2024-05-01 00:00:00"]), pa.array([MIDNIGHT], pa.timestamp("ms"))),
    "two notations": (pa.array(["2024-05-01T00:00:00Z"]), pa.array(["2024-05-01"])),
    "floats in lists": (pa.array([[0.1, 0.2]], pa.list_(pa.float32())), pa.array([[0.1, 0.2]])),
    "floats in structs": (pa.array([{"a": 0.1}], pa.struct([("a", pa.float32())])), pa.array([{"a": 0.1}])),
    "decimal and double": (pa.array([Decimal("0.10"), Decimal("5.00")]), pa.array([0.1, 5.0])),
    "decimal and integer": (pa.array([Decimal(2**62)], pa.decimal128(30, 0)), pa.array([2**62])),
    "dictionary and large text": (pa.array(["a"]).dictionary_encode(), pa.array(["a"], pa.large_string())),
    "fixed-size lists": (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), pa.array([[1, 2]])),
    "half precision": (pa.array(np.array([0.1, 0.7], np.float16)), pa.array([0.1, 0.7])),
    "maps": (
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
    ),
    "unsigned": (pa.array([2**63], pa.uint64()), pa.array([float(2**63)])),
    "bytes that are not UTF-8": (pa.array([b"\xff", b"\xfe"]), pa.array([b"\xff", b"\xfd"], pa.large_binary())),
}


@pytest.mark.parametrize("case", SAME)
def test_a_value_is_itself_in_another_type(case: str) -> None:
    one, other = (pa.table({"x": each}) for each in SAME[case])
    same = {"date and timestamp": 1, "bytes that are not UTF-8": 1}.get(case, len(one))
    assert shared(one, other) == same


REFUSED = {
    "text and number": (pa.array(["5"]), pa.array([5])),
    "time of day and date": (pa.array([dt.time(1)]), pa.array([MIDNIGHT.date()])),
    "duration and timestamp": (pa.array([dt.timedelta(1)]), pa.array([MIDNIGHT])),
    "timestamp and integer": (pa.array([MIDNIGHT]), pa.array([0])),
    "struct and text": (pa.array([{"a": 1}]), pa.array(["a"])),
    "fields of a struct": (pa.array([{"a": "1"}]), pa.array([{"a": 1}])),
}


@pytest.mark.parametrize("case", REFUSED)
def test_types_that_share_no_value_are_refused_by_name(case: str) -> None:
    one, other = (pa.table({"x": each}) for each in REFUSED[case])
    kinds = [str(each.column("x").type) for each in (one, other)]
    with raises("leakage.different_types", "x", *kinds, kind=DataError):
        shared(one, other)
    with raises("feature_skew.different_types", "x", kind=DataError):
        assay.skew(other, one, join_on="x")


def test_text_that_is_no_boolean_is_refused_beside_booleans() -> None:
    with raises("identity.value", "yes"):
        shared(pa.table({"x": ["True", "yes"]}), pa.table({"x": [True, False]}))


def test_what_counts_as_no_value() -> None:
    empty = pa.table({"x": pa.array([None, float("nan")]), "t": pa.array([None, ""])})
    other = pa.table({"x": pa.array([float("nan"), None]), "t": pa.array(["", None])})
    assert shared(empty, other) == 1  # the empty text; a row without any value shares nothing
    assert shared(pa.table({"x": [0.0]}), pa.table({"x": [-0.0]})) == 1
    assert shared(pa.table({"x": [[], [1]]}), pa.table({"x": [None, [1]]})) == 1


def test_frames_of_two_libraries(tmp_path: Path) -> None:
    rows = {"flag": [True, False], "n": [1, 2], "when": [MIDNIGHT, MIDNIGHT + dt.timedelta(hours=1)], "w": ["a", "b"]}
    ours, theirs = pd.DataFrame(rows), pl.DataFrame(rows)
    ours.to_csv(tmp_path / "ours.csv", index=False)
    theirs.write_csv(tmp_path / "theirs.csv")
    forms = [ours, theirs, str(tmp_path / "ours.csv"), str(tmp_path / "theirs.csv")]
    for one in forms:
        for other in forms:
            assert shared(one, other) == 2
            report = assay.skew(other, one, join_on="n")
            assert (report.match_stats.matching_pairs_count, report.ok) == (2, True)
