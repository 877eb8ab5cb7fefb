"""Validate the rows of each split against the rules, and separate the clean rows from the rejected ones.

What rows have against the rules becomes checks of a verdict, as does what a quarantine answers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from assay.errors import EngineError, UsageError
from assay.gating.verdict import Check
from assay.kernels.feature_path import join_path
from assay.kernels.rows.data_schema import DataSchema
from assay.kernels.rows.rule_set import RuleSet
from assay.kernels.rows.separation import Separation, rejected_schema
from assay.kernels.rows.validation import RowValidation, find_duplicates
from assay.validation.leakage import find_leakage
from assay.validation.user_checks import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from assay.artifacts.examples import Examples
    from assay.artifacts.quarantine import Quarantine, QuarantineCounts
    from assay.engines.base import Engine
    from assay.kernels.rows.row_report import RowReport
    from assay.validation import Examination, Finding, Severity
    from assay.validation.examination import RowsOf
    from assay.validation.leakage import SplitPair

AND: Final = " & "
"""Stands between two splits that a check is about."""
RowsMode = Literal["count", "quarantine"]
LeakageIs = Literal["ignored", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOptions:
    """What is asked of rows; see the component's arguments of the same names."""

    rows: RowsMode = "count"
    max_rejected_share: float = 1.0
    leakage: LeakageIs = "ignored"
    leakage_by: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.max_rejected_share <= 1:
            raise UsageError(
                "example_validator.max_rejected_share",
                f"Expected max_rejected_share between 0 and 1, got {self.max_rejected_share}.",
            )

    def check_examples(self, examples: Examples | None, splits: Iterable[str], rules: Iterable[object]) -> None:
        """Refuses what needs rows where there are none, and rows of other splits than those of the statistics.

        Raises:
            UsageError: With what was asked for.
        """
        wants = [f"the check {named(rule)} looks at rows" for rule in rules]
        wants += ["rows='quarantine' separates rows"] if self.rows == "quarantine" else []
        wants += [f"leakage='{self.leakage}' compares rows"] if self.leakage != "ignored" else []
        if examples is None and wants:
            raise UsageError(
                "example_validator.no_examples",
                f"ExampleValidator was given statistics only, and {wants[0]}.",
                "Give the rows too: examples=example_gen.outputs['examples'].",
            )
        lacking = [split for split in splits if examples is not None and split not in examples.split_names]
        if examples is not None and lacking:
            raise UsageError(
                "example_validator.other_examples",
                f"The statistics have the split '{lacking[0]}', and the examples at {examples.path} have "
                f"{', '.join(examples.split_names)} only.",
                "Give the examples that the statistics were computed from, or exclude the split.",
            )


@dataclass(slots=True)
class RowsFound:
    """What was found in the rows of each split, and what became of them where they were separated."""

    reports: dict[str, RowReport] = field(default_factory=dict)
    counts: dict[str, QuarantineCounts] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    @property
    def num_rejected(self) -> int:
        """Rows that break a rule of severity `error`, over all splits."""
        return sum(report.num_rejected for report in self.reports.values())

    def report_of(self, split: str) -> RowsOf | None:
        """Return what row rules found in a split, for `examine`; None where its rows were not looked at."""
        report = self.reports.get(split)
        return None if report is None else lambda _columns: report

    def answered(self, split: str, examination: Examination) -> Examination:
        """Return the findings that remain for a split whose bad rows were rejected."""
        return answered_by_quarantine(examination, self.reports[split]) if split in self.counts else examination


@dataclass(frozen=True, slots=True)
class RowWork:
    """Rows, the rules that they must meet, and further requests.

    Attributes:
        engine: Reads the rows.
        examples: The rows.
        rules: The rules.
        options: What is asked.
    """

    engine: Engine
    examples: Examples
    rules: RuleSet
    options: RowOptions

    def run(self, splits: Iterable[str], clean: Examples | None, quarantine: Quarantine | None) -> RowsFound:
        """Validate splits; with `rows="quarantine"`, also write the clean and rejected rows of all splits.

        Splits that are not to be validated go on as they are, so that the clean examples can stand for all of them.
        """
        found = RowsFound()
        validated = list(splits)
        if self.options.rows == "quarantine" and clean is not None and quarantine is not None:
            self._describe(clean, quarantine)
            for split in self.examples.split_names:
                rules = self.rules if split in validated else RuleSet()
                counts = self._separate(split, rules, clean, quarantine)
                if split in validated:
                    found.counts[split] = counts
                    found.checks.append(rejected_share_check(counts, split, self.options.max_rejected_share))
        for split in validated:
            found.reports[split] = self._report(split)
            found.checks += row_checks(found.reports[split], split, quarantined=split in found.counts)
        if self.options.leakage != "ignored" and len(validated) > 1:
            found.checks += self._shared(validated, self.options.leakage)
        return found

    def _describe(self, clean: Examples, quarantine: Quarantine) -> None:
        about = {"span": self.examples.span, "split_names": list(self.examples.split_names)}
        quarantine.properties.update(about)
        clean.properties.update(self.examples.properties, **about, file_format=self.examples.file_format)

    def _report(self, split: str) -> RowReport:
        reduce = partial(self.engine.reduce, self.examples.source(split))
        report: RowReport = reduce(RowValidation(self.rules, find_duplicates(reduce, self.rules)))
        self._reconcile(split, report.num_rows)
        return report

    def _separate(self, split: str, rules: RuleSet, clean: Examples, quarantine: Quarantine) -> QuarantineCounts:
        source = self.examples.source(split)
        reduce = partial(self.engine.reduce, source)
        columns = reduce(DataSchema())
        parts = self.engine.map(source, Separation(rules, find_duplicates(reduce, rules)))
        with clean.writer(split, columns) as writer:
            counts = quarantine.write(split, parts, rejected_schema(columns), writer)
        self._reconcile(split, counts.read)
        return counts

    def _shared(self, splits: list[str], severity: Literal["warning", "error"]) -> Iterator[Check]:
        sources = {split: partial(self.engine.reduce, self.examples.source(split)) for split in splits}
        for pair in find_leakage(sources, self.options.leakage_by):
            yield leakage_check(pair, severity)

    def _reconcile(self, split: str, found: int) -> None:
        expected = self.examples.rows.get(split, found)
        if found != expected:
            raise EngineError(
                "rows.do_not_add_up",
                f"Split '{split}' of {self.examples.path} holds {expected} rows, but {found} were validated.",
            )


def row_checks(report: RowReport, place: str, *, quarantined: bool = False) -> Iterator[Check]:
    """Return a check for each rule, kept and broken, and one for each constraint that no rule covers.

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
            subject=", ".join(join_path((column,)) for column in outcome.columns) or "the dataset",
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
    """Return whether few enough rows were rejected, and any are left."""
    share = counts.rejected / counts.read if counts.read else 0.0
    ok = share <= limit and (counts.clean > 0 or counts.read == 0)
    found = f"{counts.rejected:,} of {counts.read:,} rows ({share:.2%}) are in quarantine"
    return Check(
        id=f"{place}/rows/rejected_share",
        kind="row_rule",
        ok=ok,
        subject="the dataset",
        slice=place,
        observed=share,
        limit=limit,
        limit_origin="max_rejected_share",
        sentence=f"{place}: {found}; the threshold is {limit:.2%}"
        + ("." if counts.clean or not counts.read else ", and no row is left."),
        details={"read": counts.read, "clean": counts.clean, "rejected": counts.rejected},
    )


def leakage_check(pair: SplitPair, severity: Severity) -> Check:
    """Return whether two splits share no row."""
    one, other = pair.splits
    examples = [str(sample.values) for sample in pair.samples[:1]]
    return Check(
        id=f"{one}{AND}{other}/leakage",
        kind="leakage",
        ok=pair.ok,
        severity=severity,
        subject="the dataset",
        slice=f"{one}{AND}{other}",
        observed=float(pair.num_distinct),
        limit=0.0,
        limit_origin="leakage",
        sentence=pair.sentence + (f" One of them: {examples[0]}." if examples else ""),
        details={"rows": list(pair.num_rows), "shared": list(pair.num_shared)},
    )


def answered_by_quarantine(examination: Examination, report: RowReport) -> Examination:
    """Downgrade anomalies that are due to rejected rows, in the data or a slice, to warnings.

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
