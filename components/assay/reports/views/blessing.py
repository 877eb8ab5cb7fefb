"""Blessings: the decision, every check behind it, and what was judged."""

from __future__ import annotations

from typing import Any

import msgspec

from assay.artifacts import InfraBlessing, ModelBlessing
from assay.reports.blocks import Pill, Section, SmallTable
from assay.reports.sources.verdicts import read_shown_verdict
from assay.reports.views.shown import Shown
from assay.reports.views.verdict import verdict_sections


def show_blessing(artifact: ModelBlessing | InfraBlessing) -> Shown:
    """The page of a blessing."""
    blessed = bool((artifact.path / "BLESSED").is_file() or (artifact.path / "INFRA_BLESSED").is_file())
    verdict = read_shown_verdict(artifact.path)
    sections = verdict_sections(verdict) if verdict is not None else []
    judged = _judged(artifact)
    if judged:
        table = SmallTable(caption="What the blessing binds", header=("What", "Digest"), rows=judged)
        sections = [*sections, Section(title="Binds", blocks=[table], note="The blessing holds for these files only.")]
    return Shown(
        sections=sections,
        summary=verdict.summary if verdict is not None else "There is no verdict: another tool wrote the mark.",
        status=Pill("blessed", "ok") if blessed else Pill("not blessed", "bad"),
    )


def _judged(artifact: ModelBlessing | InfraBlessing) -> list[tuple[str, str]]:
    path = artifact.path / "blessing.json"
    if not path.is_file():
        return []
    content: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    rows = [*content.get("judged", {}).items(), ("verdict", content.get("verdict"))]
    return [(name, ", ".join(value) if isinstance(value, list) else str(value)) for name, value in rows if value]
