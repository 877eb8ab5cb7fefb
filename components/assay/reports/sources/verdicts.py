"""Verdicts as plain JSON: reports and the gate are blind to each other, and `verdict.json` is for anything to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from assay.errors import ArtifactError

FILE_NAME = "verdict.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCheck:
    """One check of a verdict; see `schemas/verdict.schema.json`."""

    id: str
    kind: str
    ok: bool
    subject: str
    sentence: str
    severity: str = "error"
    slice: str = ""
    observed: float | str | None = None
    baseline: float | str | None = None
    limit: float | str | None = None
    limit_origin: str = ""
    applied: bool = True
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVerdict:
    """A verdict as its file has it."""

    ok: bool
    summary: str
    checks: tuple[ShownCheck, ...] = ()
    policy: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)


def read_shown_verdict(folder: Path) -> ShownVerdict | None:
    """Reads `verdict.json` of a folder; None where there is none, as in what TFX wrote.

    Raises:
        ArtifactError: It is no verdict.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=ShownVerdict)
    except msgspec.MsgspecError as error:
        raise ArtifactError("report.verdict", f"{path} is not a verdict: {error}.") from error
