"""What came of each comparator of a schema: measured, or not, and then why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from assay.kernels.distances.drift import features_by_name
from assay.kernels.findings.comparators import COUNTING, Comparator, comparators_of, lacks_control, measurements
from assay.kernels.findings.evidence import Evidence
from assay.kernels.findings.finding import WHOLE_DATASET, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, FeatureNameStatistics

    from assay.kernels.findings.comparators import ControlName

UNMEASURED: Final = frozenset({"STATS_NOT_AVAILABLE", "COMPARATOR_CONTROL_DATA_MISSING"})
_CONTROL_WORDS: Final[dict[ControlName, str]] = {
    "previous": "previous span",
    "serving": "serving data",
    "previous_version": "previous version",
}


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
    """Gives the outcome of every comparator, and a finding for each that nothing was measured for.

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
        description=f"The limit was not applied: {problem}.",
        evidence=Evidence(limit=comparator.threshold, schema_field=comparator.field),
        name=f"{comparator.kind}.{comparator.measure}",
    )
