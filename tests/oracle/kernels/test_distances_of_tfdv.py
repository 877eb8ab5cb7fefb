"""The distances are those in TFDV's `drift_skew_info`, on tables that hypothesis makes."""

from __future__ import annotations

from math import isfinite
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.kernels.distances import DriftThresholds, Side, compare_feature
from assay.kernels.distances.measures import histogram_jensen_shannon
from assay.kernels.statistics import DatasetStatistics
from assay.validation.examination import validate_statistics

NAMES = {
    "L_INFTY": "l_infinity",
    "NORMALIZED_ABSOLUTE_DIFFERENCE": "normalized_absolute_difference",
    "JENSEN_SHANNON_DIVERGENCE": "jensen_shannon",
}


def statistics_of(values: list[Any], type_: pa.DataType) -> Any:
    accumulator = DatasetStatistics()
    batch = pa.RecordBatch.from_arrays([pa.array(values, type_)], ["x"])
    return accumulator.extract(accumulator.add_batch(accumulator.create(), batch))


def ours(one: Any, other: Any) -> dict[str, float]:
    sides = [Side(each.datasets[0], {}) for each in (one, other)]
    drift = compare_feature("x", *sides, DriftThresholds())
    return {distance.measure: distance.value for distance in drift.distances}


def histogram_of(statistics: Any, kind: int) -> Any:
    (feature,) = statistics.datasets[0].features
    return next(found for found in feature.num_stats.histograms if found.type == kind)


def tfdvs(one: Any, other: Any, type_: int, *measures: str, source: int | None = None) -> dict[str, float]:
    schema = schema_pb2.Schema()
    feature = schema.feature.add(name="x", type=type_)
    for measure in measures:
        getattr(feature.drift_comparator, measure).threshold = 0.01
    if source is not None:
        name = statistics_pb2.Histogram.HistogramType.Name(source)
        chosen = feature.drift_comparator.jensen_shannon_divergence.source
        chosen.type = type(chosen).Type.Value(name)
    info = validate_statistics(one, schema, previous_span=other).drift_skew_info
    return {NAMES[type(found).Type.Name(found.type)]: found.value for each in info for found in each.drift_measurements}


words = st.lists(st.sampled_from(["a", "b", "ö", "zz", "c d"]), min_size=1, max_size=40)
numbers = st.lists(
    st.one_of(
        st.integers(-5, 5).map(float),
        st.floats(-1e6, 1e6, width=32),
        st.sampled_from([float("nan"), float("inf"), float("-inf")]),
    ),
    min_size=1,
    max_size=40,
).filter(lambda values: any(map(isfinite, values)))


@settings(max_examples=40)
@given(words, words)
def test_distances_of_categories(one: list[str], other: list[str]) -> None:
    pair = statistics_of(one, pa.string()), statistics_of(other, pa.string())
    expected = tfdvs(*pair, schema_pb2.BYTES, "infinity_norm", "normalized_abs_difference", "jensen_shannon_divergence")
    assert len(expected) == 3
    found = ours(*pair)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50)
@given(numbers, numbers)
def test_the_divergence_of_numbers(one: list[float], other: list[float]) -> None:
    pair = statistics_of(one, pa.float64()), statistics_of(other, pa.float64())
    for source in (statistics_pb2.Histogram.STANDARD, statistics_pb2.Histogram.QUANTILES):
        expected = tfdvs(*pair, schema_pb2.FLOAT, "jensen_shannon_divergence", source=source)
        found = histogram_jensen_shannon(*(histogram_of(each, source) for each in pair))
        assert {"jensen_shannon": found} == pytest.approx(expected, abs=1e-9)
