"""Anomalies of statistics against a schema, through TFDV's C++ core: what `tfdv.validate_statistics` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay import native
from assay.errors import UsageError, did_you_mean
from assay.kernels.default_slice import default_dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import (
        DatasetFeatureStatistics,
        DatasetFeatureStatisticsList,
        FeatureNameStatistics,
    )

_FEATURES_AT_ONCE = 100
"""More features are handed to the core in parts."""


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
    datasets = [
        None if each is None else default_dataset(each)
        for each in (statistics, previous_span, serving, previous_version)
    ]
    result = anomalies_pb2.Anomalies()
    for part, of_part in _parts(schema, datasets):
        data, *controls = [b"" if each is None else each.SerializeToString() for each in of_part]
        serialized = native.tfdv_validation().ValidateFeatureStatistics(
            data,
            part.SerializeToString(),
            environment or "",
            *controls,  # an empty string is how the core is told that there is none
            b"",  # FeaturesNeededProto: the paths that struct2tensor queries read, which only TFX's internals set
            config,
            False,  # diff regions: the public builds of the core abort the process when they are asked for
        )
        result.MergeFromString(serialized)
    result.baseline.CopyFrom(schema)
    return result


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


def _parts(
    schema: Schema, datasets: Sequence[DatasetFeatureStatistics | None]
) -> Iterator[tuple[Schema, list[DatasetFeatureStatistics | None]]]:
    """Split schema and statistics by top-level feature, so that the time of the core grows with their number.

    The core copies the schema twice for each feature that it looks at: 5,000 features take it 300 times as long as
    100. It looks at each feature with its fields by itself, apart from sparse and weighted features, which stay in the
    first part together with the constraints of the dataset.
    """
    names = [feature.name for feature in schema.feature]
    names += [_top_name(feature) for dataset in datasets if dataset is not None for feature in dataset.features]
    composites = [each.name for each in (*schema.sparse_feature, *schema.weighted_feature)]
    distinct = list(dict.fromkeys([*composites, *names]))
    if len(distinct) <= _FEATURES_AT_ONCE:
        yield schema, list(datasets)
        return
    size = max(_FEATURES_AT_ONCE, len(composites))
    part_of = {name: at // size for at, name in enumerate(distinct)}
    num_parts = part_of[distinct[-1]] + 1
    rest = schema_pb2.Schema()
    rest.CopyFrom(schema)
    rest.ClearField("feature")
    rest.ClearField("string_domain")
    schemas = [schema_pb2.Schema()]
    schemas[0].CopyFrom(rest)
    for field in ("dataset_constraints", "sparse_feature", "weighted_feature", "tensor_representation_group"):
        rest.ClearField(field)
    for _ in range(1, num_parts):
        schemas.append(schema_pb2.Schema())
        schemas[-1].CopyFrom(rest)
    for feature in schema.feature:
        schemas[part_of[feature.name]].feature.append(feature)
    for part in schemas:
        used = set(_named_domains(part.feature))
        part.string_domain.extend(domain for domain in schema.string_domain if domain.name in used)
    split = [None if dataset is None else _split(dataset, part_of, num_parts) for dataset in datasets]
    for at, part in enumerate(schemas):
        yield part, [None if each is None else each[at] for each in split]


def _split(
    dataset: DatasetFeatureStatistics, part_of: Mapping[str, int], num_parts: int
) -> list[DatasetFeatureStatistics]:
    parts = [
        statistics_pb2.DatasetFeatureStatistics(
            name=dataset.name,
            num_examples=dataset.num_examples,
            weighted_num_examples=dataset.weighted_num_examples,
        )
        for _ in range(num_parts)
    ]
    for feature in dataset.features:
        parts[part_of[_top_name(feature)]].features.append(feature)
    return parts


def _top_name(feature: FeatureNameStatistics) -> str:
    return str(feature.path.step[0] if feature.path.step else feature.name)


def _named_domains(features: Iterable[Feature]) -> Iterator[str]:
    for feature in features:
        yield feature.domain
        yield from _named_domains(feature.struct_domain.feature)


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
