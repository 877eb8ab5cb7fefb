from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.data.sources import rows_of
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.statistics import DatasetStatistics
from assay.schema import apply, relax
from assay.schema.inference import infer_schema
from assay.schema.relaxation import anomaly_ids
from assay.validation.examination import validate_statistics
from raising import raises


def statistics(columns: dict[str, Any]) -> Any:
    return EmbeddedEngine(1).reduce(rows_of(pa.table(columns)), DatasetStatistics())


BEFORE = statistics({"pay": ["a", "b"] * 50, "n": list(range(100)), "opt": ["p"] * 100})
AFTER = statistics({"pay": ["a", "z"] * 50, "n": list(range(50, 150)), "opt": ["p", None] * 50})


@pytest.fixture
def schema() -> schema_pb2.Schema:
    inferred = infer_schema(BEFORE)
    inferred.feature[1].int_domain.max = 99
    inferred.feature[0].drift_comparator.infinity_norm.threshold = 0.1
    inferred.dataset_constraints.min_examples_count = 500
    inferred.dataset_constraints.num_examples_drift_comparator.min_fraction_threshold = 2
    return inferred


def test_a_feature_and_an_anomaly_of_it_are_accepted_by_name(schema: schema_pb2.Schema) -> None:
    anomalies = validate_statistics(AFTER, schema, previous_span=BEFORE)
    assert anomaly_ids(anomalies) == (
        "n/INT_TYPE_BIG_INT",
        "opt/INVALID_FEATURE_SHAPE",
        "opt/FEATURE_TYPE_LOW_FRACTION_PRESENT",
        "pay/ENUM_TYPE_UNEXPECTED_STRING_VALUES",
        "pay/COMPARATOR_L_INFTY_HIGH",
        "the dataset/COMPARATOR_LOW_NUM_EXAMPLES",
        "the dataset/DATASET_LOW_NUM_EXAMPLES",
    )
    one = relax(schema, anomalies, ["opt/FEATURE_TYPE_LOW_FRACTION_PRESENT"], AFTER).schema
    assert (one.feature[2].presence.min_fraction, one.feature[2].HasField("shape")) == (0.5, True)
    whole = relax(schema, anomalies, ["opt"], AFTER).schema
    assert not whole.feature[2].HasField("shape")
    assert whole.feature[1] == schema.feature[1]
    assert relax(schema, anomalies, ["eval/n/INT_TYPE_BIG_INT"], AFTER).ids == ("n/INT_TYPE_BIG_INT",)


def test_measured_distances_and_counts_become_the_limits(schema: schema_pb2.Schema) -> None:
    anomalies = validate_statistics(AFTER, schema, previous_span=BEFORE)
    ids = ["pay/COMPARATOR_L_INFTY_HIGH", "the dataset/DATASET_LOW_NUM_EXAMPLES"]
    relaxed = relax(schema, anomalies, ids, AFTER, owner="me")
    assert relaxed.schema.feature[0].drift_comparator.infinity_norm.threshold == 0.5
    assert relaxed.schema.dataset_constraints.min_examples_count == 100
    assert list(relaxed.schema.string_domain[0].value) == ["a", "b"]
    assert apply(schema, relaxed.patch) == relaxed.schema
    assert [(entry.reason, entry.owner) for entry in relaxed.patch.entries] == [
        ("Accepted the dataset/DATASET_LOW_NUM_EXAMPLES.", "me"),
        ("Accepted pay/COMPARATOR_L_INFTY_HIGH.", "me"),
    ]
    left = validate_statistics(AFTER, relaxed.schema, previous_span=BEFORE)
    assert set(anomaly_ids(anomalies)) - set(anomaly_ids(left)) == set(ids)


def test_an_anomaly_that_is_not_there_is_refused(schema: schema_pb2.Schema) -> None:
    anomalies = validate_statistics(AFTER, schema)
    with raises("schema.unknown_anomaly", "opts"):
        relax(schema, anomalies, ["opts"], AFTER)
    with raises("schema.unknown_anomaly", "x"):
        relax(infer_schema(AFTER), type(anomalies)(), ["x"], AFTER)


def test_an_anomaly_that_widening_does_not_answer_is_refused(schema: schema_pb2.Schema) -> None:
    anomalies = validate_statistics(AFTER, schema, previous_span=BEFORE)
    with raises("schema.cannot_relax", "dataset/COMPARATOR_LOW_NUM_EXAMPLES"):
        relax(schema, anomalies, ["the dataset/COMPARATOR_LOW_NUM_EXAMPLES"], AFTER)
