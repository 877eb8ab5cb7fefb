"""What rows have against the rules, as checks of a verdict; and what a quarantine answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from assay.gating.verdict import Check
from assay.kernels.feature_path import join_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.artifacts.quarantine import QuarantineCounts
    from assay.kernels.findings import Examination, Finding, Severity
    from assay.kernels.leakage import SplitPair
    from assay.kernels.rows.row_report import RowReport

AND: Final = " & "
"""Stands between two splits that a check is about."""


def row_checks(report: RowReport, place: str, *, quarantined: bool = False) -> Iterator[Check]:
    """A check for each rule, kept and broken, and one for each constraint that no rule covers.

    Args:
        report: What was found.
        place: The split.
        quarantined: Whether the rows that break a rule were taken out: then they fail nothing by themselves.
    """
    for outcome in report.outcomes:
        broken = outcome.num_broken if outcome.num_broken is not None else outcome.observed
        taken_out = quarantined and bool(outcome.num_broken)
        yield Check(
            id=f"{place}/rows/{outcome.rule_id}",
            kind="row_rule",
            ok=outcome.ok,
            severity="warning" if taken_out else outcome.severity,
            subject=", ".join(join_path((column,)) for column in outcome.columns) or "the data set",
            slice=place,
            observed=None if broken is None else float(broken),
            limit=0.0 if outcome.num_broken is not None else None,
            limit_origin=f"rule {outcome.rule_id}",
            sentence=f"{place}: {outcome.sentence}"
            + (" They are in quarantine." if taken_out and outcome.severity == "error" else ""),
            details={"reason": outcome.reason, "rows": outcome.num_rows, "share": outcome.share},
        )
    seen: Counter[str] = Counter()
    for sentence in report.unchecked:
        subject = sentence.partition(":")[0]
        seen[subject] += 1
        yield Check(
            id=f"{place}/rows/not_checked/{subject}" + (f"-{seen[subject]}" if seen[subject] > 1 else ""),
            kind="row_rule",
            ok=True,
            severity="info",
            subject=subject,
            slice=place,
            applied=False,
            limit_origin="schema",
            sentence=f"{place}: not checked row by row: {sentence}.",
        )


def rejected_share_check(counts: QuarantineCounts, place: str, limit: float) -> Check:
    """Whether few enough rows were rejected, and any are left."""
    share = counts.rejected / counts.read if counts.read else 0.0
    ok = share <= limit and (counts.clean > 0 or counts.read == 0)
    found = f"{counts.rejected:,} of {counts.read:,} rows ({share:.2%}) are in quarantine"
    return Check(
        id=f"{place}/rows/rejected_share",
        kind="row_rule",
        ok=ok,
        subject="the data set",
        slice=place,
        observed=share,
        limit=limit,
        limit_origin="max_rejected_share",
        sentence=f"{place}: {found}; the limit is {limit:.2%}"
        + ("." if counts.clean or not counts.read else ", and no row is left."),
        details={"read": counts.read, "clean": counts.clean, "rejected": counts.rejected},
    )


def leakage_check(pair: SplitPair, severity: Severity) -> Check:
    """Whether two splits share no row."""
    one, other = pair.splits
    examples = [str(sample.values) for sample in pair.samples[:1]]
    return Check(
        id=f"{one}{AND}{other}/leakage",
        kind="leakage",
        ok=pair.ok,
        severity=severity,
        subject="the data set",
        slice=f"{one}{AND}{other}",
        observed=float(pair.num_distinct),
        limit=0.0,
        limit_origin="leakage",
        sentence=pair.sentence + (f" One of them: {examples[0]}." if examples else ""),
        details={"rows": list(pair.num_rows), "shared": list(pair.num_shared)},
    )


def answered_by_quarantine(examination: Examination, report: RowReport) -> Examination:
    """Makes warnings of what the data, or a slice of it, has against its schema because of rows that were taken out.

    That is a finding whose feature and type are those of a rule that rejected rows.
    """
    answers = {
        (join_path((column,)), outcome.reason)
        for outcome in report.outcomes
        if outcome.num_broken and outcome.severity == "error"
        for column in outcome.columns
    }

    def answered(finding: Finding) -> Finding:
        if finding.severity != "error" or (finding.feature, finding.type) not in answers:
            return finding
        return replace(
            finding, severity="warning", description=f"{finding.description} The rows are in quarantine.".strip()
        )

    def in_part(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(map(answered, findings))

    return replace(
        examination,
        overall=replace(examination.overall, findings=in_part(examination.overall.findings)),
        slices={name: replace(each, findings=in_part(each.findings)) for name, each in examination.slices.items()},
    )
