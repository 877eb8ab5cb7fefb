"""A verdict: every check, those that failed first, each with what was observed, the limit, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from assay.artifacts import InfraBlessing, ModelBlessing
from assay.gating.verdict import Check, Verdict, find_verdict, finite
from assay.reports.blocks import Column, DataTable, Detail, Pill, Section, SmallTable
from assay.reports.figures import number
from assay.reports.views.shown import Shown

_HIDDEN = frozenset({"values", "anomaly_type"})
_ORDER = {"failed": 0, "warning": 1, "waived": 2, "not applied": 3, "passed": 4}
_COLUMNS = (
    Column(label="Subject", kind="name", search=True),
    Column(label="Outcome", kind="pill"),
    Column(label="Where", search=True),
    Column(label="Observed", kind="num"),
    Column(label="Baseline", kind="num"),
    Column(label="Limit", kind="num"),
    Column(label="In words", kind="long", search=True),
)
_DETAILS = (
    Detail(kind="bars", title="Distribution"),
    Detail(kind="values", title="Values"),
    Detail(kind="table", title="Behind it", labels=("what", "value")),
    Detail(kind="text", title="Unexpected values"),
    Detail(kind="text", title="Rows that have them"),
    Detail(kind="text", title="In words"),
)


def outcome(check: Check) -> list[str]:
    """Return the outcome of a check, as a word and a colour."""
    if check.ok:
        return ["passed", "ok"] if check.applied else ["not applied", "plain"]
    if "waiver" in check.details:
        return ["waived", "warn"]
    return ["failed", "bad"] if check.severity == "error" else ["warning", "warn"]


def verdict_sections(
    verdict: Verdict, evidence: Mapping[str, list[Any]] | None = None, *, series: tuple[str, ...] = ()
) -> list[Section]:
    """Return the checks, the policy and the inputs of the decision.

    Args:
        verdict: The verdict.
        evidence: For the id of a check: the data of its histogram, of its values, and rows, where they are known.
        series: What the histograms lay side by side.
    """
    sections = [Section(title="Checks", blocks=[_checks(verdict, evidence or {}, series)])]
    rows = [*verdict.policy.items(), *((role, digest) for role, digest in sorted(verdict.subjects.items()))]
    if rows:
        table = SmallTable(caption="What the gate decided by", header=("Rule or subject", "Value"), rows=rows)
        sections.append(Section(title="Decided by", blocks=[table]))
    return sections


def _checks(verdict: Verdict, evidence: Mapping[str, list[Any]], series: tuple[str, ...]) -> DataTable:
    has_baseline = any(check.baseline is not None for check in verdict.checks)
    shown = [at for at, column in enumerate(_COLUMNS) if has_baseline or column.label != "Baseline"]
    ordered = sorted(verdict.checks, key=lambda each: _ORDER[outcome(each)[0]])
    rows = [(_cells(check), _behind(check, evidence.get(check.id))) for check in ordered]
    return DataTable(
        name="checks",
        caption="Checks",
        columns=[_COLUMNS[at] for at in shown],
        rows=[[*(cells[at] for at in shown), behind] for cells, behind in rows],
        details=_DETAILS,
        filters=(1,),
        series=series,
        counted=("check", "checks"),
        empty="The gate had nothing to check.",
    )


def _cells(check: Check) -> list[Any]:
    """Return a check's cells, a column each."""
    return [
        [check.subject, _kind(check)],
        outcome(check),
        check.slice,
        finite(check.observed),
        finite(check.baseline),
        finite(check.limit if check.limit is not None else check.details.get("limit")),
        check.sentence if len(check.sentence) < 300 else check.sentence[:300] + "…",
    ]


def _behind(check: Check, evidence: list[Any] | None) -> list[Any]:
    """Return the details under a check's row, in their order; None if there are none."""
    bars, values, found = evidence or (None, None, None)
    named = check.details.get("values")
    return [
        bars,
        values,
        _facts(check),
        [", ".join(map(str, named))] if isinstance(named, list) else None,
        found,
        [check.sentence] if len(check.sentence) > 200 else None,
    ]


def _kind(check: Check) -> str:
    anomaly = check.details.get("anomaly_type")
    if anomaly == "NO_ANOMALY":
        return ""
    return str(anomaly or check.kind.replace("_", " "))


def _facts(check: Check) -> list[list[Any]]:
    facts: list[list[Any]] = [["threshold set in", check.limit_origin]] if check.limit_origin else []
    facts += [
        [name.replace("_", " "), number(value) if isinstance(value, int | float) else str(value)[:600]]
        for name, value in check.details.items()
        if name not in _HIDDEN and value not in (None, "")
    ]
    return [*facts, ["id", check.id]]


def show_blessing(artifact: ModelBlessing | InfraBlessing) -> Shown:
    """Return the page of a blessing."""
    blessed = bool((artifact.path / "BLESSED").is_file() or (artifact.path / "INFRA_BLESSED").is_file())
    verdict = find_verdict(artifact.path)
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
