"""Looks at one span: its statistics, anomalies, drift, and the model's quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assay.api.drift import drift
from assay.api.schema import schema_of
from assay.api.statistics import is_statistics
from assay.api.validation import validate
from assay.cli.monitoring.record import STATISTICS, DriftRecord, QualityRecord, SpanRecord, span_folder
from assay.data.sources import rows_of
from assay.engines.embedded.engine import EmbeddedEngine
from assay.evaluation.judgement import Tables, judge
from assay.files import write_durably
from assay.gating.metric_values import OVERALL
from assay.gating.verdict import to_json

if TYPE_CHECKING:
    from assay.api.drift import DriftReport
    from assay.cli.monitoring.arrivals import Arrival
    from assay.data.csv_types import CsvOptions
    from assay.kernels.distances import DriftThresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What every span is checked against.

    Attributes:
        root: Where records are kept.
        schema: The schema's file.
        environment: Environment of the schema to validate in.
        training: Data or statistics that the model was trained on.
        thresholds: Of drift, by feature.
        fail_on: The minimum severity of an anomaly that fails.
        config: The evaluation's configuration, where labels and predictions are watched too.
        csv: The options of reading a CSV.
    """

    root: Path
    schema: Path
    environment: str | None
    training: Path | None
    thresholds: Mapping[str, DriftThresholds]
    fail_on: Literal["error", "warning", "never"]
    config: Path | None
    csv: CsvOptions


def examine(arrival: Arrival, previous: SpanRecord | None, watch: Watch) -> SpanRecord:
    """Validate a span's data and measure its drift; write its statistics, anomalies and verdicts.

    Raises:
        DataError: The span's data cannot be read.
        UsageError: The schema cannot be read, or does not fit what is asked.
    """
    folder = span_folder(watch.root, arrival.name)
    schema = schema_of(watch.schema)
    rows = rows_of(list(arrival.files), csv=watch.csv, schema=schema)
    report = validate(
        rows,
        schema,
        environment=watch.environment,
        previous=None if previous is None else span_folder(watch.root, previous.name) / STATISTICS,
        on_missing_control="warning",  # the first span has no previous one
        fail_on=watch.fail_on,
    )
    report.save(folder)
    others = {} if watch.training is None else {"training": watch.training}
    if previous is not None:
        others[previous.name] = span_folder(watch.root, previous.name) / STATISTICS
    drifts = []
    for name, other in others.items():
        if is_statistics(other):
            found = drift(other, report.statistics, thresholds=watch.thresholds)
        else:
            control = rows_of(other, csv=replace(watch.csv, optional=True), schema=schema)
            found = drift(control, rows, thresholds=watch.thresholds)
        write_durably(folder / f"drift_from_{name}.json", to_json(found.verdict))
        drifts.append(_drift(name, found))
    return SpanRecord(
        span=arrival.span,
        name=arrival.name,
        fingerprint=arrival.fingerprint,
        examined=datetime.now(tz=timezone.utc).isoformat(timespec="seconds"),
        rows=report.statistics.num_examples,
        anomalies=tuple(finding.sentence for finding in report.findings),
        ok=report.ok,
        drift=tuple(drifts),
    )


def _drift(name: str, report: DriftReport) -> DriftRecord:
    return DriftRecord(
        compared_with=name,
        summary=report.summary,
        drifted=tuple(feature.feature for feature in report.drifted),
    )


def examine_quality(labelled: Arrival, watch: Watch) -> QualityRecord:
    """Evaluate the predictions of a span whose labels have arrived against the thresholds.

    Raises:
        DataError: The predictions cannot be read.
        UsageError: The configuration does not fit them.
    """
    tables = Tables(config=watch.config, predictions=list(labelled.files), csv=replace(watch.csv, optional=True))
    judged = judge(tables, EmbeddedEngine())
    verdict = judged.verdict
    write_durably(span_folder(watch.root, labelled.name) / "quality.json", to_json(verdict))
    metrics = judged.evaluation.figures.candidate.get(OVERALL, {})
    return QualityRecord(
        fingerprint=labelled.fingerprint,
        ok=verdict.ok,
        summary=verdict.summary,
        failed=tuple(check.sentence for check in verdict.checks if not check.ok),
        metrics={key.label: value for key, value in metrics.items()},
    )
