"""Checks in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from assay.gating.figures import OVERALL, Place, SlicePair, number, slice_name

if TYPE_CHECKING:
    from assay.gating.limits import Limit

_FEW = 30  # examples of a slice; EvidencePolicy.min_examples has the same default


def value_sentence(limit: Limit, key: Place, observed: float) -> str:
    """Says what a value is and what it had to be, as in `auc on Overall is 0.9; the limit is at least 0.8`."""
    seen, bound = _apart(observed, limit.value)
    side = "at least" if limit.bound == "lower" else "at most"
    return f"{_subject(limit, key)} is {seen}; the limit is {side} {bound}."


def change_sentence(limit: Limit, key: Place, observed: float, baseline: float) -> str:
    """Says how far a value is from the baseline's, and how far it may be."""
    change = observed - baseline
    shown, base = _apart(observed, baseline)
    size = change if limit.bound == "absolute" else change / abs(baseline)
    if math.isnan(change):
        distance = f"and the baseline's is {base}: the change has no value"
    elif change == 0:
        distance = f"equal to the baseline's {base}"
    else:
        distance = f"{_amounts(limit, size)[0]} {'below' if change < 0 else 'above'} the baseline's {base}"
    return f"{_subject(limit, key)} is {shown}, {distance}; the limit is {allowed_change(limit, size)}."


def allowed_change(limit: Limit, size: float = math.nan) -> str:
    """Says what a change limit allows, as in `a drop of at most 0.005 (absolute)`.

    Args:
        limit: The limit.
        size: The change that was seen: the limit is given enough digits to be told from it.
    """
    toward, away = ("rise", "drop") if limit.higher_is_better else ("drop", "rise")
    wanted = limit.value if limit.higher_is_better else -limit.value
    amount = _amounts(limit, size)[1]
    if limit.value == 0:
        return f"no {away} at all ({limit.bound})"
    kind = f"{away} of at most" if wanted < 0 else f"{toward} of at least"
    return f"a {kind} {amount} ({limit.bound})"


def zero_baseline_sentence(limit: Limit, key: Place, observed: float) -> str:
    """Says that a relative change from zero has no value."""
    return (
        f"{_subject(limit, key)} is {number(observed)} and the baseline's is 0: a change relative to 0 has no value. "
        f"Set an absolute limit for this metric."
    )


def missing_sentence(limit: Limit, key: Place, *, whose: str, known: str) -> str:
    """Says that the metric of a limit was not computed."""
    return f"{_subject(limit, key)} was not computed{whose}, so its limit cannot be kept. {known}".rstrip()


def not_a_number_sentence(limit: Limit, key: Place) -> str:
    """Says that the metric has no single number."""
    return f"{_subject(limit, key)} is not a single number, so it cannot be held against {number(limit.value)}."


def nan_sentence(limit: Limit, key: Place, whose: str, examples: int | None = None, *, why: str = "") -> str:
    """Return that a figure is NaN, of how many examples, and why; for few, how a slice is left out."""
    of = "" if examples is None else f" over {examples:,} example{'s' if examples != 1 else ''}"
    small = examples is not None and examples < _FEW and key != OVERALL
    hint = " Set options.min_slice_size to leave out slices that are too small." if small else ""
    why = why or "a number is missing, or the metric has none for these rows"
    return f"{_subject(limit, key)} is NaN{whose}{of}: {why}, so its limit cannot be kept.{hint}"


def no_baseline_sentence(limit: Limit, key: Place, observed: float | None) -> str:
    """Says that a change limit had nothing to compare with."""
    seen = f" is {number(observed)};" if observed is not None else ":"
    return f"{_subject(limit, key)}{seen} not applicable: no baseline (the limit is {_allowed(limit)})."


def _allowed(limit: Limit) -> str:
    if limit.is_change:
        return allowed_change(limit)
    return f"{'at least' if limit.bound == 'lower' else 'at most'} {number(limit.value)}"


def _subject(limit: Limit, key: Place) -> str:
    if isinstance(key, SlicePair):
        return f"{limit.metric.label} on {slice_name(key.first)} less that on {slice_name(key.second)}"
    return f"{limit.metric.label} on {slice_name(key)}"


def _amounts(limit: Limit, size: float) -> tuple[str, str]:
    """Gives the sizes of a change and of its limit, relative ones in percent."""
    if limit.bound == "absolute":
        return _apart(abs(size), abs(limit.value), fewest=3)
    change, bound = _apart(abs(size) * 100, abs(limit.value) * 100, fewest=3)
    return f"{change} %", f"{bound} %"


def _apart(one: float, other: float, *, fewest: int = 4) -> tuple[str, str]:
    """Gives two figures with as many digits as tell them apart, so that a sentence never says `0.5 is below 0.5`."""
    for digits in range(fewest, 18):
        shown = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if shown[0] != shown[1] or one == other:
            return shown
    return repr(one), repr(other)
