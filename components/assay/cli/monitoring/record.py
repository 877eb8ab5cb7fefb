"""What is kept of each span: `record.json` in a folder of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from assay.errors import ArtifactError
from assay.files import write_durably

RECORD: Final = "record.json"
STATISTICS: Final = "FeatureStats.pb"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRecord:
    """How far a span's features lie from those of other data.

    Attributes:
        compared_with: What it was compared with: `training`, or the name of the previous span.
        summary: The outcome in a sentence.
        drifted: The features with a distance beyond its limit.
    """

    compared_with: str
    summary: str
    drifted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRecord:
    """How well a model did on a span whose labels came.

    Attributes:
        fingerprint: Of the files with labels and predictions.
        ok: Whether every threshold holds.
        summary: The outcome in a sentence.
        failed: A sentence for each check that failed.
        metrics: The metrics over all rows.
    """

    fingerprint: str
    ok: bool
    summary: str
    failed: tuple[str, ...]
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """What was found in a span.

    Attributes:
        span: Its number.
        name: As people call it.
        fingerprint: Of its files, when they were looked at.
        examined: When, as ISO 8601 in UTC.
        rows: How many.
        anomalies: A sentence for each anomaly, whatever its severity.
        ok: Whether nothing at or above the level that fails was found in the data.
        drift: From the training data and from the previous span, where there are those.
        quality: Of the model, once labels came.
    """

    span: int
    name: str
    fingerprint: str
    examined: str
    rows: int
    anomalies: tuple[str, ...]
    ok: bool
    drift: tuple[DriftRecord, ...]
    quality: QualityRecord | None = None

    @property
    def exit_code(self) -> int:
        """0 where all is well, 4 where the model does not meet its thresholds, else 3 for anomalies or drift."""
        if self.quality is not None and not self.quality.ok:
            return 4
        return 0 if self.ok and not any(found.drifted for found in self.drift) else 3


def span_folder(root: Path, name: str) -> Path:
    """Return where a span's files are kept."""
    return root / "spans" / name


def write_record(root: Path, record: SpanRecord) -> None:
    """Write a span's record, after all of its other files: where it is, they are."""
    content = msgspec.json.format(msgspec.json.encode(record), indent=2)
    write_durably(span_folder(root, record.name) / RECORD, content + b"\n")


def read_records(root: Path) -> list[SpanRecord]:
    """Return all records below a root, in order of their spans.

    Raises:
        ArtifactError: A record was changed by hand.
    """
    records = []
    for path in (root / "spans").glob(f"*/{RECORD}"):
        try:
            records.append(msgspec.json.decode(path.read_bytes(), type=SpanRecord))
        except (msgspec.DecodeError, OSError) as error:
            reason = re.sub(r"\s+", " ", str(error))
            raise ArtifactError(
                "monitor.record",
                f"{path} is not a record of a span: {reason}.",
                "Remove it; the span is then checked again.",
            ) from None
    return sorted(records, key=lambda record: record.span)
