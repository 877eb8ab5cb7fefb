"""Suggestions of limits on whole data sets: presence, distinct values, and drift that sampling does not explain."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.curation.evidence import Observed
from assay.kernels.distances.distribution import bucket_arrays
from assay.kernels.distances.histogram import histogram_jensen_shannon
from assay.kernels.statistics.summaries.histograms import quantiles_histogram
from assay.kernels.statistics.summaries.quantiles import Quantiles

if TYPE_CHECKING:
    from assay.curation.patch import Entry
    from assay.curation.suggest_options import SuggestOptions
    from assay.kernels.distances.distribution import Doubles

_SMALLEST_DISTANCE: Final = 0.01
"""A distance below this matters to nobody, however large the sample that shows it."""

UNBOUNDED: Final = (1 << 63) - 1
"""For TFDV, a number of distinct values without a maximum has the maximum 0."""

_MAX_DRAWN: Final = 2000
_SIMULATIONS: Final = 60


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
    """A comparator whose threshold the noise between two samples stays below, each at least half as large as this one.

    Half, because the data of a day or a week is seldom of one size. The thresholds are those of TFDV's figures.
    """
    comparator = observed.feature.drift_comparator
    size = observed.num_values // 2
    if comparator.ByteSize() or observed.num_values < options.min_examples or size < 1:
        return None
    if observed.strings is not None and observed.domain in {"domain", "string_domain", "int_domain", "bool_domain"}:
        # TFDV compares shares of what is listed; which values are listed of more is a matter of chance.
        distinct, listed = int(observed.strings.unique), len(observed.strings.rank_histogram.buckets)
        return _infinity_norm(observed, options, size, distinct) if distinct <= listed else None
    if observed.is_category:
        return _infinity_norm(observed, options, size, int(observed.numbers.max - observed.numbers.min) + 1)
    if observed.numbers is not None and observed.domain not in {"time_domain", "time_of_day_domain"}:
        return _jensen_shannon(observed, options, size)
    return None


def _infinity_norm(observed: Observed, options: SuggestOptions, size: int, distinct: int) -> Entry | None:
    """By Hoeffding's inequality for the difference of two means, and a union bound over the values.

    P(max |p - q| >= t) <= 2 k exp(-n t^2) for two samples of n values with k distinct ones.
    """
    if distinct < 2:
        return None
    noise = math.sqrt(math.log(2 * distinct / (1 - options.confidence)) / size)
    comparator: dict[str, dict[str, Any]] = {"infinity_norm": {}}
    return _distance(observed, options, comparator, noise, size, "Hoeffding's inequality", distinct_values=distinct)


def _jensen_shannon(observed: Observed, options: SuggestOptions, size: int) -> Entry | None:
    """By simulation of TFDV's divergence between quantiles histograms, and its worst case at both ends.

    TFDV lays the histograms over each other as if values were spread evenly over each bucket, so that edges which moved
    by chance make a divergence. Of the standard histogram all edges move with the least and the greatest value, which
    for heavy tails says next to nothing (0.2 to 0.9 between equal samples): the comparator reads the quantiles
    histogram. Inside, its edges move as quantiles do, which is simulated from the histogram at hand, with samples of at
    most 2,000 values (larger ones differ by less). Its first and last bucket end at the extreme values, about which
    nothing follows from a histogram: they can add at most their share, in bits, and that is taken.
    """
    wanted = statistics_pb2.Histogram.QUANTILES
    histogram = next((each for each in observed.numbers.histograms if each.type == wanted), None)
    if histogram is None or len(histogram.buckets) < 2 or observed.numbers.min == observed.numbers.max:
        return None
    lows, highs, masses = bucket_arrays(histogram)
    finite = np.isfinite(lows) & np.isfinite(highs) & (masses > 0)
    lows, highs, shares = lows[finite], highs[finite], masses[finite] / masses[finite].sum()
    if not len(shares) or lows[0] == highs[-1]:
        return None
    ends = sum(float(shares[place]) for place in (0, -1) if lows[place] < highs[place])
    drawn = min(size, _MAX_DRAWN)
    rng = np.random.default_rng(0)
    whole = observed.statistics.type == statistics_pb2.FeatureNameStatistics.INT
    divergences = np.array([_simulated(rng, lows, highs, shares, drawn, whole=whole) for _ in range(_SIMULATIONS)])
    deviations = NormalDist().inv_cdf(options.confidence) + 2  # the divergence is skewed to the right
    noise = float(divergences.mean() + deviations * divergences.std(ddof=1)) + ends
    comparator = {"jensen_shannon_divergence": {"source": {"type": "QUANTILES"}}}
    how = f"{_SIMULATIONS} simulated pairs, and the most that the extreme values can add"
    return _distance(observed, options, comparator, noise, drawn, how, buckets=len(shares))


def _simulated(
    rng: np.random.Generator, lows: Doubles, highs: Doubles, shares: Doubles, size: int, *, whole: bool
) -> float:
    """The divergence between the quantiles histograms of two samples of what a histogram describes."""
    pair = []
    for _ in range(2):
        chosen = rng.choice(len(shares), size, p=shares)
        values = highs[chosen] - rng.random(size) * (highs - lows)[chosen]
        values = np.sort(np.ceil(values) if whole else values)
        ranks = np.ceil(np.arange(1, len(shares) + 1) * size / len(shares)).astype(np.int64) - 1
        edges = values[np.append(0, ranks)]
        weights = np.searchsorted(values, edges, side="right").astype(np.float64)
        pair.append(quantiles_histogram(Quantiles(edges, weights)))
    return histogram_jensen_shannon(*pair) or 0.0


def _distance(
    observed: Observed,
    options: SuggestOptions,
    comparator: dict[str, dict[str, Any]],
    noise: float,
    size: int,
    how: str,
    **evidence: Any,
) -> Entry | None:
    threshold = math.ceil(max(noise, _SMALLEST_DISTANCE) * 1e4) / 1e4
    if threshold >= 1:
        return None
    ((metric, plain),) = comparator.items()
    return observed.entry(
        f"Two samples of at least {size} values each from one distribution differ by less than {noise:.4g} in "
        f"{options.confidence:.1%} of cases, by {how}; below {_SMALLEST_DISTANCE} no difference matters.",
        {"drift_comparator": {metric: {"threshold": threshold, **plain}}},
        noise=float(f"{noise:.4g}"),
        confidence=options.confidence,
        n=observed.num_values,
        holds_from=size,
        **evidence,
    )


def _wilson_lower(share: float, total: int, confidence: float) -> float:
    """The lower bound of a share (Wilson 1927)."""
    z = NormalDist().inv_cdf(confidence)
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total)
