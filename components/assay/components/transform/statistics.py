"""Statistics before and after the transformation, and what the transformed rows have against their schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.data.vocabulary import read_vocabularies
from assay.gating.verdict import Check, Verdict, write_verdict
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from assay.validation.examination import validate_statistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema as SchemaProto
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

    from assay.artifacts.anomalies import ExampleAnomalies
    from assay.artifacts.statistics import ExampleStatistics
    from assay.engines.base import Engine, Source


def write_statistics(
    output: ExampleStatistics,
    sources: Mapping[str, Source],
    schema: SchemaProto,
    engine: Engine,
    options: StatisticsOptions | None = None,
) -> dict[str, DatasetFeatureStatisticsList]:
    """Compute and write the statistics of each split."""
    options = options or StatisticsOptions()
    accumulator = DatasetStatistics(options, schema, vocabularies=read_vocabularies(options.vocab_paths))
    found = {}
    for split, source in sources.items():
        found[split] = engine.reduce(source, accumulator)
        output.write(split, found[split])
        output.rows[split] = int(found[split].datasets[0].num_examples)
    output.properties["span"] = 0
    output.properties["split_names"] = list(sources)
    return found


def write_anomalies(
    output: ExampleAnomalies, statistics: Mapping[str, DatasetFeatureStatisticsList], schema: SchemaProto
) -> None:
    """Validate the statistics of each split and write anomalies and verdict."""
    checks: list[Check] = []
    blessed = {}
    for split, found in statistics.items():
        anomalies = validate_statistics(found, schema)
        output.write(split, anomalies)
        failed = [_check(split, name, info) for name, info in sorted(anomalies.anomaly_info.items())]
        blessed[split] = int(not failed)
        checks += failed
    summary = f"Anomalies in {len(checks)} transformed features." if checks else "No anomalies in transformed features."
    write_verdict(Verdict(ok=not checks, summary=summary, checks=tuple(checks)), output.path)
    output.properties["span"] = 0
    output.properties["split_names"] = list(statistics)
    output.properties["blessed"] = blessed


def _check(split: str, feature: str, info: anomalies_pb2.AnomalyInfo) -> Check:
    return Check(
        id=f"{split}/{feature}",
        kind="anomaly",
        ok=False,
        severity="warning" if info.severity == anomalies_pb2.AnomalyInfo.WARNING else "error",
        subject=feature,
        slice=split,
        limit_origin=f"transformed schema, feature[{feature}]",
        sentence=f"{split}: {feature}: {info.description}",
    )
