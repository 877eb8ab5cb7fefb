"""Suggestions of what values mean and which may come: times, categories, ranges, and room for unseen values."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from assay.curation.evidence import Observed
from assay.curation.plain import shortest_float

if TYPE_CHECKING:
    from assay.curation.patch import Entry
    from assay.curation.suggest_options import SuggestOptions

_TIME_NAME: Final = re.compile(r"time|date|day|epoch|created|updated|modified|(^|_)(at|ts)$", re.IGNORECASE)
_EPOCH: Final = (946_684_800, 4_102_444_800)
"""2000-01-01 and 2100-01-01 in seconds since 1970."""
_UNITS: Final = {
    "UNIX_DAYS": 1 / 86_400,
    "UNIX_SECONDS": 1.0,
    "UNIX_MILLISECONDS": 1e3,
    "UNIX_MICROSECONDS": 1e6,
    "UNIX_NANOSECONDS": 1e9,
}

MONOTONIC_TAG: Final = "assay.monotonic"
"""The tag of a feature whose values never fall from one row to the next."""


def time(observed: Observed, options: SuggestOptions) -> Entry | None:
    """An integer that is named like a time, and lies between 2000 and 2100 in one of the usual units."""
    numbers = observed.numbers
    if observed.type != "INT" or observed.domain or numbers is None or not _TIME_NAME.search(observed.name):
        return None
    if observed.num_values < options.min_examples:
        return None
    for unit, per_second in _UNITS.items():
        if _EPOCH[0] * per_second <= numbers.min and numbers.max < _EPOCH[1] * per_second:
            plain: dict[str, Any] = {"time_domain": {"integer_format": unit}}
            reason = f"All values are {unit.removeprefix('UNIX_').lower()} since 1970, between 2000 and 2100."
            if observed.ascending:
                plain["annotation"] = {"tag": [*observed.feature.annotation.tag, MONOTONIC_TAG]}
                reason += " They never fall from one row to the next."
            return observed.entry(
                reason, plain, observed_min=int(numbers.min), observed_max=int(numbers.max), n=observed.num_values
            )
    return None


def categories(observed: Observed, options: SuggestOptions) -> Entry | None:
    """A small range of integers from 0 or 1 on, such as an hour or a month."""
    numbers = observed.numbers
    if observed.type != "INT" or observed.domain or numbers is None or numbers.min < 0:
        return None
    width = int(numbers.max) - int(numbers.min) + 1
    # Fewer values than ten a category say little about which categories there are.
    if not 2 < width <= options.max_categories or observed.num_values < max(options.min_examples, 10 * width):
        return None
    return observed.entry(
        f"Whole numbers in a range of {width}: they name categories rather than measure something.",
        {"int_domain": {"is_categorical": True}},
        observed_min=int(numbers.min),
        observed_max=int(numbers.max),
        n=observed.num_values,
    )


def numeric_range(observed: Observed, options: SuggestOptions) -> Entry | None:
    """What was observed and a margin on both sides; what was never negative stays so."""
    numbers = observed.numbers
    if numbers is None or observed.num_values < options.min_examples or observed.type not in {"INT", "FLOAT"}:
        return None
    field = "int_domain" if observed.type == "INT" else "float_domain"
    if observed.domain not in {None, field}:
        return None
    domain = getattr(observed.feature, field)
    low, high = numbers.min, numbers.max
    if domain.HasField("min") or domain.HasField("max") or domain.is_categorical:
        return None
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    below, above = _with_margin(low, high, options.margin)
    if observed.type == "INT":
        plain: dict[str, Any] = {"min": _whole(math.floor(below)), "max": _whole(math.ceil(above))}
    else:
        plain = {"min": below, "max": above}
        if not any(histogram.num_nan for histogram in numbers.histograms):
            plain["disallow_nan"] = True
    least, most = _number(low, observed.type), _number(high, observed.type)
    return observed.entry(
        f"Observed from {least} to {most}; the range leaves {options.margin:.0%} of its width on each side.",
        {field: plain},
        observed_min=least,
        observed_max=most,
        margin=options.margin,
        n=observed.num_values,
    )


def _with_margin(low: float, high: float, margin: float) -> tuple[float, float]:
    """The range and a margin, rounded outward to a number that a person would write."""
    if not margin:
        return low, high
    width = (high - low) or abs(high) or 1.0
    below, above = low - margin * width, high + margin * width
    step = 10.0 ** (math.floor(math.log10(width)) - 2)
    below, above = math.floor(below / step) * step, math.ceil(above / step) * step
    below, above = float(f"{below:.12g}"), float(f"{above:.12g}")
    if low >= 0:
        below = max(below, 0.0)
    if high <= 0:
        above = min(above, 0.0)
    return below, above


def _whole(value: int) -> int:
    return min(max(value, -(1 << 63)), (1 << 63) - 1)


def _number(value: float, kind: str) -> int | float:
    if kind == "INT":
        return int(value)
    short = shortest_float(value)  # of a 32-bit float; statistics hold it with 64
    return short if math.isclose(short, value, rel_tol=1e-7) else float(value)


def unseen_values(observed: Observed, options: SuggestOptions) -> Entry | None:
    """Room for values that a domain does not have, by how many of its values were seen once only.

    The share of values yet unseen is about the share of values that were seen once (Good and Turing; Good 1953). Three
    standard deviations of a Poisson count are added.
    """
    strings = observed.strings
    if strings is None or observed.domain not in {"domain", "string_domain"}:
        return None
    if observed.feature.distribution_constraints.HasField("min_domain_mass"):
        return None
    buckets = strings.rank_histogram.buckets
    # The rank histogram may hold the most frequent values only; then those that were seen once are not known.
    if len(buckets) != strings.unique or observed.num_values < options.min_examples:
        return None
    once = sum(bucket.sample_count <= 1 for bucket in buckets)
    if not once:
        return None
    unseen = (once + 3 * math.sqrt(once + 1)) / observed.num_values
    mass = math.floor((1 - unseen) * 1e4) / 1e4
    if mass <= 0.5:
        return None
    return observed.entry(
        f"{once} of {strings.unique} values occur once: about {once / observed.num_values:.2%} of new values will be "
        "ones that nobody has seen yet.",
        {"distribution_constraints": {"min_domain_mass": mass}},
        values_seen_once=once,
        distinct_values=int(strings.unique),
        n=observed.num_values,
    )
