"""Anomalies of statistics against a schema, as TFDV's C++ core finds them.

An anomaly of a feature is the reasons why the schema would have to be widened for it. See
docs/decisions/0137-schema-inference-and-anomalies-without-tfdv.md for where TFDV's core differs.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.kernels.feature_path import join_path
from assay.schema.constraints import DROPPED
from assay.schema.domains import Reason, Reasons
from assay.schema.literals import six_digits
from assay.schema.statistics_view import StatisticsView
from assay.schema.widening import Controls, SchemaDraft, missing_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, AnomalyInfo, DriftSkewInfo
    from tensorflow_metadata.proto.v0.schema_pb2 import DatasetConstraints, NumericValueComparator, Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics

    from assay.schema.statistics_view import FeatureView, Path

_Type = anomalies_pb2.AnomalyInfo.Type
_ERROR: Final = anomalies_pb2.AnomalyInfo.ERROR
_UNKNOWN: Final = anomalies_pb2.AnomalyInfo.UNKNOWN
_RANKS: Final = {_UNKNOWN: 0, anomalies_pb2.AnomalyInfo.WARNING: 1, _ERROR: 2}


def find_anomalies(
    dataset: DatasetFeatureStatistics,
    schema: Schema,
    environment: str | None = None,
    *,
    previous_span: DatasetFeatureStatistics | None = None,
    serving: DatasetFeatureStatistics | None = None,
    previous_version: DatasetFeatureStatistics | None = None,
    severities: Mapping[int, int] | None = None,
) -> Anomalies:
    """Find where the data behind statistics does not fit a schema.

    Args:
        dataset: The statistics.
        schema: What is expected.
        environment: What the data is of; features that are not in it are not expected.
        previous_span: What the features' `drift_comparator` compares with.
        serving: What the features' `skew_comparator` compares with.
        previous_version: What the schema's `num_examples_version_comparator` compares with.
        severities: An `AnomalyInfo.Severity` by `AnomalyInfo.Type`; of other types it is ERROR.

    Returns:
        Anomalies by path, without diff regions, which TFDV's public builds do not compute either.
    """
    anomalies = anomalies_pb2.Anomalies(baseline=schema)
    if dataset.num_examples == 0:
        anomalies.data_missing = True
        return anomalies
    anomalies.anomaly_name_format = anomalies_pb2.Anomalies.SERIALIZED_PATH
    statistics = StatisticsView(dataset)
    previous_span_view, serving_view, previous_version_view = (
        None if control is None else StatisticsView(control, by_weight=statistics.by_weight)
        for control in (previous_span, serving, previous_version)
    )
    baseline = SchemaDraft(schema, environment=environment, controls=Controls(previous_span_view, serving_view))
    detection = _Detection(baseline, severities or {})
    for view in statistics.roots:
        detection.examine(view)
    for path in missing_paths(schema, statistics, environment):
        detection.record(path, [_MISSING])
    for path, reasons in detection.reasons.items():
        info = anomalies.anomaly_info[join_path(path)]
        _write(info, reasons, detection.severities[path])
        info.path.step.extend(path)
    if schema.HasField("dataset_constraints"):
        of_dataset = [
            *_compared_sizes(schema.dataset_constraints, statistics, previous_span_view, previous_version_view),
            *_size_out_of_bounds(schema.dataset_constraints, statistics),
        ]
        if of_dataset:
            _write(anomalies.dataset_anomaly_info, of_dataset, _ERROR)
    anomalies.drift_skew_info.extend(detection.measured[path] for path in sorted(detection.measured))
    return anomalies


_MISSING: Final = Reason(_Type.SCHEMA_MISSING_COLUMN, DROPPED, "Column is completely missing")


class _Detection:
    """What was found in features.

    Attributes:
        baseline: The schema; it stays as it is.
        reasons: Why each feature does not fit.
        severities: How bad it is.
        measured: What comparators measured.
    """

    def __init__(self, baseline: SchemaDraft, severities: Mapping[int, int]) -> None:
        self.baseline = baseline
        self._severity_of_type = severities
        self.reasons: defaultdict[Path, Reasons] = defaultdict(list)
        self.severities: defaultdict[Path, int] = defaultdict(int)
        self.measured: dict[Path, DriftSkewInfo] = {}

    def examine(self, view: FeatureView) -> None:
        """Examine a feature and, unless it is not validated, its fields."""
        path = view.path
        if not self.baseline.contains(path):
            self.record(path, self.baseline.excerpt(path).widen_feature(view), even_unknown=True)
            return
        if self.baseline.is_deprecated(path):
            return
        draft = self.baseline.excerpt(path)
        reasons, measured = draft.widen_one(view)
        if measured is not None:
            self.measured[path] = measured
        if self.record(path, reasons) and draft.is_deprecated(path):
            return
        for child in view.children:
            self.examine(child)

    def record(self, path: Path, reasons: Reasons, *, even_unknown: bool = False) -> bool:
        """Record reasons unless their severity is UNKNOWN; return whether."""
        severity = max((self._severity(reason) for reason in reasons), key=_RANKS.__getitem__, default=_UNKNOWN)
        if not reasons or (severity == _UNKNOWN and not even_unknown):
            return False
        self.reasons[path] += reasons
        self.severities[path] = max(self.severities[path], severity, key=_RANKS.__getitem__)
        return True

    def _severity(self, reason: Reason) -> int:
        return self._severity_of_type.get(reason.type, _ERROR)


def _write(info: AnomalyInfo, reasons: Reasons, severity: int) -> None:
    """Write an anomaly; of columns that are new together, only the first is a reason."""
    if all(reason.type == _Type.SCHEMA_NEW_COLUMN for reason in reasons):
        reasons = reasons[:1]
    for reason in reasons:
        info.reason.add(type=reason.type, short_description=reason.short_description, description=reason.description)
    described = [reason for reason in reasons if reason.description]
    info.description = " ".join(reason.description for reason in described)
    info.short_description = "Multiple errors" if len(described) > 1 else (described or reasons)[-1].short_description
    info.severity = severity


def _compared_sizes(
    constraints: DatasetConstraints,
    statistics: StatisticsView,
    previous_span: StatisticsView | None,
    previous_version: StatisticsView | None,
) -> Iterator[Reason]:
    """Yield where the number of examples differs too much from a control's."""
    for field, control, name in (
        ("num_examples_drift_comparator", previous_span, "previous span"),
        ("num_examples_version_comparator", previous_version, "previous version"),
    ):
        if control is not None:
            comparator: NumericValueComparator = getattr(constraints, field)
            yield from _compared_size(comparator, statistics.num_examples, control.num_examples, name)


def _compared_size(comparator: NumericValueComparator, size: float, control: float, name: str) -> Iterator[Reason]:
    maximum, minimum = comparator.max_fraction_threshold, comparator.min_fraction_threshold
    if control == 0:
        if comparator.HasField("max_fraction_threshold"):
            text = (
                f"The {name} has 0 examples, so there is a high number of examples in the current dataset versus the "
                f"{name}."
            )
            title = f"High num examples in current dataset versus the {name}, which has 0."
            yield Reason(_Type.COMPARATOR_HIGH_NUM_EXAMPLES, title, text)
        return
    ratio = size / control
    for field, threshold, is_beyond, kind, level, side in (
        ("max_fraction_threshold", maximum, ratio > maximum, _Type.COMPARATOR_HIGH_NUM_EXAMPLES, "High", "above"),
        ("min_fraction_threshold", minimum, ratio < minimum, _Type.COMPARATOR_LOW_NUM_EXAMPLES, "Low", "below"),
    ):
        if comparator.HasField(field) and is_beyond:
            text = (
                f"The ratio of num examples in the current dataset versus the {name} is {six_digits(ratio)} (up to six "
                f"significant digits), which is {side} the threshold {six_digits(threshold)}."
            )
            yield Reason(kind, f"{level} num examples in current dataset versus the {name}.", text)


def _size_out_of_bounds(constraints: DatasetConstraints, statistics: StatisticsView) -> Iterator[Reason]:
    """Yield where there are too few or too many examples; TFDV's core looks at a maximum only beside a minimum."""
    size = statistics.num_examples
    found = f"The dataset has {six_digits(size)} examples, which is"
    if constraints.HasField("min_examples_count") and size < constraints.min_examples_count:
        text = f"{found} fewer than expected."
        yield Reason(_Type.DATASET_LOW_NUM_EXAMPLES, "Low num examples in dataset.", text)
    if constraints.HasField("max_examples_count") and size > constraints.max_examples_count:
        text = f"{found} more than expected."
        yield Reason(_Type.DATASET_HIGH_NUM_EXAMPLES, "High num examples in dataset.", text)
