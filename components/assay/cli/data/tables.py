"""Statistics, findings and distances as tables that fit the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from assay.cli.console import bullet, heading, print_result, table
from assay.cli.data.documents import plain
from assay.display import shortened
from assay.kernels.feature_summary import about, quoted_top

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from assay.api import DriftReport, Report, Statistics
    from assay.kernels.distances import FeatureDrift
    from assay.kernels.feature_summary import FeatureSummary
    from assay.kernels.rows.row_report import RowReport
    from assay.validation.leakage import SplitPair
    from assay.validation.skew_report import FeatureSkewReport

_SHOWN = 50
_LONGEST = 60  # of a slice's name
_BINS_SHOWN = 12
_STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}


def print_statistics(console: Console, statistics: Statistics) -> None:
    """Print one line per feature, and the number of examples of each slice."""
    counts = f"{statistics.num_examples:,} examples, {len(statistics.features)} features"
    if console.quiet:
        print_result(console, counts)
        return
    heading(console, counts)
    console.print(_features(statistics.features))
    if statistics.slices:
        heading(console, f"{len(statistics.slices)} slices")
        rows = table("slice", "examples", numbers=["examples"])
        for name, part in list(statistics.slices.items())[:_SHOWN]:
            rows.add_row(shortened(name, _LONGEST), f"{part.num_examples:,}")
        console.print(rows)
        _print_hidden(console, len(statistics.slices), "every slice is in the file of -o, and in --json")


def print_report(console: Console, report: Report, rows: RowReport | None) -> None:
    """Print the findings, the rules that rows broke, and the verdict."""
    for finding in report.findings[:_SHOWN]:
        console.print(bullet(finding.severity, _STYLES[finding.severity], finding.sentence))
    _print_hidden(console, len(report.findings), "all are in --json and verdict.json")
    if rows is not None:
        heading(console, f"Rows: {rows.num_rows:,} read, {rows.num_clean:,} clean, {rows.num_rejected:,} rejected")
        for outcome in rows.broken:
            console.print(bullet(outcome.severity, _STYLES[outcome.severity], f"{outcome.rule_id}: {outcome.sentence}"))
    passed = sum(check.ok for check in report.verdict.checks)
    word, style = ("passed", "bold green") if report.ok else ("failed", "bold red")
    summary = f" {passed} of {len(report.verdict.checks)} checks passed. {report.verdict.summary}"
    print_result(console, Text.assemble((word, style), ": ", summary.strip()))


def print_drift(console: Console, report: DriftReport) -> None:
    """Print every distance that has a limit, the bins of features that drifted, and the outcome."""
    rows = table("feature", "measure", "distance", "limit", "chance", "", numbers=["distance", "limit", "chance"])
    for feature in report.features:
        name = feature.feature
        for each in feature.distances:
            if each.limit is not None:
                mark = Text("above", "bold red") if each.exceeded else Text("")
                by_chance = "" if each.chance is None else f"{each.chance:.3g}"
                rows.add_row(name, each.measure, f"{each.value:.3g}", f"{each.limit:.3g}", by_chance, mark)
                name = ""
        if feature.problem or feature.remark:
            why = Text(feature.problem, "bold red") if feature.problem else Text("not compared")
            rows.add_row(name, why, "", "", "", "")
    console.print(rows)
    for feature in report.not_compared:
        console.print(Text(f"{feature.feature}: {feature.remark}"), soft_wrap=True)
    for feature in report.drifted:
        if feature.bins:
            _print_bins(console, feature, report.num_examples)
    word, style = ("no drift", "bold green") if report.ok else ("drift", "bold red")
    print_result(console, Text.assemble((word, style), ": ", report.summary))


def _print_bins(console: Console, feature: FeatureDrift, num_examples: tuple[int, int]) -> None:
    heading(console, f"{feature.feature}: values by bin, of {num_examples[0]:,} and {num_examples[1]:,} examples")
    bins = table("bin", "data", "compared with", numbers=["data", "compared with"])
    for found in feature.bins[:_BINS_SHOWN]:
        bins.add_row(found.name, f"{found.treatment:,.0f}", f"{found.control:,.0f}")
    console.print(bins)
    if len(feature.bins) > _BINS_SHOWN:
        console.print(f"  and {len(feature.bins) - _BINS_SHOWN} more bins in --json", soft_wrap=True)


def _features(features: Iterable[FeatureSummary]) -> object:
    rows = table("feature", "type", "missing", "values", numbers=["missing"])
    for feature in features:
        rows.add_row(feature.feature, feature.type, f"{feature.missing:.1%}", _values(feature))
    return rows


def _values(feature: FeatureSummary) -> str:
    if feature.earliest is not None:
        return f"{feature.earliest} to {feature.latest}"
    nan = f"NaN {feature.nan:.1%}" if feature.nan else ""
    if feature.mean is not None:
        return (
            f"{nan}{'; ' if nan else ''}"
            f"mean {feature.mean:.5g} ± {feature.std_dev:.3g}; "
            f"min {feature.min:.5g}, median {feature.median:.5g}, max {feature.max:.5g}"
        )
    if feature.unique is not None:
        top = ""
        if feature.top is not None:
            top = f"; most often {quoted_top(feature)} ({about(feature)}{feature.top_count:,})"
        return f"{about(feature)}{feature.unique:,} distinct{top}"
    return nan


def _print_hidden(console: Console, number: int, where: str) -> None:
    if number > _SHOWN:
        console.print(f"  and {number - _SHOWN} more: {where}", soft_wrap=True)


_SHOWN_ROWS = 20


def print_skew(console: Console, report: FeatureSkewReport, summary: str) -> None:
    """Print how the ids match, one line per feature that differs, and some pairs."""
    ids = report.match_stats
    console.print(
        f"{ids.matching_pairs_count:,} pairs by {ids.identifiers_count:,} ids; "
        f"{ids.ids_missing_in_test_count:,} ids are missing in the data, "
        f"{ids.ids_missing_in_base_count:,} in the control, "
        f"{ids.duplicate_id_count:,} occur several times on a side",
        soft_wrap=True,
    )
    if report.skewed:
        rows = table(
            "feature",
            "differ",
            "data only",
            "control only",
            "match",
            numbers=["differ", "data only", "control only", "match"],
        )
        for each in report.skewed:
            counts = (each.mismatch_count, each.test_only, each.base_only, each.match_count)
            rows.add_row(each.feature_name, *(f"{count:,}" for count in counts))
        console.print(rows)
    for pair in report.pairs:
        heading(console, "A pair that differs")
        names = (*pair.mismatched_features, *pair.test_only_features, *pair.base_only_features)
        rows = table("feature", "data", "control")
        for name in names[:_SHOWN_ROWS]:
            rows.add_row(name, str(plain(pair.test.get(name, ""))), str(plain(pair.base.get(name, ""))))
        console.print(rows)
    if report.confusion:
        heading(console, "Pairs of values")
        rows = table("feature", "data", "control", "pairs", numbers=["pairs"])
        for found in report.confusion[:_SHOWN_ROWS]:
            sides = ("(missing)" if side is None else str(side) for side in (found.test, found.base))
            rows.add_row(found.feature_name, *sides, f"{found.count:,}")
        console.print(rows)
    _print_outcome(console, summary, ok=report.ok)


def print_leakage(console: Console, pairs: Sequence[SplitPair], summary: str) -> None:
    """Print a line for each two datasets, and some of the rows that they share."""
    for pair in pairs:
        console.print(bullet("ok" if pair.ok else "shared", "green" if pair.ok else "bold red", pair.sentence))
        for sample in pair.samples:
            rows = f"rows {sample.first[0]:,} and {sample.first[1]:,}"
            console.print(f"    {rows}: {plain(sample.values)}", soft_wrap=True, markup=False, highlight=False)
    _print_outcome(console, summary, ok=all(pair.ok for pair in pairs))


def _print_outcome(console: Console, summary: str, *, ok: bool) -> None:
    word, style = ("passed", "bold green") if ok else ("failed", "bold red")
    print_result(console, Text.assemble((word, style), ": ", summary))
