"""Feature skew and shared rows as tables that fit the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from assay.cli.console import print_result
from assay.cli.data.row_documents import plain
from assay.cli.layout import bullet, heading, table

if TYPE_CHECKING:
    from rich.console import Console

    from assay.kernels.feature_skew import FeatureSkewReport
    from assay.kernels.leakage import SplitPair

_SHOWN = 20


def print_skew(console: Console, report: FeatureSkewReport, summary: str) -> None:
    """Prints how the ids meet, a line a feature that differs, and some pairs."""
    ids = report.match_stats
    console.print(
        f"{ids.matching_pairs_count:,} pairs by {ids.identifiers_count:,} ids; "
        f"{ids.ids_missing_in_test_count:,} ids are missing in A, {ids.ids_missing_in_base_count:,} in B, "
        f"{ids.duplicate_id_count:,} occur several times on a side",
        soft_wrap=True,
    )
    if report.skewed:
        rows = table("feature", "differ", "A only", "B only", "match", numbers=["differ", "A only", "B only", "match"])
        for each in report.skewed:
            counts = (each.mismatch_count, each.test_only, each.base_only, each.match_count)
            rows.add_row(each.feature_name, *(f"{count:,}" for count in counts))
        console.print(rows)
    for pair in report.pairs:
        heading(console, "A pair that differs")
        names = (*pair.mismatched_features, *pair.test_only_features, *pair.base_only_features)
        rows = table("feature", "A", "B")
        for name in names[:_SHOWN]:
            rows.add_row(name, str(plain(pair.test.get(name, ""))), str(plain(pair.base.get(name, ""))))
        console.print(rows)
    if report.confusion:
        heading(console, "Pairs of values")
        rows = table("feature", "A", "B", "pairs", numbers=["pairs"])
        for found in report.confusion[:_SHOWN]:
            sides = ("(missing)" if side is None else str(side) for side in (found.test, found.base))
            rows.add_row(found.feature_name, *sides, f"{found.count:,}")
        console.print(rows)
    _print_outcome(console, summary, ok=report.ok)


def print_leakage(console: Console, pairs: Sequence[SplitPair], summary: str) -> None:
    """Prints a line for each two data sets, and some of the rows that they share."""
    for pair in pairs:
        console.print(bullet("ok" if pair.ok else "shared", "green" if pair.ok else "bold red", pair.sentence))
        for sample in pair.samples:
            rows = f"rows {sample.first[0]:,} and {sample.first[1]:,}"
            console.print(f"    {rows}: {plain(sample.values)}", soft_wrap=True, markup=False, highlight=False)
    _print_outcome(console, summary, ok=all(pair.ok for pair in pairs))


def _print_outcome(console: Console, summary: str, *, ok: bool) -> None:
    word, style = ("passed", "bold green") if ok else ("failed", "bold red")
    print_result(console, Text.assemble((word, style), ": ", summary))
