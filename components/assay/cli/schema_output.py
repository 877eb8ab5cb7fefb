"""What `assay schema` prints: JSON documents, and tables for people."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from assay.schema import Change, Contradiction, EntryOutcome
    from assay.schema.subjects import SchemaSubject


def document(content: Any) -> str:
    """Return plain values, dataclasses and dates as JSON; NaN and infinity, which JSON lacks, become text."""
    return json.dumps(_plain(content), indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def counted(number: int, noun: str) -> str:
    """Return `1 change` or `2 changes`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def changes_table(changes: Sequence[Change]) -> RenderableType:
    """Return one line per change: whom it can break, and what it is."""
    from assay.cli.console import table

    rows = table("can break", "change")
    for change in changes:
        rows.add_row(" and ".join(change.breaks) or "-", change.sentence)
    return rows


def findings_table(findings: Sequence[Contradiction]) -> RenderableType:
    """Return one line per finding: severity, place and message."""
    from assay.cli.console import table

    rows = table("severity", "line", "finding", numbers=["line"])
    for finding in findings:
        rows.add_row(finding.severity, "" if finding.line is None else str(finding.line), finding.sentence)
    return rows


def outcomes_table(outcomes: Sequence[EntryOutcome]) -> RenderableType:
    """Return one line per outcome: the entry, its status, and what was done."""
    from assay.cli.console import table

    rows = table("entry", "status", "outcome", numbers=["entry"])
    for outcome in outcomes:
        rows.add_row(str(outcome.entry), outcome.status, outcome.sentence)
    return rows


def entries_table(entries: Sequence[tuple[SchemaSubject, str, str]]) -> RenderableType:
    """Return one line per entry of a patch: what it is about, what it asks for, and why."""
    from assay.cli.console import table

    rows = table("about", "change", "why")
    for subject, change, why in entries:
        rows.add_row(str(subject), change, why)
    return rows
