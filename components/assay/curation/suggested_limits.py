"""Suggestions of limits on whole data sets: presence, distinct values, and drift that sampling does not explain."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

from assay.curation.evidence import Observed

if TYPE_CHECKING:
    from assay.curation.patch import Entry
    from assay.curation.suggest_options import SuggestOptions

_SMALLEST_DISTANCE: Final = 0.01
"""A distance below this matters to nobody, however large the sample that shows it."""

UNBOUNDED: Final = (1 << 63) - 1
"""For TFDV, a number of distinct values without a maximum has the maximum 0."""

_LEAST_COUNT: Final = 5
"""With fewer values expected in a bucket, the chi-square approximation does not hold."""


def presence(observed: Observed, options: SuggestOptions) -> Entry | None:
    """How often a feature is present at least; inference says it only of features that are always present."""
    common = observed.common
    total = int(common.num_non_missing + common.num_missing)
    if observed.feature.presence.min_fraction > 0 or total < options.min_examples or not common.num_non_missing:
        return None
    share = common.num_non_missing / total
    if share == 1.0:
        limit = 1.0
        reason = "It is present in every row."
    else:
        lower = _wilson_lower(share, total, options.confidence)
        limit = math.floor(min(share * (1 - options.margin), lower) * 1e3) / 1e3
        reason = f"It is present in {share:.2%} of the rows; the limit leaves a margin of {options.margin:.0%}."
    if limit <= 0:
        return None
    return observed.entry(
        reason,
        {"presence": {"min_fraction": limit}},
        observed_share=round(share, 6),
        margin=options.margin,
        n=total,
    )


def uniqueness(observed: Observed, options: SuggestOptions) -> Entry | None:
    """A text feature whose every value is another, as an id's are."""
    strings = observed.strings
    if strings is None or observed.feature.HasField("unique_constraints") or observed.common.max_num_values != 1:
        return None
    unique, total = int(strings.unique), observed.num_values
    # Distinct values of large features are estimated within about 1 %.
    if total < options.min_examples or unique < 0.99 * total:
        return None
    least = math.floor(min(unique, total) * (1 - min(options.margin, 1.0)))
    if least < 1:
        return None
    return observed.entry(
        f"Nearly every value is another, as an id's are: {unique} distinct in {total}. The limit is a count: it holds "
        "for data sets of about this size.",
        {"unique_constraints": {"min": least, "max": UNBOUNDED}},
        distinct_values=unique,
        margin=options.margin,
        n=total,
    )


def drift(observed: Observed, options: SuggestOptions) -> Entry | None:
    """A comparator whose threshold the noise between two samples of this size stays below."""
    comparator = observed.feature.drift_comparator
    if comparator.ByteSize() or observed.num_values < options.min_examples:
        return None
    if observed.strings is not None and observed.domain in {"domain", "string_domain", "int_domain", "bool_domain"}:
        return _infinity_norm(observed, options, int(observed.strings.unique))
    if observed.is_category:
        return _infinity_norm(observed, options, int(observed.numbers.max - observed.numbers.min) + 1)
    if observed.numbers is not None and observed.domain not in {"time_domain", "time_of_day_domain"}:
        return _jensen_shannon(observed, options)
    return None


def _infinity_norm(observed: Observed, options: SuggestOptions, distinct: int) -> Entry | None:
    """By Hoeffding's inequality for the difference of two means, and a union bound over the values.

    P(max |p - q| >= t) <= 2 k exp(-n t^2) for two samples of n values with k distinct ones.
    """
    total = observed.num_values
    if distinct < 2:
        return None
    noise = math.sqrt(math.log(2 * distinct / (1 - options.confidence)) / total)
    return _distance(observed, options, "infinity_norm", noise, distinct_values=distinct)


def _jensen_shannon(observed: Observed, options: SuggestOptions) -> Entry | None:
    """By the likelihood ratio test of two samples in the same buckets.

    4 n JSD (in nats) has the chi-square distribution with (buckets - 1) degrees of freedom. TFDV's is in bits.
    """
    buckets = max((len(histogram.buckets) for histogram in observed.numbers.histograms), default=0)
    if buckets < 2 or observed.numbers.min == observed.numbers.max:
        return None
    if observed.num_values < _LEAST_COUNT * buckets:
        return None
    noise = _chi_square(options.confidence, buckets - 1) / (4 * observed.num_values * math.log(2))
    return _distance(observed, options, "jensen_shannon_divergence", noise, buckets=buckets)


def _distance(observed: Observed, options: SuggestOptions, metric: str, noise: float, **evidence: Any) -> Entry | None:
    threshold = math.ceil(max(noise, _SMALLEST_DISTANCE) * 1e4) / 1e4
    if threshold >= 1:
        return None
    return observed.entry(
        f"Two samples of {observed.num_values} values from one distribution differ by less than {noise:.4g} in "
        f"{options.confidence:.1%} of cases; below {_SMALLEST_DISTANCE} no difference matters.",
        {"drift_comparator": {metric: {"threshold": threshold}}},
        noise=float(f"{noise:.4g}"),
        confidence=options.confidence,
        n=observed.num_values,
        **evidence,
    )


def _chi_square(confidence: float, degrees: int) -> float:
    """The quantile of the chi-square distribution, within 1 % (Wilson and Hilferty 1931)."""
    spread = 2 / (9 * degrees)
    return float(degrees * (1 - spread + NormalDist().inv_cdf(confidence) * math.sqrt(spread)) ** 3)


def _wilson_lower(share: float, total: int, confidence: float) -> float:
    """The lower bound of a share (Wilson 1927)."""
    z = NormalDist().inv_cdf(confidence)
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total)
