"""How far each feature of one data set lies from the same feature of another, measure by measure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.errors import UsageError, did_you_mean
from assay.kernels.distances import limits as chance
from assay.kernels.distances.bins import Bin, bins_of_categories, bins_of_numbers, population_stability_index
from assay.kernels.distances.categorical import jensen_shannon, l_infinity, normalized_absolute_difference
from assay.kernels.distances.distribution import EXACT, Categories, Numbers, distribution_of
from assay.kernels.distances.histogram import histogram_jensen_shannon
from assay.kernels.distances.measure import (
    ALL_FEATURES,
    OF_CATEGORIES,
    OF_NUMBERS,
    Distance,
    DriftLimits,
    FeatureDrift,
    MeasureName,
)
from assay.kernels.distances.numeric import kolmogorov_smirnov, mean_and_deviation, pooled, wasserstein
from assay.kernels.feature_path import path_of, resolve_keys, resolve_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tensorflow_metadata.proto.v0.statistics_pb2 import (
        DatasetFeatureStatistics,
        FeatureNameStatistics,
        Histogram,
    )


@dataclass(frozen=True)
class Side:
    """One of the two data sets.

    Attributes:
        statistics: Its statistics.
        tables: Exact distributions by feature name, where they are known.
    """

    statistics: DatasetFeatureStatistics
    tables: Mapping[str, Categories | Numbers]

    def feature(self, name: str) -> FeatureNameStatistics | None:
        """The feature's statistics; None where there are none."""
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
    treatment: Side, control: Side, limits: DriftLimits | Mapping[str, DriftLimits]
) -> tuple[FeatureDrift, ...]:
    """Compares every feature of either side, those of the treatment first.

    Args:
        treatment: The data.
        control: What it is compared with.
        limits: Limits of all features, or by feature; `*` stands for all that are not named.
    """
    names = dict.fromkeys([*treatment.names, *control.names])
    own = {} if isinstance(limits, DriftLimits) else resolve_keys(limits, names)
    others = limits if isinstance(limits, DriftLimits) else limits.get(ALL_FEATURES, DriftLimits())
    return tuple(compare_feature(name, treatment, control, own.get(name, others)) for name in names)


def check_limits_of_features(limits: Mapping[str, DriftLimits], *sides: Side, whole: bool = True) -> None:
    """Refuses limits of a named feature that would never be applied.

    Args:
        limits: By feature.
        sides: The data sets.
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
                "drift.feature", f"There is a limit for '{name}', which no data has.", did_you_mean(name, known)
            )
        applicable = _applicable(found)
        for measure in sorted({*OF_CATEGORIES, *OF_NUMBERS} - applicable):
            if wanted.threshold(measure) is not None:
                kind = statistics_pb2.FeatureNameStatistics.Type.Name(found.type)
                raise UsageError(
                    "drift.cannot_apply",
                    f"The limit {name}:{measure} cannot apply to values of type {kind}.",
                    f"Measures that can: {', '.join(sorted(applicable))}.",
                )


def _applicable(feature: FeatureNameStatistics) -> set[MeasureName]:
    values = feature.WhichOneof("stats")
    if values == "num_stats":
        return {*OF_NUMBERS}
    return {*OF_CATEGORIES} if values == "string_stats" else {"missing"}


def compare_feature(name: str, treatment: Side, control: Side, limits: DriftLimits) -> FeatureDrift:
    """Compares one feature: all measures that apply to its kind."""
    found = [side.feature(name) for side in (treatment, control)]
    if found[0] is None or found[1] is None:
        lacking = "the data" if found[0] is None else "the data it is compared with"
        return FeatureDrift(feature=name, problem=f"{lacking} has no such feature")
    ours: Categories | Numbers | None
    theirs: Categories | Numbers | None
    if name in treatment.tables and name in control.tables:
        ours, theirs = treatment.tables[name], control.tables[name]
    else:  # like with like: a histogram beside a table of values differs from it even for the same data
        ours, theirs = distribution_of(found[0]), distribution_of(found[1])
    missing = _missing(found[0], found[1], treatment.statistics, control.statistics, limits)
    if isinstance(ours, Categories) and isinstance(theirs, Categories) and ours.size and theirs.size:
        bins = bins_of_categories(ours, theirs)
        distances = (*_categorical(ours, theirs, bins, limits), missing)
        return FeatureDrift(feature=name, kind="categorical", distances=distances, bins=bins)
    if isinstance(ours, Numbers) and isinstance(theirs, Numbers) and ours.size and theirs.size:
        bins = bins_of_numbers(ours, theirs)
        distances = (*_numeric(found[0], found[1], (ours, theirs), bins, limits), missing)
        return FeatureDrift(feature=name, kind="numeric", distances=distances, bins=bins)
    return FeatureDrift(feature=name, distances=(missing,), problem=_problem(found[0], found[1], ours, theirs))


def _problem(ours: FeatureNameStatistics, theirs: FeatureNameStatistics, mine: object, other: object) -> str:
    types = [statistics_pb2.FeatureNameStatistics.Type.Name(each.type) for each in (ours, theirs)]
    empty = [which for which, found in (("the data", mine), ("the data it is compared with", other)) if found is None]
    if len(empty) == 2 and types[0] == types[1]:
        return ""  # structs, opaque bytes, and columns that have no values on either side
    if empty:
        return f"{' and '.join(empty)} has no values to compare ({types[0]} and {types[1]})"
    return f"the types differ: {types[0]}, compared with {types[1]}"


def _categorical(ours: Categories, theirs: Categories, bins: Sequence[Bin], limits: DriftLimits) -> list[Distance]:
    n, m = ours.size, theirs.size
    # Rare categories share a bin of the PSI, but the other measures look at each of them.
    listed = {**ours.counts, **theirs.counts}
    shares = [(ours.counts.get(each, 0.0) + theirs.counts.get(each, 0.0)) / (n + m) for each in listed]
    by_chance: dict[MeasureName, float | None] = {
        "l_infinity": chance.l_infinity_limit(n, m, shares, limits.significance),
        "normalized_absolute_difference": None,  # compares counts: no distribution follows from equal shares
        "jensen_shannon": chance.jensen_shannon_limit(n, m, len(listed), limits.significance),
        "psi": chance.psi_limit(n, m, len(bins), limits.significance),
    }
    values: dict[MeasureName, tuple[float, str]] = {
        "l_infinity": l_infinity(ours, theirs),
        "normalized_absolute_difference": normalized_absolute_difference(ours, theirs),
        "jensen_shannon": (jensen_shannon(ours, theirs), ""),
        "psi": (population_stability_index(bins), ""),
    }
    basis = ours.basis if ours.rest else theirs.basis
    return [
        Distance(
            measure=measure,
            value=value,
            chance=by_chance[measure],
            threshold=limits.threshold(measure),
            where=where,
            basis=basis,
        )
        for measure, (value, where) in values.items()
    ]


def _numeric(
    our_statistics: FeatureNameStatistics,
    their_statistics: FeatureNameStatistics,
    sides: tuple[Numbers, Numbers],
    bins: Sequence[Bin],
    limits: DriftLimits,
) -> list[Distance]:
    ours, theirs = sides
    n, m = ours.size, theirs.size
    both = pooled(ours, theirs)
    _, deviation = mean_and_deviation(both)
    unit = deviation or 1.0
    basis = ours.basis if ours.basis == theirs.basis else f"{ours.basis}, and {theirs.basis}"
    ks, at = kolmogorov_smirnov(ours, theirs)
    values: dict[MeasureName, tuple[float, float, str]] = {
        "psi": (
            population_stability_index(bins),
            chance.psi_limit(n + ours.not_finite, m + theirs.not_finite, len(bins), limits.significance),
            "",
        ),
        "kolmogorov_smirnov": (ks, chance.kolmogorov_smirnov_limit(n, m, limits.significance), f"{at:.6g}"),
        "wasserstein": (
            wasserstein(ours, theirs) / unit,
            chance.wasserstein_limit(n, m, both, limits.significance) / unit,
            "",
        ),
    }
    distances = [
        Distance(
            measure=measure,
            value=value,
            chance=by_chance,
            threshold=limits.threshold(measure),
            where=where,
            basis=basis,
        )
        for measure, (value, by_chance, where) in values.items()
    ]
    divergence = _divergence(our_statistics, their_statistics, sides, bins, limits)
    return [divergence, *distances] if divergence is not None else distances


def _divergence(
    our_statistics: FeatureNameStatistics,
    their_statistics: FeatureNameStatistics,
    sides: tuple[Numbers, Numbers],
    bins: Sequence[Bin],
    limits: DriftLimits,
) -> Distance | None:
    """The Jensen-Shannon divergence: over the bins of exact tables; else of the histograms, as TFDV has it.

    TFDV's figure is far too high where one outlier stretches the equal-width buckets of one side (TFDV #207, #216).
    """
    if all(side.basis == EXACT for side in sides):
        counts = [{each.name: each.treatment for each in bins}, {each.name: each.control for each in bins}]
        value, num_bins, basis = jensen_shannon(*map(Categories, counts)), len(bins), f"{EXACT}, in the bins shown"
    else:
        ours, theirs = _standard(our_statistics), _standard(their_statistics)
        found = histogram_jensen_shannon(ours, theirs) if ours and theirs else None
        if found is None or ours is None or theirs is None or not math.isfinite(found):
            return None
        value, num_bins = found, 2 * max(len(ours.buckets), len(theirs.buckets))
        basis = "the equal-width histograms of both, laid over each other, as TFDV has it"
    n, m = (side.size + side.not_finite for side in sides)
    return Distance(
        measure="jensen_shannon",
        value=value,
        chance=chance.jensen_shannon_limit(n, m, num_bins, limits.significance),
        threshold=limits.threshold("jensen_shannon"),
        basis=basis,
    )


def _standard(feature: FeatureNameStatistics) -> Histogram | None:
    wanted = statistics_pb2.Histogram.STANDARD
    return next((found for found in feature.num_stats.histograms if found.type == wanted and found.buckets), None)


def _missing(
    ours: FeatureNameStatistics,
    theirs: FeatureNameStatistics,
    our_dataset: DatasetFeatureStatistics,
    their_dataset: DatasetFeatureStatistics,
    limits: DriftLimits,
) -> Distance:
    n, m = float(our_dataset.num_examples) or 1.0, float(their_dataset.num_examples) or 1.0
    lacking = [
        float(getattr(each, each.WhichOneof("stats") or "num_stats").common_stats.num_missing)
        for each in (ours, theirs)
    ]
    return Distance(
        measure="missing",
        value=abs(lacking[0] / n - lacking[1] / m),
        chance=chance.share_limit(n, m, sum(lacking) / (n + m), limits.significance),
        threshold=limits.threshold("missing"),
        basis="every example",
    )
