"""Specifications, labels and keys of slices; the oracle tests hold names and rows against TFDV's."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.statistics.slices.keys import Slicer, slice_name
from assay.kernels.statistics.slices.specs import Period, SlicingSpec
from raising import raises


def _slices(columns: dict[str, pa.Array], *specs: SlicingSpec, schema: str = "") -> dict[str, list[Any]]:
    """Gives the slices' names with the values of a column `n`, or of row numbers."""
    numbers = pa.array(range(len(next(iter(columns.values())))))
    batch = pa.RecordBatch.from_arrays([*columns.values(), numbers], [*columns, "n"])
    slicer = Slicer(specs, text_format.Parse(schema, schema_pb2.Schema()) if schema else None)
    return {slice_name(key): rows.column("n").to_pylist() for key, rows in slicer.slices(batch)}


def test_bins_are_closed_below_and_reach_to_infinity() -> None:
    values = pa.array([-1.0, 0.0, 9.9, 10.0, None, float("nan"), float("inf")])
    assert _slices({"x": values}, SlicingSpec(bins={"x": (0, 10)})) == {
        "x_[-inf,0.0)": [0],
        "x_[0.0,10.0)": [1, 2],
        "x_[10.0,inf]": [3, 6],
    }


_TIMES = [datetime(2024, 2, 29, 23, 30, tzinfo=timezone.utc), datetime(2024, 12, 30, 1, 2, tzinfo=timezone.utc), None]


@pytest.mark.parametrize(
    ("period", "labels"),
    [
        ("year", ["2024"]),
        ("quarter", ["2024-Q1", "2024-Q4"]),
        ("month", ["2024-02", "2024-12"]),
        ("week", ["2024-W09", "2025-W01"]),
        ("day", ["2024-02-29", "2024-12-30"]),
        ("hour", ["2024-02-29T23", "2024-12-30T01"]),
        ("minute", ["2024-02-29T23:30", "2024-12-30T01:02"]),
    ],
)
def test_times_are_cut_into_periods(period: Period, labels: list[str]) -> None:
    assert list(_slices({"t": pa.array(_TIMES)}, SlicingSpec(periods={"t": period}))) == [f"t_{x}" for x in labels]


def test_periods_are_of_the_time_zone_of_the_column() -> None:
    late = pa.array([datetime(2024, 2, 29, 23, 30, tzinfo=timezone.utc)], pa.timestamp("s", "Asia/Tokyo"))
    assert list(_slices({"t": late}, SlicingSpec(periods={"t": "day"}))) == ["t_2024-03-01"]


@pytest.mark.parametrize(
    ("format_", "value"), [("UNIX_SECONDS", 86_400), ("UNIX_DAYS", 1), ("UNIX_NANOSECONDS", 86_400 * 10**9)]
)
def test_integers_are_times_where_the_schema_says_so(format_: str, value: int) -> None:
    schema = f'feature {{ name: "t" type: INT time_domain {{ integer_format: {format_} }} }}'
    found = _slices({"t": pa.array([value])}, SlicingSpec(periods={"t": "day"}), schema=schema)
    assert found == {"t_1970-01-02": [0]}
    with raises("statistics.slice_column", "t", "int64", "day"):
        _slices({"t": pa.array([value])}, SlicingSpec(periods={"t": "day"}))


def test_dates_and_booleans_and_categories_name_slices() -> None:
    columns = {
        "d": pa.array([1, None], pa.date32()),
        "b": pa.array([True, False]),
        "c": pa.array(["x", "y"]).dictionary_encode(),
    }
    specs = [SlicingSpec(feature_keys=("d",)), SlicingSpec(feature_keys=("b",)), SlicingSpec(feature_keys=("c",))]
    assert list(_slices(columns, *specs)) == ["d_1970-01-02", "b_1", "b_0", "c_x", "c_y"]


def test_a_condition_is_a_slice_and_can_be_crossed() -> None:
    columns = {"fare": pa.array([5, 15, 25]), "kind": pa.array(["x", "y", "y"])}
    specs = [SlicingSpec(where="fare > 10"), SlicingSpec(where="fare > 10", name="dear", feature_keys=("kind",))]
    assert _slices(columns, *specs) == {"fare > 10": [1, 2], "kind_y_dear": [1, 2]}


def test_bytes_are_told_by_their_text() -> None:
    spec = SlicingSpec(feature_values={"x": ("a",)})
    assert _slices({"x": pa.array([b"a", b"b"])}, spec) == {"x_a": [0]}


def test_the_same_slice_asked_for_twice_is_there_once() -> None:
    specs = [SlicingSpec(feature_keys=("x",)), SlicingSpec(feature_values={"x": (1,)})]
    assert _slices({"x": pa.array([1, 2])}, *specs) == {"x_1": [0], "x_2": [1]}


def test_values_that_cannot_name_a_slice_are_refused() -> None:
    with raises("statistics.slice_value", "x", "b"):
        _slices({"x": pa.array([b"\xff"])}, SlicingSpec(feature_keys=("x",)))
    with raises("statistics.slice_value", "a", "x"):
        _slices({"x": pa.array([1])}, SlicingSpec(feature_values={"x": ("a",)}))
    with raises("statistics.slice_column", "x", "slices"):
        _slices({"x": pa.array([{"a": 1}])}, SlicingSpec(feature_keys=("x",)))
    with raises("statistics.slice_column", "x", "string"):
        _slices({"x": pa.array(["a"])}, SlicingSpec(bins={"x": (1,)}))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("statistics.slice",)),
        ({"feature_keys": ("a",), "bins": {"a": (1,)}}, ("statistics.slice",)),
        ({"bins": {"a": (2, 1)}}, ("statistics.slice", "a")),
        ({"bins": {"a": ()}}, ("statistics.slice", "a")),
        ({"feature_values": {"a": "xy"}}, ("statistics.slice", "a")),
        ({"feature_keys": ("a",), "name": "n"}, ("statistics.slice",)),
    ],
)
def test_specifications_that_cut_nothing_are_refused(options: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        SlicingSpec(**options)
