"""Drift limits besides the schema's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.kernels.distances import DriftThresholds
from assay.kernels.statistics import DatasetStatistics
from assay.validation import Examination, Expectations, examine
from raising import raises

Statistics = statistics_pb2.DatasetFeatureStatisticsList
SCHEMA = text_format.Parse('feature { name: "x" type: FLOAT } feature { name: "w" type: BYTES }', schema_pb2.Schema())


def normal(shift: float) -> Statistics:
    rng, accumulator = np.random.default_rng(7), DatasetStatistics()
    (batch,) = pa.table({"x": rng.normal(shift, 1, 2000), "w": ["a", "b"] * 1000}).to_batches()
    return accumulator.extract(accumulator.add_batch(accumulator.create(), batch))


def examined(shift: float, limits: dict[str, DriftThresholds], *, compared: bool = True) -> Examination:
    expected = Expectations(schema=SCHEMA, drift_thresholds=limits)
    return examine(normal(shift), expected, {"previous": normal(0)} if compared else {})


def test_drift_is_a_finding_with_its_limit_and_where_it_stands() -> None:
    examination = examined(1, {"*": DriftThresholds(kolmogorov_smirnov=0.1, psi=0.1)})
    assert [(found.feature, found.name) for found in examination.findings] == [
        ("x", "drift.psi"),
        ("x", "drift.kolmogorov_smirnov"),
    ]
    assert examination.findings[1].evidence.limit == pytest.approx(0.1)
    assert "drift_thresholds[*].kolmogorov_smirnov" in examination.findings[1].sentence
    assert {each.feature for each in examination.overall.drift} == {"x", "w"}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"w": DriftThresholds(wasserstein=1)}, ("drift.cannot_apply", "drift_thresholds[w].wasserstein")),
        ({"x": DriftThresholds(l_infinity=1)}, ("drift.cannot_apply", "drift_thresholds[x].l_infinity")),
        ({"y": DriftThresholds(psi=1)}, ("drift.feature", "drift_thresholds", "y")),
    ],
)
def test_a_limit_that_cannot_apply_is_refused(limits: dict[str, DriftThresholds], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        examined(0, limits)


def test_limits_without_a_previous_span_are_refused() -> None:
    with raises("drift.no_previous"):
        examined(0, {"*": DriftThresholds(psi=1)}, compared=False)


def test_ids_are_named_and_do_not_fail_limits_of_all_features() -> None:
    schema = text_format.Parse('feature { name: "mail" type: BYTES }', schema_pb2.Schema())
    accumulator, spans = DatasetStatistics(), []
    for start in (0, 500):
        (batch,) = pa.table({"mail": [f"u{start + each}" for each in range(500)]}).to_batches()
        spans.append(accumulator.extract(accumulator.add_batch(accumulator.create(), batch)))
    expected = Expectations(schema=schema, drift_thresholds={"*": DriftThresholds(jensen_shannon=0.1)})
    (finding,) = examine(spans[0], expected, {"previous": spans[1]}).findings
    assert (finding.severity, finding.type) == ("info", "STATS_NOT_AVAILABLE")
    assert "nearly every value occurs once" in finding.description


def test_a_threshold_above_which_chance_reaches_says_so() -> None:
    schema = text_format.Parse(
        'feature { name: "w" type: BYTES drift_comparator { infinity_norm { threshold: 0.01 } } }', schema_pb2.Schema()
    )
    accumulator, spans = DatasetStatistics(), []
    for numbers in ((20, 30), (25, 25)):
        (batch,) = pa.table({"w": ["a"] * numbers[0] + ["b"] * numbers[1]}).to_batches()
        spans.append(accumulator.extract(accumulator.add_batch(accumulator.create(), batch)))
    (finding,) = examine(spans[0], Expectations(schema=schema), {"previous": spans[1]}).findings
    assert finding.severity == "error"
    assert "this is within chance" in finding.description
