"""`assay.validate`: whether data fits its schema, and where not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.api.schema import schema_of
from assay.api.statistics import Statistics, statistics_of
from assay.artifacts.store import write_durably
from assay.components.example_validator.compute import FailOn, SplitStatistics, data_verdict, find_anomalies
from assay.gate.verdict import Verdict, write_verdict
from assay.kernels.findings import Finding, find

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema


@dataclass(frozen=True, slots=True)
class Report:
    """What validation found.

    Attributes:
        findings: Each way in which the data does not fit, with its evidence.
        verdict: Every check, passed and failed, as `verdict.json` has it.
        anomalies: The `Anomalies` proto of tensorflow-metadata, as TFDV gives it.
        statistics: What was validated.
        schema: What it was validated against.
    """

    findings: tuple[Finding, ...]
    verdict: Verdict
    anomalies: Anomalies
    statistics: Statistics
    schema: Schema

    @property
    def ok(self) -> bool:
        """Whether nothing at or above `fail_on` was found."""
        return self.verdict.ok

    def to_pandas(self) -> pd.DataFrame:
        """A row a finding."""
        import pandas as pd  # noqa: PLC0415 (a slow import that most callers do not need)

        columns = ["feature", "type", "severity", "observed", "limit", "count", "share", "schema_field", "description"]
        rows = [
            (
                finding.feature,
                finding.type,
                finding.severity,
                finding.evidence.observed,
                finding.evidence.limit,
                finding.evidence.count,
                finding.evidence.share,
                finding.evidence.schema_field,
                finding.description,
            )
            for finding in self.findings
        ]
        return pd.DataFrame(rows, columns=columns)

    def save(self, folder: str | Path) -> None:
        """Writes TFDV's files and the verdict: `FeatureStats.pb`, `SchemaDiff.pb` and `verdict.json`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.statistics.save(folder / "FeatureStats.pb")
        write_durably(folder / "SchemaDiff.pb", self.anomalies.SerializeToString(deterministic=True))
        write_verdict(self.verdict, folder)

    def __str__(self) -> str:
        """The verdict, and a line a finding."""
        lines = [self.verdict.summary]
        lines += [f"[{finding.severity}] {finding.sentence}" for finding in self.findings]
        return "\n".join(lines)


def validate(
    data: Any,
    schema: Any,
    *,
    environment: str | None = None,
    previous: Any = None,
    serving: Any = None,
    severity_overrides: Mapping[str, str] | None = None,
    fail_on: FailOn = "error",
    split: str | None = None,
) -> Report:
    """Holds data against a schema; finds anomalies, drift and skew as TFDV does.

    Args:
        data: Statistics, a statistics file, or anything that `assay.statistics` takes.
        schema: A schema proto, the path of a `schema.pbtxt`, or a Schema artifact.
        environment: One of the schema's environments.
        previous: Data or statistics of the previous span, for the schema's drift comparators.
        serving: Data or statistics from serving, for the schema's skew comparators.
        severity_overrides: Severity (`ERROR`, `WARNING`, `UNKNOWN`) by anomaly type, such as `SCHEMA_NEW_COLUMN`.
        fail_on: The least severity that makes the report not ok: `error`, `warning`, or `never`.
        split: The split of Examples that have several.

    Raises:
        DataError: If data or schema cannot be read.
        UsageError: If the environment or an override is unknown.

    Example:
        ```python
        report = assay.validate("eval.csv", "schema.pbtxt")
        if not report.ok:
            print(report)
        ```
    """
    expected = schema_of(schema)
    validated = statistics_of(data, split=split, schema=expected)
    anomalies = find_anomalies(
        SplitStatistics(
            validated.proto,
            previous=None if previous is None else statistics_of(previous, split=split, schema=expected).proto,
            serving=None if serving is None else statistics_of(serving, split=split, schema=expected).proto,
        ),
        expected,
        environment=environment,
        severity_overrides=severity_overrides,
    )
    findings = find(validated.proto, expected, anomalies)
    verdict = data_verdict({split or "data": findings}, expected, fail_on)
    return Report(findings, verdict, anomalies, validated, expected)
