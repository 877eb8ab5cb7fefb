"""Drift thresholds in addition to the schema's: PSI, Kolmogorov-Smirnov, Wasserstein and missing values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import UsageError, argument, did_you_mean
from assay.kernels.distances import Distance, DriftThresholds, FeatureDrift, MeasureName, Side, compare_feature
from assay.kernels.distances.measures import ALL_FEATURES, OF_CATEGORIES, OF_NUMBERS
from assay.kernels.feature_path import feature_paths, resolve_keys
from assay.validation.evidence import AnomalyEvidence
from assay.validation.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics

MEASURE_OF_TYPE: Final[dict[str, MeasureName]] = {
    "COMPARATOR_L_INFTY_HIGH": "l_infinity",
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": "jensen_shannon",
}
MEASURE_WORDS: Final[dict[MeasureName, str]] = {
    "l_infinity": "L-infinity distance",
    "normalized_absolute_difference": "normalised absolute difference",
    "jensen_shannon": "Jensen-Shannon divergence",
    "psi": "population stability index",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov distance",
    "wasserstein": "Wasserstein distance (in standard deviations)",
    "missing": "difference of the shares of missing values",
}


@dataclass(frozen=True, slots=True)
class MeasuredDrift:
    """One distance that was compared with a threshold."""

    feature: str
    distance: Distance
    origin: str


def check_drift_thresholds(limits: Mapping[str, DriftThresholds], schema: Schema, *, has_previous: bool) -> None:
    """Refuses limits that would never be applied.

    Raises:
        UsageError: There is no previous span; a limit names a feature that the schema does not have, or a measure that
            does not apply to its type.
    """
    if limits and not has_previous:
        raise UsageError(
            "drift.no_previous",
            f"{argument('drift_thresholds', option='--threshold')} is set, but there is nothing to compare with.",
            f"Give {argument('previous')} with the statistics of the previous span.",
        )
    known = dict(feature_paths(schema.feature))
    for name, wanted in resolve_keys(limits, known).items():
        if name == ALL_FEATURES:
            continue
        if name not in known:
            raise UsageError(
                "drift.feature",
                f"drift_thresholds names '{name}', which is not in the schema.",
                did_you_mean(name, known),
            )
        applicable = _applicable(known[name])
        for measure in {*OF_CATEGORIES, *OF_NUMBERS} - applicable:
            if wanted.threshold(measure) is not None:
                kind = schema_pb2.FeatureType.Name(known[name].type)
                raise UsageError(
                    "drift.cannot_apply",
                    f"drift_thresholds[{name}].{measure} cannot apply to a feature of type {kind}.",
                    f"Applicable measures: {', '.join(sorted(applicable))}." if applicable else "",
                )


def _applicable(feature: schema_pb2.Feature) -> set[MeasureName]:
    if feature.type == schema_pb2.STRUCT:
        return {"missing"}
    if feature.type == schema_pb2.TYPE_UNKNOWN:
        return {*OF_CATEGORIES, *OF_NUMBERS}
    categorical = feature.int_domain.is_categorical or feature.float_domain.is_categorical
    if feature.type == schema_pb2.BYTES or categorical or feature.HasField("bool_domain"):
        return {*OF_CATEGORIES}
    return {*OF_NUMBERS}


def drift_findings(
    dataset: DatasetFeatureStatistics,
    previous: DatasetFeatureStatistics | None,
    limits: Mapping[str, DriftThresholds],
) -> tuple[tuple[MeasuredDrift, ...], list[Finding]]:
    """Measures each feature that has limits against the previous span; gives all distances, and a finding for drift."""
    if not limits:
        return (), []
    if previous is None:
        return (), []  # a new slice: `examine` says so for the schema's comparators, and check_drift_thresholds for all
    ours, theirs = Side(dataset, {}), Side(previous, {})
    measured, findings = [], []
    names = dict.fromkeys([*ours.names, *theirs.names])
    limits = resolve_keys(limits, names)
    for name in names:
        key = name if name in limits else ALL_FEATURES
        if key not in limits:
            continue
        drift = compare_feature(name, ours, theirs, limits[key], even_identifiers=key != ALL_FEATURES)
        origin = f"drift_thresholds[{key}]"
        measured += [
            MeasuredDrift(name, each, f"{origin}.{each.measure}") for each in drift.distances if each.limit is not None
        ]
        findings += [*_found(drift, origin), *_not_measured(drift, limits[key], origin)]
    return tuple(measured), findings


def judged_by_chance(
    name: str, measure: MeasureName, dataset: DatasetFeatureStatistics, control: DatasetFeatureStatistics
) -> Distance | None:
    """Return the distance over bins that both sides know, and its noise bound; None if there is no bound."""
    drift = compare_feature(name, Side(dataset, {}), Side(control, {}), DriftThresholds(), even_identifiers=True)
    return next((each for each in drift.distances if each.measure == measure and each.chance is not None), None)


def _found(drift: FeatureDrift, origin: str) -> Iterator[Finding]:
    for each in drift.distances:
        if not each.exceeded:
            continue
        by_chance = f" (chance alone stays below {each.chance:.4g})" if each.chance is not None else ""
        at = f", greatest at {each.where}" if each.where else ""
        yield Finding(
            feature=drift.feature,
            type="CUSTOM_VALIDATION",
            severity="error",
            summary=f"Drift from the previous span: high {MEASURE_WORDS[each.measure]}",
            description=(
                f"The {MEASURE_WORDS[each.measure]} is {each.value:.4g}{at}, above the threshold {each.limit:.4g}"
                f"{by_chance}; computed from {each.basis}."
            ),
            evidence=AnomalyEvidence(observed=each.value, limit=each.limit),
            name=f"drift.{each.measure}",
            origin=f"{origin}.{each.measure}",
        )


def _not_measured(drift: FeatureDrift, limits: DriftThresholds, origin: str) -> Iterator[Finding]:
    """Limits that nothing was measured for: the features cannot be compared, or statistics lack what is needed."""
    wanted = {measure for measure in {*OF_CATEGORIES, *OF_NUMBERS} if limits.threshold(measure) is not None}
    lacking = sorted(wanted - {each.measure for each in drift.distances})
    # Limits of all features are not meant for ids; a limit of the feature itself is.
    by_nature = bool(drift.remark) and origin == f"drift_thresholds[{ALL_FEATURES}]"
    if (drift.problem or drift.remark) and lacking:
        yield Finding(
            feature=drift.feature,
            type="STATS_NOT_AVAILABLE",
            severity="info" if by_nature else "error",
            summary="Not compared with the previous span",
            description=f"The thresholds of {', '.join(lacking)} were not applied: {drift.problem or drift.remark}.",
            evidence=AnomalyEvidence(),
            name="drift",
            origin=origin,
        )
