"""Anomalies of made-up statistics against made-up schemas, as TFDV's core finds them, field by field."""

from __future__ import annotations

import pytest
import tfdv_core
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from schema_pairs import SEEDS, Pair, examples
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay.validation.anomaly_detection import find_anomalies

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@examples(1000)
@given(SEEDS)
def test_anomalies(seed: int) -> None:
    pair = Pair(seed)
    parameters = {"environment": pair.environment, **pair.controls, "severities": pair.severities}
    ours = find_anomalies(pair.dataset, pair.schema, **parameters)
    theirs = tfdv_core.find_anomalies(pair.dataset, pair.schema, **parameters)
    assert theirs is None or text_format.MessageToString(ours) == text_format.MessageToString(theirs), pair


Kind = statistics_pb2.FeatureNameStatistics
FLOATS = st.floats() | st.integers(-(10**9), 10**9).map(lambda number: number / 2) | st.floats(-1e7, 1e7)


def _both(feature: Kind, domain: schema_pb2.Feature) -> tuple[anomalies_pb2.Anomalies, anomalies_pb2.Anomalies | None]:
    """Return our anomalies and the core's of a feature that is always there."""
    feature.path.step.append("x")
    part = getattr(feature, feature.WhichOneof("stats"))
    part.common_stats.num_non_missing = part.common_stats.tot_num_values = 3
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=3, features=[feature])
    schema = schema_pb2.Schema(feature=[domain])
    return find_anomalies(dataset, schema), tfdv_core.find_anomalies(dataset, schema)


@examples(1000)
@given(FLOATS)
def test_numbers_are_written_as_the_core_writes_them(number: float) -> None:
    feature = Kind(type=Kind.FLOAT)
    feature.num_stats.min = feature.num_stats.max = number
    ours, theirs = _both(feature, schema_pb2.Feature(name="x", type=schema_pb2.FLOAT, bool_domain={}))
    assert str(ours) == str(theirs)


@examples(1000)
@given(
    st.text("0123456789.eE+-xXpPinfNa ()_t\t", max_size=8)
    | st.from_regex(r"\A[+-]?(0x)?[0-9a-f.]{1,4}([ep][+-]?[0-9]{1,3})?\Z"),
    st.booleans(),
)
def test_texts_are_the_numbers_that_the_core_reads(text: str, is_float: bool) -> None:
    feature = Kind(type=Kind.STRING)
    feature.string_stats.rank_histogram.buckets.add(label=text, sample_count=3)
    domain = schema_pb2.Feature(name="x", type=schema_pb2.BYTES)
    if is_float:  # every number is outside
        domain.float_domain.min, domain.float_domain.max = float("inf"), float("-inf")
    else:
        domain.int_domain.min, domain.int_domain.max = 2**63 - 1, -(2**63)
    ours, theirs = _both(feature, domain)
    assert str(ours) == str(theirs)


@examples(300)
@given(st.text(max_size=6))
def test_values_are_escaped_as_the_core_escapes_them(text: str) -> None:
    feature = Kind(type=Kind.STRING)
    feature.string_stats.rank_histogram.buckets.add(label=text, sample_count=3)
    ours, theirs = _both(feature, schema_pb2.Feature(name="x", type=schema_pb2.BYTES, string_domain={}))
    assert str(ours) == str(theirs)
