"""Anomalies of statistics against a schema, through TFDV's C++ core: what `tfdv.validate_statistics` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay import native
from assay.errors import UsageError, did_you_mean
from assay.kernels.default_slice import default_dataset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList


def validate_statistics(
    statistics: DatasetFeatureStatisticsList,
    schema: Schema,
    environment: str | None = None,
    *,
    previous_span: DatasetFeatureStatisticsList | None = None,
    serving: DatasetFeatureStatisticsList | None = None,
    previous_version: DatasetFeatureStatisticsList | None = None,
    severity_overrides: Mapping[str, str] | None = None,
) -> Anomalies:
    """Finds where the data behind `statistics` does not fit `schema`.

    Args:
        statistics: Of one dataset, or of slices that include `All Examples`, which is then the one that is checked.
        schema: What is expected.
        environment: One of the schema's `default_environment`; features that are not in it are not expected.
        previous_span: Statistics that the features' `drift_comparator` compares with.
        serving: Statistics that the features' `skew_comparator` compares with.
        previous_version: Statistics that the schema's `num_examples_version_comparator` compares with.
        severity_overrides: Severities ("WARNING", "ERROR", "UNKNOWN") by anomaly type ("SCHEMA_NEW_COLUMN").

    Raises:
        UsageError: The environment is not in the schema, or an override names no anomaly type or severity.
        ArtifactError: Statistics of several slices have none of all examples.
    """
    check_environment(schema, environment)
    config = _validation_config(severity_overrides or {})
    serialized = native.tfdv_validation().ValidateFeatureStatistics(
        _serialized(statistics),
        schema.SerializeToString(),
        environment or "",
        _serialized(previous_span),
        _serialized(serving),
        _serialized(previous_version),
        b"",  # FeaturesNeededProto: the paths that struct2tensor queries read, which only TFX's internals set
        config,
        False,  # diff regions: the public builds of the core abort the process when they are asked for
    )
    anomalies: Anomalies = anomalies_pb2.Anomalies.FromString(serialized)
    return anomalies


def check_environment(schema: Schema, environment: str | None) -> None:
    """Refuses an environment that the schema does not have.

    Raises:
        UsageError: It is not among the schema's `default_environment`.
    """
    if environment is not None and environment not in schema.default_environment:
        raise UsageError(
            "schema.unknown_environment",
            f"Environment '{environment}' is not among the schema's default_environment.",
            did_you_mean(environment, schema.default_environment) or "Add it to the schema's default_environment.",
        )


def check_severities(severity_overrides: Mapping[str, str]) -> None:
    """Refuses names that tensorflow-metadata does not have.

    Raises:
        UsageError: An override names no anomaly type or no severity.
    """
    for anomaly_type, severity in severity_overrides.items():
        _enum_value(anomalies_pb2.AnomalyInfo.Type, "anomaly type", anomaly_type)
        _enum_value(anomalies_pb2.AnomalyInfo.Severity, "severity", severity)


def _serialized(statistics: DatasetFeatureStatisticsList | None) -> bytes:
    """Serialises the dataset of all examples; an empty string is how the core is told that there is none."""
    return b"" if statistics is None else default_dataset(statistics).SerializeToString()


def _validation_config(severity_overrides: Mapping[str, str]) -> bytes:
    if not severity_overrides:
        return b""
    config = native.validation_config_pb2().ValidationConfig()
    for anomaly_type, severity in severity_overrides.items():
        config.severity_overrides.add(
            type=_enum_value(anomalies_pb2.AnomalyInfo.Type, "anomaly type", anomaly_type),
            severity=_enum_value(anomalies_pb2.AnomalyInfo.Severity, "severity", severity),
        )
    serialized: bytes = config.SerializeToString()
    return serialized


def _enum_value(enum: type[anomalies_pb2.AnomalyInfo.Type], what: str, name: str) -> int:
    if name not in enum.keys():  # noqa: SIM118  an EnumTypeWrapper is no mapping
        raise UsageError(
            "anomalies.unknown_name", f"'{name}' is no {what} of tensorflow-metadata.", did_you_mean(name, enum.keys())
        )
    value: int = enum.Value(name)
    return value
