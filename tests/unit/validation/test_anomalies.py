from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay.validation.examination import validate_statistics
from raising import raises

_SCHEMA = """
feature { name: "colour" type: BYTES domain: "colour" presence { min_count: 1 }
          drift_comparator { infinity_norm { threshold: 0.1 } } skew_comparator { infinity_norm { threshold: 0.1 } } }
feature { name: "label" type: INT presence { min_count: 1 } not_in_environment: "SERVING" }
string_domain { name: "colour" value: "a" }
default_environment: "TRAINING" default_environment: "SERVING"
dataset_constraints { num_examples_version_comparator { min_fraction_threshold: 1.0 } }
"""


def _schema() -> schema_pb2.Schema:
    schema: schema_pb2.Schema = text_format.Parse(_SCHEMA, schema_pb2.Schema())
    return schema


def _statistics(counts: dict[str, int]) -> statistics_pb2.DatasetFeatureStatisticsList:
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    total = sum(counts.values())
    dataset = statistics.datasets.add(num_examples=total)
    feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
    feature.path.step.append("colour")
    common = feature.string_stats.common_stats
    common.num_non_missing, common.tot_num_values, common.avg_num_values = total, total, 1.0
    common.min_num_values = common.max_num_values = 1
    feature.string_stats.unique = len(counts)
    for rank, (label, count) in enumerate(counts.items()):
        feature.string_stats.rank_histogram.buckets.add(low_rank=rank, high_rank=rank, label=label, sample_count=count)
    return statistics


def test_an_unseen_value_and_a_missing_column_are_errors() -> None:
    anomalies = validate_statistics(_statistics({"a": 9, "b": 1}), _schema()).anomaly_info
    assert set(anomalies) == {"colour", "label"}
    assert anomalies["colour"].severity == anomalies_pb2.AnomalyInfo.ERROR
    assert "b" in anomalies["colour"].description


def test_an_environment_leaves_out_what_is_not_in_it() -> None:
    assert set(validate_statistics(_statistics({"a": 1}), _schema(), "SERVING").anomaly_info) == set()


def test_an_unknown_environment_is_a_usage_error() -> None:
    with raises("schema.unknown_environment", "SERVNG") as raised:
        validate_statistics(_statistics({"a": 1}), _schema(), "SERVNG")
    assert raised.value.hint == "Did you mean 'SERVING'?"


def test_drift_skew_and_version_are_compared() -> None:
    same, other = _statistics({"a": 10}), _statistics({"b": 20})
    anomalies = validate_statistics(
        same, _schema(), "SERVING", previous_span=other, serving=other, previous_version=other
    )
    reasons = {reason.type for reason in anomalies.anomaly_info["colour"].reason}
    assert reasons == {anomalies_pb2.AnomalyInfo.COMPARATOR_L_INFTY_HIGH}
    assert len(anomalies.anomaly_info["colour"].reason) == 2
    assert [reason.type for reason in anomalies.dataset_anomaly_info.reason] == [
        anomalies_pb2.AnomalyInfo.COMPARATOR_LOW_NUM_EXAMPLES
    ]


def test_severities_are_overridden() -> None:
    anomalies = validate_statistics(
        _statistics({"b": 1}), _schema(), severity_overrides={"ENUM_TYPE_UNEXPECTED_STRING_VALUES": "WARNING"}
    ).anomaly_info
    assert anomalies["colour"].severity == anomalies_pb2.AnomalyInfo.WARNING
    assert anomalies["label"].severity == anomalies_pb2.AnomalyInfo.ERROR


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"SCHEMA_NEW_COLUM": "ERROR"}, "anomalies.unknown_name"),
        ({"SCHEMA_NEW_COLUMN": "error"}, "anomalies.unknown_name"),
    ],
)
def test_an_override_that_names_nothing_is_a_usage_error(overrides: dict[str, str], code: str) -> None:
    with raises(code):
        validate_statistics(_statistics({"a": 1}), _schema(), severity_overrides=overrides)


def test_statistics_that_mix_feature_names_and_paths_are_refused() -> None:
    statistics = _statistics({"a": 1})
    statistics.datasets[0].features.add(name="shape")
    with raises("statistics.mixed_feature_ids"):
        validate_statistics(statistics, _schema())
