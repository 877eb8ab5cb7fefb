"""Distances of a feature to a control as TFDV measures them, and the widening of the thresholds that they exceed.

These are the distances of a schema's comparators, over the edges that the histograms happen to have. For distances
over bins that both sides know, see `assay.kernels.distances`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay.schema.domains import Reason, Reasons
from assay.schema.literals import six_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tensorflow_metadata.proto.v0.anomalies_pb2 import DriftSkewInfo
    from tensorflow_metadata.proto.v0.schema_pb2 import FeatureComparator
    from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram

    from assay.schema.statistics_view import FeatureView

ComparatorName = Literal["drift_comparator", "skew_comparator"]

_Type = anomalies_pb2.AnomalyInfo.Type
_Measure = anomalies_pb2.DriftSkewInfo.Measurement
_NAMES: Final = {"drift_comparator": ("current", "previous"), "skew_comparator": ("training", "serving")}


class Distance(NamedTuple):
    """A distance, and of categories the one whose shares differ most."""

    value: float
    farthest: str | None = None


def widen_comparator(
    view: FeatureView,
    control: FeatureView | None,
    name: ComparatorName,
    comparator: FeatureComparator,
) -> tuple[Reasons, list[DriftSkewInfo.Measurement]]:
    """Raise thresholds of a comparator to the distances that exceed them.

    Args:
        view: The data that is compared.
        control: What it is compared with; None where the control lacks the feature: the thresholds are removed then.
        name: Which comparator of the feature it is.
        comparator: Is changed in place.

    Returns:
        The reasons, and everything that was measured.
    """
    thresholds = [each for each in _DISTANCES if getattr(comparator, each).HasField("threshold")]
    if not thresholds:
        return [], []
    treatment_name, control_name = _NAMES[name]
    if control is None:
        for each in ("infinity_norm", "jensen_shannon_divergence"):
            if each in thresholds:
                getattr(comparator, each).ClearField("threshold")
        title = f"{control_name} data missing"
        return [Reason(_Type.COMPARATOR_CONTROL_DATA_MISSING, title, f"{control_name} data is missing.")], []
    reasons, measurements = [], []
    for each in thresholds:
        measure, kind, title, distance_of = _DISTANCES[each]
        bound = getattr(comparator, each)
        threshold = bound.threshold
        distance = distance_of(view, control, bound)
        if distance is None:
            continue
        measurements.append(_Measure(value=distance.value, threshold=threshold, type=measure))
        if distance.value > threshold:
            bound.threshold = distance.value
            sides = f"{title} between {treatment_name} and {control_name}"
            text = (
                f"The {sides} is {six_digits(distance.value)} (up to six significant digits), above the threshold "
                f"{six_digits(threshold)}."
            )
            if distance.farthest is not None:
                text += f" The feature value with maximum difference is: {distance.farthest}"
            reasons.append(Reason(kind, f"High {sides}", text))
    return reasons, measurements


def _l_infinity(view: FeatureView, control: FeatureView, _: object) -> Distance:
    ours, theirs = view.string_counts, control.string_counts
    return _largest_difference(ours, theirs, _total(ours.values()), _total(theirs.values()))


def _normalized_difference(view: FeatureView, control: FeatureView, _: object) -> Distance:
    ours, theirs = view.string_counts, control.string_counts
    total = _total(ours.values()) + _total(theirs.values())
    return _largest_difference(ours, theirs, total, total)


def _largest_difference(
    ours: Mapping[str, float], theirs: Mapping[str, float], size: float, control_size: float
) -> Distance:
    """Return the largest difference of two shares, and of the values that have it the last in order."""
    size, control_size = size or 1.0, control_size or 1.0
    differences = {value: count / size for value, count in ours.items()}
    for value, count in theirs.items():
        differences[value] = differences.get(value, 0.0) - count / control_size
    best, farthest = 0.0, ""
    for value, difference in differences.items():
        found = abs(difference)
        if found > best or (found == best and value >= farthest):
            best, farthest = found, value
    return Distance(best, farthest)


def _jensen_shannon(
    view: FeatureView, control: FeatureView, bound: schema_pb2.JensenShannonDivergence
) -> Distance | None:
    """Return the divergence in bits, None where it cannot be measured: of other kinds of values, or of none."""
    ours, theirs = view.string_counts, control.string_counts
    if ours and theirs:
        if any(count <= 0 for side in (ours, theirs) for count in side.values()):
            return None
        values = sorted({**ours, **theirs}) if ours.keys() != theirs.keys() else list(ours)
        shares = _shares([[side.get(each, 0.0) for each in values] for side in (ours, theirs)])
        # The core adds the terms of both sides value by value; those of histograms it adds side by side.
        return None if shares is None else _capped(_total(term for pair in _terms(*shares) for term in pair))
    wanted = schema_pb2.HistogramSelection.QUANTILES
    kind = statistics_pb2.Histogram
    selected = kind.QUANTILES if bound.source.type == wanted else kind.STANDARD
    histograms = view.histogram(selected), control.histogram(selected)
    if histograms[0] is None or histograms[1] is None:
        return None
    shares = _shares(_aligned(_Histogram.of(histograms[0]), _Histogram.of(histograms[1])))
    return None if shares is None else _capped(_total(map(_total, zip(*_terms(*shares), strict=True))))


def _capped(sum_of_divergences: float) -> Distance:
    return Distance(min(sum_of_divergences / 2, 1.0))  # TFDV 1.16 returns what rounding makes of 1


def _shares(counts: Sequence[Sequence[float]]) -> list[list[float]] | None:
    totals = [_total(side) for side in counts]
    if 0 in totals:
        return None
    return [[count / total for count in side] for side, total in zip(counts, totals, strict=True)]


def _terms(ours: Sequence[float], theirs: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Yield what each share of either side adds to its Kullback-Leibler divergence from the mean of both, in bits."""
    for p, q in zip(ours, theirs, strict=True):
        mean = (p + q) / 2
        yield p * math.log2(p / mean) if p > 0 else 0.0, q * math.log2(q / mean) if q > 0 else 0.0


Buckets: TypeAlias = "list[tuple[float, float, float]]"


class _Histogram(NamedTuple):
    """A histogram of numbers in parts.

    Attributes:
        buckets: Lower edge, upper edge and count of buckets that have a width.
        points: The count of each number that is a bucket of its own.
        infinite: The count of buckets without an end.
        num_nan: The count of NaN.
    """

    buckets: Buckets
    points: dict[float, float]
    infinite: float
    num_nan: float

    @classmethod
    def of(cls, histogram: Histogram) -> _Histogram:
        """Read a histogram."""
        buckets: Buckets = []
        points: dict[float, float] = {}
        infinite = 0.0
        for bucket in histogram.buckets:
            low, high, count = bucket.low_value, bucket.high_value, bucket.sample_count
            if not (math.isfinite(low) and math.isfinite(high)):
                infinite += count
            elif low == high:
                points[low] = points.get(low, 0.0) + count
            else:
                buckets.append((low, high, count))
        return cls(buckets, points, infinite, float(histogram.num_nan))

    @property
    def edges(self) -> set[float]:
        """All lower and upper edges."""
        return {edge for low, high, _ in self.buckets for edge in (low, high)}


def _aligned(ours: _Histogram, theirs: _Histogram) -> tuple[list[float], list[float]]:
    """Return the counts of both histograms over the edges of both, values spread evenly within a bucket.

    Infinities and NaN of one side differ from those of the other: each is a bucket that the other side lacks. NaN
    counts only where the edges are the same, as in TFDV's core, whose figures the thresholds of schemas are meant for.
    """
    edges = ours.edges
    has_same_edges = edges == theirs.edges and len(ours.buckets) == len(theirs.buckets)
    if has_same_edges:
        counts = [[count for _, _, count in side.buckets] for side in (ours, theirs)]
    else:
        cells = sorted(edges | theirs.edges)
        counts = [_spread(side.buckets, cells) for side in (ours, theirs)]
    for point in sorted({*ours.points, *theirs.points}):
        for side, column in zip((ours, theirs), counts, strict=True):
            column.append(side.points.get(point, 0.0))
    for at, side in enumerate((ours, theirs)):
        if side.infinite:
            counts[at].append(side.infinite)
            counts[1 - at].append(0.0)
    if has_same_edges and (ours.num_nan or theirs.num_nan):
        counts[0] += [0.0, ours.num_nan]
        counts[1] += [theirs.num_nan, 0.0]
    return counts[0], counts[1]


def _spread(buckets: Buckets, edges: list[float]) -> list[float]:
    """Spread the counts of buckets evenly over the cells between edges, which include those of the buckets."""
    result, at, last = [], 0, len(edges) - 1
    for low, high, count in buckets:
        while at < last and edges[at] < low:
            result.append(0.0)
            at += 1
        start = at
        while at < last and edges[at] < high:
            at += 1
        result += [(above - below) / (high - low) * count for below, above in pairwise(edges[start : at + 1])]
    return result + [0.0] * (last - at)


def _total(counts: Iterable[float]) -> float:
    total = 0.0
    for count in counts:  # one after the other, as the core adds: sum() of Python 3.12 rounds otherwise
        total += count
    return total


_DISTANCES: Final[Mapping[str, tuple[int, int, str, Callable[..., Distance | None]]]] = {
    "infinity_norm": (_Measure.L_INFTY, _Type.COMPARATOR_L_INFTY_HIGH, "Linfty distance", _l_infinity),
    "normalized_abs_difference": (
        _Measure.NORMALIZED_ABSOLUTE_DIFFERENCE,
        _Type.COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH,
        "normalized absolute difference",
        _normalized_difference,
    ),
    "jensen_shannon_divergence": (
        _Measure.JENSEN_SHANNON_DIVERGENCE,
        _Type.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH,
        "approximate Jensen-Shannon divergence",
        _jensen_shannon,
    ),
}
