"""What `assay.validate` gives: findings, verdict, rows, and a page for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.api.pages import page, table
from assay.api.statistics import Statistics
from assay.artifacts.outputs import output_folder
from assay.display import shortened
from assay.errors import UsageError
from assay.files import write_durably
from assay.gating.verdict import Verdict, write_verdict
from assay.validation import Finding

if TYPE_CHECKING:
    import pandas as pd
    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.api.rows import ValidatedRows
    from assay.artifacts.quarantine import QuarantineCounts
    from assay.kernels.rows.row_report import RowReport

_LONGEST = 2000  # of a description
_COLUMNS = (
    "slice",
    "feature",
    "type",
    "severity",
    "observed",
    "limit",
    "count",
    "share",
    "schema_field",
    "description",
)


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What validation found.

    Attributes:
        findings: Each way in which the data does not fit, with its evidence; those of slices last.
        verdict: Every check, passed and failed, as `verdict.json` has it.
        anomalies: The `Anomalies` proto of tensorflow-metadata for the data as a whole, as TFDV gives it.
        statistics: What was validated.
        schema: What it was validated against.
        slices: The `Anomalies` proto of each slice, by its name.
    """

    findings: tuple[Finding, ...]
    verdict: Verdict
    anomalies: Anomalies
    statistics: Statistics
    schema: Schema
    slices: Mapping[str, Anomalies] = field(default_factory=dict)
    _open_rows: Callable[[], ValidatedRows] | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether nothing at or above `fail_on` was found."""
        return self.verdict.ok

    def rows(self) -> RowReport:
        """Return which rows broke which rule of the schema: counts, shares and samples, read from the data on demand.

        Raises:
            UsageError: Statistics were validated, but row checks require rows.
        """
        return self._validated_rows().report()

    def quarantine(self, folder: str | Path) -> QuarantineCounts:
        """Write `clean.parquet`, `rejected.parquet` with the reasons for each row, and `counts.json`.

        Returns:
            The numbers of rows: `read` is `clean` and `rejected`, exactly.

        Raises:
            UsageError: Statistics were validated, but row checks require rows.
        """
        return self._validated_rows().quarantine(folder)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per finding."""
        import pandas as pd  # noqa: PLC0415 (a slow import that most callers do not need)

        return pd.DataFrame([_row(finding) for finding in self.findings], columns=list(_COLUMNS))

    def save(self, folder: str | Path) -> None:
        """Write TFDV's files and the verdict: `FeatureStats.pb`, `SchemaDiff.pb` and `verdict.json`."""
        with output_folder(Path(folder), ("FeatureStats.pb", "SchemaDiff.pb", "verdict.json")) as place:
            self.statistics.save(place / "FeatureStats.pb")
            write_durably(place / "SchemaDiff.pb", self.anomalies.SerializeToString(deterministic=True))
            write_verdict(self.verdict, place)

    def __str__(self) -> str:
        """Return the verdict, and one line per finding."""
        lines = [self.verdict.summary]
        lines += [f"[{finding.severity}] {finding.sentence}" for finding in self.findings]
        lines += [f"Remark: {remark}" for remark in self.statistics.remarks]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the printed form, which a prompt and a failed assertion show instead of the protos."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the verdict and a table of findings, which a notebook shows by itself."""
        rows = [
            (
                finding.severity,
                finding.feature,
                finding.slice,
                finding.summary,
                _figure(finding.evidence.observed),
                _figure(finding.evidence.limit),
                f"{finding.evidence.count:,}" if finding.evidence.count is not None else "",
                shortened(finding.description, _LONGEST),
            )
            for finding in self.findings
        ]
        header = ("severity", "feature", "slice", "anomaly", "observed", "limit", "count", "description")
        passed = sum(check.ok for check in self.verdict.checks)
        summary = f"{self.verdict.summary} {passed} of {len(self.verdict.checks)} checks passed."
        return page("passed" if self.ok else "failed", summary, table(header, rows) if rows else "", ok=self.ok)

    def _validated_rows(self) -> ValidatedRows:
        if self._open_rows is None:
            raise UsageError("rows.statistics", "This report has no rows.", "Create it with assay.validate.")
        return self._open_rows()


def _row(finding: Finding) -> tuple[Any, ...]:
    found = finding.evidence
    return (
        finding.slice,
        finding.feature,
        finding.type,
        finding.severity,
        found.observed,
        found.limit,
        found.count,
        found.share,
        found.schema_field,
        finding.description,
    )


def _figure(value: float | str | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else value or ""
