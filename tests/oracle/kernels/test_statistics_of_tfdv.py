"""Our statistics against TFDV's, field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

import assay
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

MANY_VALUES = 5000
"""TFDV's sketch compresses from about 6,000 distinct values on; below it is exact."""


def _ours(
    table: pa.Table, options: StatisticsOptions | None = None, schema: schema_pb2.Schema | None = None, rows: int = 1000
) -> statistics_pb2.DatasetFeatureStatisticsList:
    accumulator = DatasetStatistics(options, schema)
    batches = table.to_batches(max_chunksize=rows)
    return accumulator.extract(
        accumulator.merge([accumulator.add_batch(accumulator.create(), batch) for batch in batches])
    )


def _listed(table: pa.Table) -> pa.Table:
    """Gives the same data as TFDV takes it: a flat column as lists of one value."""
    columns = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if not pa.types.is_list(column.type) and not pa.types.is_null(column.type):
            values = [None if value is None else [value] for value in column.to_pylist()]
            column = pa.array(values, pa.list_(column.type))
        columns[name] = column
    return pa.table(columns)


def _tfdv_on_beam(table: pa.Table, folder: Path, **options: Any) -> statistics_pb2.DatasetFeatureStatisticsList:
    import apache_beam as beam
    import tensorflow_data_validation as tfdv

    path = str(folder / "statistics.pb")
    with beam.Pipeline() as pipeline:
        _ = (
            pipeline
            | beam.Create(_listed(table).to_batches(max_chunksize=7), reshuffle=False)
            | tfdv.GenerateStatistics(tfdv.StatsOptions(**options))
            | tfdv.WriteStatisticsToBinaryFile(path)
        )
    return tfdv.load_stats_binary(path)


def _clear_sketched(statistics: statistics_pb2.DatasetFeatureStatisticsList, names: list[str]) -> None:
    """Clears what TFDV's sketch only approximates."""
    for feature in statistics.datasets[0].features:
        if feature.path.step[0] in names:
            for proto in (feature.num_stats, feature.num_stats.weighted_numeric_stats):
                proto.ClearField("histograms")
                proto.ClearField("median")


def _quantiles(feature: statistics_pb2.FeatureNameStatistics) -> list[float]:
    (histogram,) = [h for h in feature.num_stats.histograms if h.type == statistics_pb2.Histogram.QUANTILES]
    return [bucket.high_value for bucket in histogram.buckets]


@pytest.mark.network
@pytest.mark.parametrize("weight", [None, "trip_start_month"])
def test_the_taxi_csv(
    taxi_csv: Path, taxi_trips: pa.Table, taxi_statistics: Any, differences: Any, weight: str | None
) -> None:
    import tensorflow_data_validation as tfdv

    theirs = statistics_pb2.DatasetFeatureStatisticsList()
    theirs.CopyFrom(taxi_statistics)
    if weight is not None:
        theirs = tfdv.generate_statistics_from_csv(
            str(taxi_csv), stats_options=tfdv.StatsOptions(weight_feature=weight)
        )
    ours = _ours(taxi_trips, StatisticsOptions(weight_feature=weight))

    sketched = [name for name in taxi_trips.column_names if len(taxi_trips[name].unique()) > MANY_VALUES]
    assert sketched == ["trip_start_timestamp"]
    timestamps = np.sort(taxi_trips["trip_start_timestamp"].to_numpy())
    for statistics, tolerance in ((ours, 3 / len(timestamps)), (theirs, 0.01)):
        (feature,) = [f for f in statistics.datasets[0].features if f.path.step[0] == "trip_start_timestamp"]
        ranks = np.searchsorted(timestamps, [*_quantiles(feature), feature.num_stats.median]) / len(timestamps)
        assert np.abs(ranks - [*np.arange(1, 11) / 10, 0.5]).max() <= tolerance
    for statistics in (ours, theirs):
        _clear_sketched(statistics, sketched)

    assert differences(ours, theirs) == []


_EVERY_KIND = pa.table(
    {
        "weight": pa.array([1.5, 0.5, 2.0, 1.0, 0.25, 3.0, 1.0, 1.0, 0.5, 2.0]),
        "int": pa.array([5, -3, None, 0, 0, 7, 2**40, None, 1, 1]),
        "float": pa.array([0.5, float("nan"), None, -0.0, 0.0, 1e30, -2.5, float("nan"), 3.0, 3.0], pa.float32()),
        "infinite": pa.array([float("inf"), 1.0, float("-inf"), 2.0, 3.0, None, None, float("inf"), 2.0, 9.0]),
        "all_nan": pa.array([float("nan")] * 10),
        "string": pa.array(["b", "a", None, "ä", "b", "c", "a", "", "zz", "a"]),
        "bytes": pa.array([b"\xff", b"\xff", b"a", None, b"\xfe", b"b", b"b", b"b", b"c", b"c"]),
        "image": pa.array([b"123", b"", None, b"1", b"12", b"12345", b"1", b"1", b"1", b"1"]),
        "code": pa.array([1, 2, 2, 10, 10, None, 9, 9, 100, 3]),
        "null": pa.nulls(10),
        "never": pa.array([None] * 10, pa.string()),
        "ints": pa.array([[1, 2, 3], [], None, [4], [4, 4], [5], None, [0] * 9, [1], [2]]),
        "strings": pa.array([["a", "b"], [], None, ["a"], ["c"] * 4, ["b"], None, ["d"], ["a"], ["a"]]),
        "nested": pa.array([[[1], [2, 3]], [], None, [[]], [None, [4]], [[5]], [[6], [7]], None, [[8, 9]], [[1]]]),
    }
)


def _schema() -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    schema.feature.add(name="image", type=schema_pb2.BYTES).image_domain.SetInParent()
    schema.feature.add(name="code", type=schema_pb2.INT).int_domain.is_categorical = True
    schema.feature.add(name="string", type=schema_pb2.INT).bool_domain.SetInParent()  # a claim that the data refutes
    return schema


@pytest.mark.parametrize("weight", [None, "weight"])
def test_every_kind_of_column(tmp_path: Path, differences: Any, weight: str | None) -> None:
    theirs = _tfdv_on_beam(
        _EVERY_KIND, tmp_path, schema=_schema(), weight_feature=weight, num_top_values=3, num_histogram_buckets=4
    )
    options = StatisticsOptions(weight_feature=weight, num_top_values=3, num_histogram_buckets=4)
    ours = _ours(_EVERY_KIND, options, _schema(), rows=7)
    # On purpose: which of inf, -inf and NaN TFDV gives as the mean of infinite values depends on its batches.
    for statistics in (ours, theirs):
        (infinite,) = [f for f in statistics.datasets[0].features if f.path.step[0] == "infinite"]
        for proto in (infinite.num_stats, infinite.num_stats.weighted_numeric_stats):
            proto.mean = proto.std_dev = 0
    if weight is None:
        for statistics in (ours, theirs):
            infinite = next(f for f in statistics.datasets[0].features if f.path.step[0] == "infinite")
            infinite.num_stats.ClearField("weighted_numeric_stats")
    assert differences(ours, theirs) == []


_COLUMNS = {
    "int": st.integers(-(2**53), 2**53),
    "float": st.floats(width=32, allow_infinity=False),
    "string": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3),
    "ints": st.lists(st.integers(-3, 3), max_size=4),
    "strings": st.lists(st.sampled_from("abcde"), max_size=4),
}
_TYPES = {
    "int": pa.int64(),
    "float": pa.float32(),
    "string": pa.string(),
    "ints": pa.list_(pa.int64()),
    "strings": pa.list_(pa.string()),
}


@st.composite
def _tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(1, 30))
    return pa.table(
        {
            name: pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), _TYPES[name])
            for name, values in _COLUMNS.items()
        }
    )


def _cancelling() -> pa.Table:
    """Values of 2 ** 53 that cancel out, so that their mean is made of what was rounded."""
    columns: dict[str, list[object]] = {name: [None] * 3 for name in _TYPES}
    columns["int"] = [-1, 9007198254740992, -9007199254740992]
    return pa.table({name: pa.array(values, _TYPES[name]) for name, values in columns.items()})


@settings(max_examples=30)
@given(table=_tables())
@example(table=_cancelling())
def test_any_table(differences: Any, table: pa.Table) -> None:
    from tensorflow_data_validation.statistics import stats_impl

    (batch,) = _listed(table).to_batches()
    theirs = stats_impl.generate_statistics_in_memory(batch)
    assert differences(_ours(table, rows=8), theirs) == []


def test_figures_of_a_csv_are_within_the_rounding_of_tfdvs_float32(tmp_path: Path) -> None:
    """TFDV keeps a CSV's numbers as float32, which are within 2^-24 = 6e-8 of the cells, relative to their size.

    1e-6 leaves room for sums and interpolated quantiles. See docs/decisions/0110-numbers-in-csv-files.md.
    """
    import tensorflow_data_validation as tfdv

    rng = np.random.default_rng(3)
    columns = [rng.exponential(size=3000), rng.uniform(1e6, 9e6, 3000).round(2), rng.normal(50, 9, 3000).round(3)]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["a,b,c", *(",".join(map(repr, map(float, row))) for row in zip(*columns, strict=True))]))
    theirs = {
        feature.path.step[0]: feature.num_stats
        for feature in tfdv.generate_statistics_from_csv(str(path)).datasets[0].features
    }
    ours = {feature.path.step[0]: feature.num_stats for feature in assay.statistics(path).proto.datasets[0].features}
    for name in "abc":
        for figure in ("mean", "std_dev", "min", "max", "median", "num_zeros"):
            assert getattr(ours[name], figure) == pytest.approx(getattr(theirs[name], figure), rel=1e-6), figure
        edges = [[bucket.high_value for bucket in each.histograms[1].buckets] for each in (ours[name], theirs[name])]
        assert edges[0] == pytest.approx(edges[1], rel=1e-6)
