"""The comparators of a schema: which distances it limits, whether they can apply, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from assay.errors import UsageError, argument, did_you_mean
from assay.kernels.distances.drift import features_by_name
from assay.kernels.expected_features import is_validated
from assay.kernels.feature_path import join_path, path_of
from assay.validation.evidence import AnomalyEvidence
from assay.validation.findings import WHOLE_DATASET, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, FeatureNameStatistics

ControlName = Literal["previous", "serving", "previous_version"]

_COMPARATORS: Final[dict[str, ControlName]] = {"drift_comparator": "previous", "skew_comparator": "serving"}
_OF_DATASET: Final[dict[str, ControlName]] = {
    "num_examples_drift_comparator": "previous",
    "num_examples_version_comparator": "previous_version",
}
MEASURES: Final = {
    "infinity_norm": "L_INFTY",
    "normalized_abs_difference": "NORMALIZED_ABSOLUTE_DIFFERENCE",
    "jensen_shannon_divergence": "JENSEN_SHANNON_DIVERGENCE",
}
COUNTING: Final = frozenset({"infinity_norm", "normalized_abs_difference"})
"""Measures that compare counts of categories; for numbers TFDV's core gives 0 and passes (TFDV #147)."""

UNMEASURED: Final = frozenset({"STATS_NOT_AVAILABLE", "COMPARATOR_CONTROL_DATA_MISSING"})
_CONTROL_WORDS: Final[dict[ControlName, str]] = {
    "previous": "previous span",
    "serving": "serving data",
    "previous_version": "previous version",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparator:
    """One limit of a distance.

    Attributes:
        feature: The feature's name, steps joined with dots; empty for the dataset's own comparators.
        kind: The field that holds it: `drift_comparator`, `skew_comparator`, `num_examples_drift_comparator`, ….
        measure: `infinity_norm`, `jensen_shannon_divergence`, …; empty for the dataset's own.
        threshold: The limit; None for the dataset's own.
    """

    feature: str
    kind: str
    measure: str = ""
    threshold: float | None = None

    @property
    def control(self) -> ControlName:
        """Which statistics it compares with."""
        return _COMPARATORS.get(self.kind) or _OF_DATASET[self.kind]

    @property
    def key(self) -> tuple[str, str, str]:
        """Feature, kind and measure."""
        return self.feature, self.kind, self.measure

    @property
    def field(self) -> str:
        """Its place in the schema."""
        if not self.feature:
            return f"dataset_constraints.{self.kind}"
        return f"feature[{self.feature}].{self.kind}.{self.measure}.threshold"


def comparators_of(schema: Schema, environment: str | None = None) -> tuple[Comparator, ...]:
    """Return every comparator that a schema sets for the features that are validated in an environment."""
    found = [
        each for path, feature in validated_features(schema.feature, environment) for each in _of_feature(path, feature)
    ]
    constraints = schema.dataset_constraints
    return (*found, *(Comparator(feature="", kind=kind) for kind in _OF_DATASET if constraints.HasField(kind)))


def check_schema(schema: Schema, environment: str | None, controls: Iterable[ControlName] | None) -> None:
    """Refuses what validation would pass over in silence; to be called before anything is computed.

    Args:
        schema: What is expected.
        environment: The environment that is validated.
        controls: The control statistics that were given; None if missing ones are only to be reported.

    Raises:
        UsageError: A feature names an environment that the schema does not have; or a comparator has no threshold,
            cannot apply to the type of its feature, or has nothing to compare with. All of them are named.
    """
    problems = [*_environment_problems(schema), *_comparator_problems(schema, environment)]
    if controls is not None:
        given = set(controls)
        lacking = [each for each in comparators_of(schema, environment) if each.control not in given]
        problems += [f"schema.{each.field} has no {_words(each.control)} to compare with" for each in lacking]
    if problems:
        hint = "Change the schema, or give the statistics to compare with."
        if any("to compare with" in problem for problem in problems):
            named = ", ".join(map(argument, ("previous", "serving", "previous_version")))
            missing = argument("on_missing_control", "warning", option="--missing-control")
            hint = f"Give them ({named}), or {missing} if there are none yet, as for a first span."
        raise UsageError("schema.cannot_apply", f"The schema cannot be applied: {'; '.join(problems)}.", hint)


def check_types(schema: Schema, environment: str | None, dataset: DatasetFeatureStatistics) -> None:
    """Refuses comparators that count categories on features which the schema gives no type, and which hold numbers.

    Args:
        schema: What is expected.
        environment: The environment that is validated.
        dataset: The data's features with their types; statistics of no rows will do.

    Raises:
        UsageError: There are such comparators; all of them are named.
    """
    numeric = {path_of(each) for each in dataset.features if each.HasField("num_stats")}
    what = "numeric in the data, and has no type in the schema"
    problems = [
        _counts_of_numbers(f"schema.feature[{path}].{kind}.{measure}", path, what)
        for path, feature in validated_features(schema.feature, environment)
        if feature.type == schema_pb2.TYPE_UNKNOWN and path in numeric
        for kind in _COMPARATORS
        for measure in sorted(COUNTING)
        if feature.HasField(kind) and getattr(feature, kind).HasField(measure)
    ]
    if problems:
        raise UsageError(
            "schema.cannot_apply", f"The schema cannot be applied: {'; '.join(problems)}.", "Change the schema."
        )


def measurements(anomalies: Anomalies) -> dict[tuple[str, str, str], float]:
    """Return the distances that TFDV's core measured, by the `key` of their comparator."""
    names = {name: field for field, name in MEASURES.items()}
    result: dict[tuple[str, str, str], float] = {}
    for info in anomalies.drift_skew_info:
        for kind, found in (
            ("drift_comparator", info.drift_measurements),
            ("skew_comparator", info.skew_measurements),
        ):
            for each in found:
                key = (path_of(info), kind, names.get(type(each).Type.Name(each.type), ""))
                result.setdefault(key, float(each.value))
    return result


def lacks_control(anomalies: Anomalies, comparator: Comparator) -> bool:
    """Return whether TFDV's core itself reports that the control data has no such feature."""
    kind = anomalies_pb2.AnomalyInfo.COMPARATOR_CONTROL_DATA_MISSING
    reasons = anomalies.anomaly_info[comparator.feature].reason if comparator.feature in anomalies.anomaly_info else ()
    return any(reason.type == kind for reason in reasons)


def _words(control: ControlName) -> str:
    return {
        "previous": "statistics of a previous span",
        "serving": "statistics of serving data",
        "previous_version": "statistics of a previous version",
    }[control]


def validated_features(
    features: Iterable[Feature], environment: str | None, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, Feature]]:
    """Return the features that are validated in an environment, with those in structs, by their paths."""
    for feature in features:
        if not is_validated(feature) or environment in feature.not_in_environment:
            continue
        steps = (*above, feature.name)
        yield join_path(steps), feature
        yield from validated_features(feature.struct_domain.feature, environment, steps)


def _of_feature(path: str, feature: Feature) -> Iterator[Comparator]:
    for kind in _COMPARATORS:
        if not feature.HasField(kind):
            continue
        comparator = getattr(feature, kind)
        for measure in MEASURES:
            if comparator.HasField(measure) and getattr(comparator, measure).HasField("threshold"):
                yield Comparator(
                    feature=path, kind=kind, measure=measure, threshold=getattr(comparator, measure).threshold
                )


def _comparator_problems(schema: Schema, environment: str | None) -> Iterator[str]:
    for path, feature in validated_features(schema.feature, environment):
        for kind in _COMPARATORS:
            if feature.HasField(kind):
                yield from _threshold_problems(path, feature, kind)
    for kind in _OF_DATASET:
        if schema.dataset_constraints.HasField(kind):
            bounds = getattr(schema.dataset_constraints, kind)
            if not (bounds.HasField("min_fraction_threshold") or bounds.HasField("max_fraction_threshold")):
                yield f"schema.dataset_constraints.{kind} has no threshold"


def _threshold_problems(path: str, feature: Feature, kind: str) -> Iterator[str]:
    comparator = getattr(feature, kind)
    measures = [measure for measure in MEASURES if comparator.HasField(measure)]
    if not measures:
        yield f"schema.feature[{path}].{kind} names no measure"
    for measure in measures:
        place = f"schema.feature[{path}].{kind}.{measure}"
        threshold = getattr(comparator, measure)
        if not threshold.HasField("threshold"):
            yield f"{place} has no threshold"
        elif not threshold.threshold >= 0:
            yield f"{place}.threshold must not be negative, and is {threshold.threshold}"
        yield from _type_problems(place, measure, feature)


def _type_problems(place: str, measure: str, feature: Feature) -> Iterator[str]:
    if feature.type == schema_pb2.STRUCT:
        yield f"{place} cannot apply to a STRUCT, which has no values of its own"
    elif measure in COUNTING and feature.type in {schema_pb2.INT, schema_pb2.FLOAT} and not _is_categorical(feature):
        yield _counts_of_numbers(
            place, feature.name, f"a numeric feature ({schema_pb2.FeatureType.Name(feature.type)})"
        )


def _counts_of_numbers(place: str, name: str, what: str) -> str:
    return (
        f"{place} compares counts of categories, and {name} is {what}: use jensen_shannon_divergence, or mark its "
        "domain as categorical"
    )


def _is_categorical(feature: Feature) -> bool:
    return bool(feature.int_domain.is_categorical or feature.float_domain.is_categorical) or feature.HasField(
        "bool_domain"
    )


def _environment_problems(schema: Schema) -> Iterator[str]:
    known = set(schema.default_environment)
    for feature in schema.feature:
        for field in ("in_environment", "not_in_environment"):
            for name in getattr(feature, field):
                if name not in known:
                    hint = did_you_mean(name, known)
                    yield (
                        f"schema.feature[{feature.name}].{field} has '{name}', which is not among the schema's "
                        f"default_environment{f' ({hint[:-1]})' if hint else ''}"
                    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparator and the distance that was measured; None where none could be."""

    comparator: Comparator
    observed: float | None


def compare(
    dataset: DatasetFeatureStatistics,
    schema: Schema,
    environment: str | None,
    anomalies: Anomalies,
    controls: Mapping[ControlName, DatasetFeatureStatistics | None],
) -> tuple[tuple[Comparison, ...], list[Finding]]:
    """Return the outcome of every comparator, and a finding for each that nothing was measured for.

    TFDV's core passes in silence where statistics lack what a measure needs (TFDV #147, and a line in its log).

    Args:
        dataset: What was validated.
        schema: The schema.
        environment: The environment.
        anomalies: What TFDV's core found.
        controls: What it was compared with; None where it lacks the slice.
    """
    comparisons, findings = [], []
    ours = features_by_name(dataset)
    theirs = {name: features_by_name(control) for name, control in controls.items() if control is not None}
    distances = measurements(anomalies)
    for comparator in comparators_of(schema, environment):
        control = controls.get(comparator.control)
        observed, problem = None, ""
        if control is None:
            problem = _no_control(comparator, given=comparator.control in controls)
        elif not comparator.feature:
            observed = _ratio(dataset, control)
            problem = "" if observed is not None else "the data to compare with has no examples"
        else:
            observed, problem = _measured(comparator, ours, theirs[comparator.control], distances.get(comparator.key))
        comparisons.append(Comparison(comparator, observed if not problem else None))
        if problem and not (comparator.feature and lacks_control(anomalies, comparator)):
            findings.append(_finding(comparator, problem, has_control=control is not None))
    return tuple(comparisons), findings


def _no_control(comparator: Comparator, *, given: bool) -> str:
    words = _CONTROL_WORDS[comparator.control]
    return f"the {words} has no such slice" if given else f"no statistics of a {words} were given"


def _ratio(dataset: DatasetFeatureStatistics, control: DatasetFeatureStatistics) -> float | None:
    return dataset.num_examples / control.num_examples if control.num_examples else None


def _measured(
    comparator: Comparator,
    ours: Mapping[str, FeatureNameStatistics],
    theirs: Mapping[str, FeatureNameStatistics],
    observed: float | None,
) -> tuple[float | None, str]:
    for side, words in ((ours, "the data"), (theirs, f"the {_CONTROL_WORDS[comparator.control]}")):
        feature = side.get(comparator.feature)
        if feature is None:
            return None, f"{words} has no such feature"
        if comparator.measure in COUNTING and not feature.string_stats.rank_histogram.buckets:
            holds = "numbers" if feature.HasField("num_stats") else "no values"
            return None, f"{comparator.measure} compares counts of categories, and {words} has {holds}"
        if observed is None and not _has_histogram(feature):
            return None, f"{words} has no values that {comparator.measure} could compare"
    return observed, "" if observed is not None else f"{comparator.measure} could not be measured"


def _has_histogram(feature: FeatureNameStatistics) -> bool:
    buckets = [histogram.buckets for histogram in feature.num_stats.histograms]
    return any(buckets) or bool(feature.string_stats.rank_histogram.buckets)


def _finding(comparator: Comparator, problem: str, *, has_control: bool) -> Finding:
    what = comparator.measure or "number of examples"
    return Finding(
        feature=comparator.feature or WHOLE_DATASET,
        type="STATS_NOT_AVAILABLE" if has_control else "COMPARATOR_CONTROL_DATA_MISSING",
        severity="error" if has_control else "warning",
        summary=f"Not compared with the {_CONTROL_WORDS[comparator.control]}: {what}",
        description=f"The threshold was not applied: {problem}.",
        evidence=AnomalyEvidence(limit=comparator.threshold, schema_field=comparator.field),
        name=f"{comparator.kind}.{comparator.measure}",
    )
