"""How far each feature of one dataset lies from the same feature of another, measure by measure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.errors import UsageError, did_you_mean
from assay.kernels.distances import limits as chance
from assay.kernels.distances.bins import (
    OTHERS,
    Bin,
    bins_of_categories,
    bins_of_numbers,
    number_name,
    population_stability_index,
    psi_contribution,
    shared_categories,
    shared_numbers,
)
from assay.kernels.distances.distribution import EXACT, Categories, Numbers, distribution_of
from assay.kernels.distances.measures import (
    ALL_FEATURES,
    BY_CHANCE,
    OF_CATEGORIES,
    OF_NUMBERS,
    Distance,
    DriftThresholds,
    FeatureDrift,
    MeasureName,
    common_scale,
    jensen_shannon,
    jensen_shannon_contribution,
    kolmogorov_smirnov,
    l_infinity,
    mean_and_deviation,
    normalized_absolute_difference,
    pooled,
    wasserstein,
)
from assay.kernels.feature_path import path_of, resolve_keys, resolve_path

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tensorflow_metadata.proto.v0.statistics_pb2 import (
        DatasetFeatureStatistics,
        FeatureNameStatistics,
    )

_NEARLY_ALL: Final = 0.9
"""The share of distinct among all values from which a feature is taken for an id."""

_FEW_VALUES: Final = 20
"""With fewer, all values may be distinct by chance."""

_EXPECTED_REPEATS: Final = 7.0
"""None of so many is missing by chance with a probability of exp(-7), 0.001."""

_BUCKET_ERROR: Final = 0.01
"""How far a bucket's edge may be off, as a share of all values, where quantiles are approximate."""


@dataclass(frozen=True)
class Side:
    """One of the two datasets.

    Attributes:
        statistics: Its statistics.
        tables: Exact distributions by feature name, where they are known.
    """

    statistics: DatasetFeatureStatistics
    tables: Mapping[str, Categories | Numbers]

    def feature(self, name: str) -> FeatureNameStatistics | None:
        """Return the feature's statistics; None where there are none."""
        return self._by_name.get(name)

    @property
    def names(self) -> list[str]:
        """The features' names, in the data's order."""
        return list(self._by_name)

    @cached_property
    def _by_name(self) -> dict[str, FeatureNameStatistics]:
        return features_by_name(self.statistics)


def feature_name(feature: FeatureNameStatistics) -> str:
    """Return a feature's path."""
    return path_of(feature)


def features_by_name(dataset: DatasetFeatureStatistics) -> dict[str, FeatureNameStatistics]:
    """Return a dataset's features by their paths, in its order; of equal paths the first."""
    result: dict[str, FeatureNameStatistics] = {}
    for feature in dataset.features:
        result.setdefault(feature_name(feature), feature)
    return result


def compare_features(
    treatment: Side,
    control: Side,
    limits: DriftThresholds | Mapping[str, DriftThresholds],
    exclude: Collection[str] = (),
) -> tuple[FeatureDrift, ...]:
    """Compare every feature of either side, those of the treatment first.

    Ids are compared only if they have limits of their own.

    Args:
        treatment: The data.
        control: What it is compared with.
        limits: Limits of all features, or by feature; `*` stands for all that are not named.
        exclude: Features that are left out.
    """
    known = dict.fromkeys([*treatment.names, *control.names])
    left_out = {resolve_path(name, known) for name in exclude}
    names = [name for name in known if name not in left_out]
    own = {} if isinstance(limits, DriftThresholds) else resolve_keys(limits, known)
    others = limits if isinstance(limits, DriftThresholds) else limits.get(ALL_FEATURES, DriftThresholds())
    return tuple(
        compare_feature(name, treatment, control, own.get(name, others), even_identifiers=name in own) for name in names
    )


def check_limits_of_features(limits: Mapping[str, DriftThresholds], *sides: Side, whole: bool = True) -> None:
    """Refuses limits of a named feature that would never be applied.

    Args:
        limits: By feature.
        sides: The datasets.
        whole: Whether the sides are all of the data; of what is not, a feature may be yet to come.

    Raises:
        UsageError: No side has the feature, or a measure does not apply to its values.
    """
    known = {name: side.feature(name) for side in reversed(sides) for name in side.names}
    for name, wanted in limits.items():
        if name == ALL_FEATURES:
            continue
        found = known.get(resolve_path(name, known))
        if found is None and not whole:
            continue
        if found is None:
            raise UsageError(
                "drift.feature",
                f"A threshold is set for '{name}', which is in neither dataset.",
                did_you_mean(name, known),
            )
        applicable = _applicable(found)
        for measure in sorted({*OF_CATEGORIES, *OF_NUMBERS} - applicable):
            if wanted.threshold(measure) is not None:
                kind = statistics_pb2.FeatureNameStatistics.Type.Name(found.type)
                raise UsageError(
                    "drift.cannot_apply",
                    f"The threshold {name}:{measure} cannot apply to values of type {kind}.",
                    f"Applicable measures: {', '.join(sorted(applicable))}.",
                )


def _applicable(feature: FeatureNameStatistics) -> set[MeasureName]:
    values = feature.WhichOneof("stats")
    if values == "num_stats":
        return {*OF_NUMBERS}
    return {*OF_CATEGORIES} if values == "string_stats" else {"missing"}


def compare_feature(
    name: str, treatment: Side, control: Side, limits: DriftThresholds, *, even_identifiers: bool = False
) -> FeatureDrift:
    """Compare one feature: all measures that apply to its kind.

    Args:
        name: The feature.
        treatment: The data.
        control: What it is compared with.
        limits: What the distances must not exceed.
        even_identifiers: Whether to compare values although nearly every one occurs once, as an id's do.
    """
    found = [side.feature(name) for side in (treatment, control)]
    if found[0] is None or found[1] is None:
        lacking = "the data" if found[0] is None else "the data it is compared with"
        return FeatureDrift(feature=name, problem=f"{lacking} has no such feature")
    ours, theirs = (
        side.tables[name] if name in side.tables else distribution_of(feature)
        for side, feature in zip((treatment, control), found, strict=True)
    )
    problem, remark = _incomparable(found, (ours, theirs), even_identifiers=even_identifiers)
    if isinstance(ours, Categories) and isinstance(theirs, Categories) and not (problem or remark):
        ours, theirs = shared_categories(ours, theirs)
        if not ours.counts and ours.rest:
            remark = "no value is frequent enough to be listed in the statistics of both: its values are not compared"
    measures = OF_CATEGORIES if isinstance(ours, Categories) else OF_NUMBERS
    limits = _for_each_measure(limits, ("missing",) if problem or remark else measures)
    missing = _missing(found[0], found[1], treatment.statistics, control.statistics, limits)
    if not (problem or remark) and isinstance(ours, Categories) and isinstance(theirs, Categories):
        bins = bins_of_categories(ours, theirs)
        distances = _categorical(ours, theirs, bins, limits)
        kind = "categorical"
    elif not (problem or remark) and isinstance(ours, Numbers) and isinstance(theirs, Numbers):
        (ours, theirs), binned = shared_numbers(ours, theirs)
        bins = bins_of_numbers(*binned)
        distances = _numeric(ours, theirs, bins, limits)
        kind = "numeric"
    else:
        return FeatureDrift(feature=name, distances=(missing,), problem=problem, remark=remark)
    n, m = round(ours.size), round(theirs.size)
    if min(n, m) < _FEW_VALUES and math.comb(n + m, n) * limits.alpha < 1:
        # Even the rarest of all ways to deal out the values is more likely than alpha: any distance is
        # within what chance reaches, whatever the approximations of its limit say.
        remark = f"too few values ({n:,} and {m:,}) to tell a difference from chance"
        distances = [
            replace(each, chance=None if each.chance is None else max(each.chance, each.value)) for each in distances
        ]
    return FeatureDrift(feature=name, kind=kind, distances=(*distances, missing), bins=bins, remark=remark)


def _incomparable(
    found: Sequence[FeatureNameStatistics | None],
    values: Sequence[Categories | Numbers | None],
    *,
    even_identifiers: bool,
) -> tuple[str, str]:
    """Return why values cannot be compared: a problem, or a remark where that does not suggest drift."""
    ours, theirs = (each for each in found if each is not None)
    types = [statistics_pb2.FeatureNameStatistics.Type.Name(each.type) for each in (ours, theirs)]
    empty = [each is None or not each.size for each in values]
    if all(empty) and types[0] == types[1]:
        if ours.WhichOneof("stats") not in {"num_stats", "string_stats"}:
            return "", ""  # structs, whose fields are compared, and opaque bytes
        return "", "neither side has values to compare"
    if any(empty):
        sides = ("the data", "the data it is compared with")
        lacking = [
            f"{side} has no {'values' if each is None else 'numbers but NaN'}"
            for side, each, lacks in zip(sides, values, empty, strict=True)
            if lacks
        ]
        return f"{' and '.join(lacking)} to compare ({types[0]} and {types[1]})", ""
    if type(values[0]) is not type(values[1]):
        return f"the types differ: {types[0]}, compared with {types[1]}", ""
    identified = [_identifies(*pair) for pair in zip((ours, theirs), values, strict=True)]
    if any(identified) and "" not in identified and not even_identifiers:
        return "", f"{next(filter(None, identified))}: its values are not compared"
    return "", ""


def _for_each_measure(limits: DriftThresholds, measures: Sequence[MeasureName]) -> DriftThresholds:
    """Return the thresholds with each measure's part of the significance level (Bonferroni)."""
    judged = [each for each in measures if limits.threshold(each) is not None and each in BY_CHANCE]
    return replace(limits, alpha=limits.alpha / max(len(judged), 1))


def _identifies(feature: FeatureNameStatistics, values: Categories | Numbers | None) -> str | None:
    """Return why a feature is an id, e-mail address or row number; empty if it is not, None if statistics cannot tell.

    Of a sample of such values nothing follows about the next sample's: all of them are others, or all the same.
    """
    if values is None or values.size < _FEW_VALUES:
        return ""
    if isinstance(values, Categories):
        distinct = len(values.counts) if values.basis == EXACT else int(feature.string_stats.unique)
        if distinct < _NEARLY_ALL * values.size:
            return ""
        return f"nearly every value occurs once ({distinct:,} distinct of {values.size:,.0f}), as an id's do"
    if feature.type != feature.INT:
        return ""
    width = float(values.highs[-1]) - float(values.lows[0]) + 1
    # Of n values over a range of w whole numbers n^2 / (2 w) pairs are expected to be equal, and none is with a
    # probability of at most exp(-n^2 / (2 w)): the birthday problem.
    if not width * 2 * _EXPECTED_REPEATS <= values.size**2:
        return ""
    if values.basis == EXACT:
        never_repeats = len(values.lows) == values.size
    elif width < values.size:
        never_repeats = False
    elif width > values.size:
        return None
    else:  # whole numbers fill their range: each occurs once if all buckets are as wide as they are full
        heights = np.cumsum(values.masses) / values.size
        errors = np.abs(heights - (values.highs - values.lows[0] + 1) / width)
        never_repeats = errors.max() <= _BUCKET_ERROR + 1 / width
    return f"its {values.size:,.0f} whole numbers never repeat, as row numbers and ids do not" if never_repeats else ""


def _categorical(ours: Categories, theirs: Categories, bins: Sequence[Bin], limits: DriftThresholds) -> list[Distance]:
    n, m = ours.size, theirs.size
    if ours.rest or theirs.rest:
        others = OTHERS
        while others in ours.counts or others in theirs.counts:
            others += " "
        ours, theirs = (replace(each, counts={**each.counts, others: each.rest}, rest=0.0) for each in (ours, theirs))
    # Rare categories share a bin of the PSI, but the other measures look at each of them.
    listed = {**ours.counts, **theirs.counts}
    pooled_counts = [ours.counts.get(each, 0.0) + theirs.counts.get(each, 0.0) for each in listed]
    divergence = jensen_shannon_contribution(n, m)
    by_chance: dict[MeasureName, float | None] = {
        "l_infinity": chance.largest_difference_limit(n, m, pooled_counts, limits.alpha),
        "normalized_absolute_difference": None,  # compares counts: no distribution follows from equal shares
        "jensen_shannon": min(chance.summed_limit(n, m, pooled_counts, divergence, limits.alpha), 1.0),
        "psi": _psi_limit(bins, limits),
    }
    values: dict[MeasureName, tuple[float, str]] = {
        "l_infinity": l_infinity(ours, theirs),
        "normalized_absolute_difference": normalized_absolute_difference(ours, theirs),
        "jensen_shannon": (jensen_shannon(ours, theirs), ""),
        "psi": (population_stability_index(bins), ""),
    }
    return [
        Distance(
            measure=measure,
            value=value,
            chance=by_chance[measure],
            threshold=limits.threshold(measure),
            where=where,
            basis=ours.basis,
        )
        for measure, (value, where) in values.items()
    ]


def _numeric(ours: Numbers, theirs: Numbers, bins: Sequence[Bin], limits: DriftThresholds) -> list[Distance]:
    n, m = ours.size, theirs.size
    scale = common_scale(ours, theirs)
    if scale != 1.0:
        ours, theirs = (replace(each, lows=each.lows / scale, highs=each.highs / scale) for each in (ours, theirs))
    both = pooled(ours, theirs)
    _, deviation = mean_and_deviation(both)
    unit = deviation or 1.0
    ks, at = kolmogorov_smirnov(ours, theirs)
    counts = np.array([(each.treatment, each.control) for each in bins]).T
    in_bins = counts.sum(axis=1)
    divergence = jensen_shannon_contribution(in_bins[0], in_bins[1])
    place = number_name(at * scale, ours.ends)
    by_chance = chance.summed_limit(in_bins[0], in_bins[1], counts.sum(axis=0), divergence, limits.alpha)
    wasserstein_chance = chance.wasserstein_limit(n, m, both, limits.alpha) / unit
    values: dict[MeasureName, tuple[float, float, str]] = {
        "jensen_shannon": (min(float(divergence(*counts).sum()), 1.0), min(by_chance, 1.0), ""),
        "psi": (population_stability_index(bins), _psi_limit(bins, limits), ""),
        "kolmogorov_smirnov": (ks, chance.kolmogorov_smirnov_limit(n, m, limits.alpha), place),
        "wasserstein": (wasserstein(ours, theirs) / unit, wasserstein_chance, ""),
    }
    return [
        Distance(
            measure=measure,
            value=value,
            chance=expected,
            threshold=limits.threshold(measure),
            where=where,
            basis=f"{ours.basis}, in the bins shown" if measure in {"jensen_shannon", "psi"} else ours.basis,
        )
        for measure, (value, expected, where) in values.items()
    ]


def _psi_limit(bins: Sequence[Bin], limits: DriftThresholds) -> float:
    n, m = sum(each.treatment for each in bins), sum(each.control for each in bins)
    pooled_counts = [each.treatment + each.control for each in bins]
    return chance.summed_limit(n, m, pooled_counts, psi_contribution(n, m, len(bins)), limits.alpha)


def _missing(
    ours: FeatureNameStatistics,
    theirs: FeatureNameStatistics,
    our_dataset: DatasetFeatureStatistics,
    their_dataset: DatasetFeatureStatistics,
    limits: DriftThresholds,
) -> Distance:
    n, m = float(our_dataset.num_examples) or 1.0, float(their_dataset.num_examples) or 1.0
    lacking = [
        float(getattr(each, each.WhichOneof("stats") or "num_stats").common_stats.num_missing)
        for each in (ours, theirs)
    ]
    return Distance(
        measure="missing",
        value=abs(lacking[0] / n - lacking[1] / m),
        chance=chance.largest_difference_limit(n, m, [sum(lacking)], limits.alpha),
        threshold=limits.threshold("missing"),
        basis="every example",
    )
