"""Our schemas and anomalies against TFDV's, proto by proto."""

from __future__ import annotations

from typing import Any

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from assay.schema.inference import infer_schema, update_schema
from assay.validation.examination import validate_statistics

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.network]


@pytest.mark.parametrize("options", [{}, {"infer_feature_shape": False}, {"max_string_domain_size": 5}])
def test_an_inferred_schema(taxi_statistics: Any, options: dict[str, Any]) -> None:
    import tensorflow_data_validation as tfdv

    assert infer_schema(taxi_statistics, **options) == tfdv.infer_schema(taxi_statistics, **options)


def _narrow(schema: schema_pb2.Schema) -> schema_pb2.Schema:
    """Gives a schema that the taxi data breaks in several ways, with comparators and environments."""
    import tensorflow_data_validation as tfdv

    schema.default_environment.extend(["TRAINING", "SERVING"])
    tfdv.get_feature(schema, "tips").not_in_environment.append("SERVING")
    del tfdv.get_domain(schema, "payment_type").value[2:]
    tfdv.get_feature(schema, "fare").type = schema_pb2.INT
    tfdv.get_feature(schema, "company").presence.min_fraction = 1.0
    tfdv.get_feature(schema, "company").drift_comparator.infinity_norm.threshold = 0.001
    tfdv.get_feature(schema, "trip_miles").skew_comparator.jensen_shannon_divergence.threshold = 0.001
    schema.dataset_constraints.num_examples_version_comparator.max_fraction_threshold = 1.0
    return schema


def test_an_updated_schema(taxi_statistics: Any) -> None:
    import tensorflow_data_validation as tfdv

    schema = _narrow(tfdv.infer_schema(taxi_statistics))
    assert update_schema(schema, taxi_statistics) == tfdv.update_schema(schema, taxi_statistics)


@pytest.mark.parametrize("environment", [None, "SERVING"])
def test_anomalies(taxi_statistics: Any, environment: str | None) -> None:
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.anomalies.proto import validation_config_pb2
    from tensorflow_data_validation.api import validation_api, validation_options

    schema = _narrow(tfdv.infer_schema(taxi_statistics))
    other = type(taxi_statistics)()
    other.CopyFrom(taxi_statistics)
    other.datasets[0].num_examples //= 2
    for feature in other.datasets[0].features:
        if feature.path.step[0] == "company":
            feature.string_stats.rank_histogram.buckets[0].sample_count /= 2
        if feature.path.step[0] == "trip_miles":
            feature.num_stats.histograms[0].buckets[3].sample_count += 5000

    theirs = validation_api.validate_statistics_internal(
        taxi_statistics,
        schema,
        environment,
        other,
        other,
        other,
        validation_options.ValidationOptions(
            severity_overrides=[
                validation_config_pb2.SeverityOverride(
                    type=anomalies_pb2.AnomalyInfo.ENUM_TYPE_UNEXPECTED_STRING_VALUES,
                    severity=anomalies_pb2.AnomalyInfo.WARNING,
                )
            ]
        ),
    )
    ours = validate_statistics(
        taxi_statistics,
        schema,
        environment,
        previous_span=other,
        serving=other,
        previous_version=other,
        severity_overrides={"ENUM_TYPE_UNEXPECTED_STRING_VALUES": "WARNING"},
    )
    assert ours == theirs
    assert {"payment_type", "fare", "company", "trip_miles"} <= set(ours.anomaly_info)
    assert ours.drift_skew_info
    assert ours.HasField("dataset_anomaly_info")
