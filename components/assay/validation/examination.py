"""Validate statistics against everything that is expected of them: every slice, every comparator, every check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay.errors import UsageError, did_you_mean
from assay.kernels.default_slice import default_dataset
from assay.kernels.distances import DriftThresholds, Side, check_limits_of_features
from assay.kernels.feature_path import feature_paths, resolve_keys
from assay.validation.anomaly_detection import find_anomalies
from assay.validation.comparators import (
    UNMEASURED,
    Comparison,
    ControlName,
    check_schema,
    check_types,
    comparators_of,
    compare,
)
from assay.validation.custom_checks import StatisticsCheck, run_checks
from assay.validation.drift_findings import (
    MEASURE_OF_TYPE,
    MeasuredDrift,
    check_drift_thresholds,
    drift_findings,
    judged_by_chance,
)
from assay.validation.findings import Finding, find, record, severity_of
from assay.validation.nan_values import HAS_NAN, nan_findings, without_extremes_of_nan
from assay.validation.undecided import Undecided, decide, holds_in_every_row, not_checked, undecided, without

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import (
        DatasetFeatureStatistics,
        DatasetFeatureStatisticsList,
    )

    from assay.kernels.rows.row_report import RowReport

OnMissingControl = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What data is validated against.

    Attributes:
        schema: The schema.
        environment: One of its environments.
        severity_overrides: Severity by anomaly type.
        drift_thresholds: Thresholds in addition to the schema's, by feature; `*` stands for all features that are not
            named.
        checks: A user's own checks of statistics.
        on_missing_control: What a comparator is that has nothing to compare with: an error before anything is
            computed, or a finding of severity warning.
    """

    schema: Schema
    environment: str | None = None
    severity_overrides: Mapping[str, str] = field(default_factory=dict)
    drift_thresholds: Mapping[str, DriftThresholds] = field(default_factory=dict)
    checks: tuple[StatisticsCheck, ...] = ()
    on_missing_control: OnMissingControl = "error"

    def check(self, controls: set[ControlName]) -> None:
        """Refuses what cannot be applied, before anything is computed.

        Args:
            controls: Which statistics to compare with will be given.

        Raises:
            UsageError: The environment or an override is unknown; see `check_schema` and `check_drift_thresholds`.
        """
        check_environment(self.schema, self.environment)
        check_severities(self.severity_overrides)
        check_schema(self.schema, self.environment, controls if self.on_missing_control == "error" else None)
        check_drift_thresholds(self.drift_thresholds, self.schema, has_previous="previous" in controls)

    @property
    def compares(self) -> bool:
        """Whether anything is to be compared with other data."""
        return bool(self.drift_thresholds or comparators_of(self.schema, self.environment))

    def check_types(self, dataset: DatasetFeatureStatistics) -> None:
        """Refuses what cannot be applied to the data's types, where the schema says none.

        Args:
            dataset: The data's features with their types; statistics of no rows will do.

        Raises:
            UsageError: A comparator or a limit does not apply; see `comparators.check_types`.
        """
        check_types(self.schema, self.environment, dataset)
        types = {path: each.type for path, each in feature_paths(self.schema.feature)}
        untyped = {path for path, kind in types.items() if kind == schema_pb2.TYPE_UNKNOWN}
        limits = {
            name: wanted for name, wanted in resolve_keys(self.drift_thresholds, types).items() if name in untyped
        }
        check_limits_of_features(limits, Side(dataset, {}), whole=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceAnomalies:
    """One slice, or all of the data.

    Attributes:
        anomalies: What TFDV finds, and our own findings as CUSTOM_VALIDATION or STATS_NOT_AVAILABLE.
        findings: All that does not fit.
        comparisons: Every comparator of the schema, with what it measured.
        drift: Every distance that was compared with `drift_thresholds`.
        passed_checks: The ids of custom checks that the data passes.
    """

    anomalies: Anomalies
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...] = ()
    drift: tuple[MeasuredDrift, ...] = ()
    passed_checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found in the data as a whole, and in each of its slices by name."""

    overall: SliceAnomalies
    slices: dict[str, SliceAnomalies] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, those of the whole data first."""
        return (*self.overall.findings, *(found for each in self.slices.values() for found in each.findings))


Controls = Mapping[ControlName, "DatasetFeatureStatisticsList"]
RowsOf = Callable[[frozenset[str]], "RowReport"]


def examine(
    statistics: DatasetFeatureStatisticsList,
    expected: Expectations,
    controls: Controls,
    rows: RowsOf | None = None,
) -> Examination:
    """Examine all of the data, and every slice in the statistics.

    Args:
        statistics: What is validated.
        expected: What is expected.
        controls: What it is compared with.
        rows: Row rules of some columns over the rows of the statistics: what they find decides the constraints that
            statistics cannot.

    A slice is compared with the slice of the same name. Limits on the number of examples are those of the whole data
    and do not apply to a part of it; see docs/decisions/0050-validation-of-slices.md.

    Raises:
        UsageError: Something cannot be applied; see `Expectations.check`.
        UserCodeError: A custom check raised.
    """
    expected.check(set(controls))
    whole = default_dataset(statistics)
    of_slices = replace(expected, schema=schema_of_slices(expected.schema))
    return Examination(
        overall=_examine(whole, expected, {name: default_dataset(control) for name, control in controls.items()}, rows),
        slices={
            dataset.name: _named(
                dataset.name,
                _examine(
                    dataset,
                    of_slices,
                    {name: _same(control, dataset.name) for name, control in controls.items()},
                    rows,
                    is_slice=True,
                ),
            )
            for dataset in statistics.datasets
            if dataset.name != whole.name
        },
    )


def schema_of_slices(schema: Schema) -> Schema:
    """Return the schema without limits that count the examples of the whole dataset."""
    result = schema_pb2.Schema()
    result.CopyFrom(schema)
    if result.HasField("dataset_constraints"):
        result.dataset_constraints.ClearField("min_examples_count")
        result.dataset_constraints.ClearField("max_examples_count")
    for feature in result.feature:
        if feature.HasField("presence"):
            feature.presence.ClearField("min_count")
        if feature.HasField("unique_constraints"):
            feature.unique_constraints.ClearField("min")
    return result


def _same(control: DatasetFeatureStatisticsList, name: str) -> DatasetFeatureStatistics | None:
    return next((dataset for dataset in control.datasets if dataset.name == name), None)


def _named(name: str, examined: SliceAnomalies) -> SliceAnomalies:
    return replace(examined, findings=tuple(replace(found, slice=name) for found in examined.findings))


def _examine(
    dataset: DatasetFeatureStatistics,
    expected: Expectations,
    controls: Mapping[ControlName, DatasetFeatureStatistics | None],
    rows: RowsOf | None,
    *,
    is_slice: bool = False,
) -> SliceAnomalies:
    open_constraints = undecided(dataset, expected.schema, expected.environment)
    of_rows: list[Finding] = []
    decided: list[Undecided] = []
    if rows is not None and open_constraints and is_slice:
        report = rows(frozenset(each.column for each in open_constraints))
        decided = [each for each in open_constraints if holds_in_every_row(each, report)]
    elif rows is not None and open_constraints:
        of_rows, decided = decide(open_constraints, rows(frozenset(each.column for each in open_constraints)))
    open_constraints = [each for each in open_constraints if each not in decided]
    estimated = [each for each in open_constraints if each.within_error]
    anomalies = validate_statistics(
        _listed(without_extremes_of_nan(dataset)),
        without(expected.schema, [*decided, *estimated]),
        expected.environment,
        previous_span=_listed(controls.get("previous")),
        serving=_listed(controls.get("serving")),
        previous_version=_listed(controls.get("previous_version")),
        severity_overrides=expected.severity_overrides,
    )
    anomalies.baseline.CopyFrom(expected.schema)
    found = find(_listed(dataset), expected.schema, anomalies)
    broken = {(finding.feature, finding.type) for finding in found}
    not_decided = [
        not_checked(each)
        for each in open_constraints
        if each in estimated or not any((each.feature, reason) in broken for reason in each.reasons)
    ]
    reported = [name for name, kind in broken if kind == HAS_NAN]
    of_nan = nan_findings(dataset, expected.schema, expected.environment, reported, is_slice=is_slice)
    found = tuple(_with_chance(finding, dataset, controls, is_slice=is_slice) for finding in found)
    comparisons, not_compared = compare(dataset, expected.schema, expected.environment, anomalies, controls)
    drift, drifted = drift_findings(dataset, controls.get("previous"), expected.drift_thresholds)
    failed, passed = run_checks(expected.checks, dataset)
    ours = [
        _overridden(finding, expected.severity_overrides)
        for finding in (*of_rows, *not_decided, *of_nan, *not_compared, *drifted, *failed)
    ]
    if is_slice:  # a slice may be new, or hold next to nothing: that alone does not fail the data
        ours = [replace(finding, severity="warning") if finding.type in UNMEASURED else finding for finding in ours]
    record(anomalies, ours)
    return SliceAnomalies(
        anomalies=anomalies,
        findings=(*found, *ours),
        comparisons=comparisons,
        drift=drift,
        passed_checks=tuple(passed),
    )


def _listed(dataset: DatasetFeatureStatistics | None) -> DatasetFeatureStatisticsList | None:
    return None if dataset is None else statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])


def _overridden(finding: Finding, overrides: Mapping[str, str]) -> Finding:
    severity = overrides.get(finding.type)
    return finding if severity is None else replace(finding, severity=severity_of(severity))


def _with_chance(
    finding: Finding,
    dataset: DatasetFeatureStatistics,
    controls: Mapping[ControlName, DatasetFeatureStatistics | None],
    *,
    is_slice: bool,
) -> Finding:
    """Says beside a distance above its threshold what so few examples reach by chance.

    A threshold is written for some sample size, and TFDV's figures also contain what the edges of histograms make of
    equal data. Within chance, the finding of a slice becomes a warning: a rare slice alone does not fail the data.
    """
    if finding.type not in MEASURE_OF_TYPE or finding.severity != "error":
        return finding
    control = controls.get("serving" if "serving" in finding.summary else "previous")
    observed = finding.evidence.observed
    if control is None or not isinstance(observed, float):
        return finding
    found = judged_by_chance(finding.feature, MEASURE_OF_TYPE[finding.type], dataset, control)
    if found is None or found.chance is None:
        return finding
    within = found.value <= found.chance
    words = (
        f"{finding.description} Over bins that both know, the distance is {found.value:.3g}; "
        f"{dataset.num_examples:,} and {control.num_examples:,} examples reach {found.chance:.3g} by chance (0.1 %)"
        f"{': this is within chance, and the threshold is not meant for so few' if within else ''}."
    )
    return replace(finding, severity="warning" if within and is_slice else finding.severity, description=words)


def validate_statistics(
    statistics: DatasetFeatureStatisticsList,
    schema: Schema,
    environment: str | None = None,
    *,
    previous_span: DatasetFeatureStatisticsList | None = None,
    serving: DatasetFeatureStatisticsList | None = None,
    previous_version: DatasetFeatureStatisticsList | None = None,
    severity_overrides: Mapping[str, str] | None = None,
) -> Anomalies:
    """Find where the data behind `statistics` does not fit `schema`.

    Args:
        statistics: Of one dataset, or of slices that include `All Examples`, which is then the one that is checked.
        schema: What is expected.
        environment: One of the schema's `default_environment`; features that are not in it are not expected.
        previous_span: Statistics that the features' `drift_comparator` compares with.
        serving: Statistics that the features' `skew_comparator` compares with.
        previous_version: Statistics that the schema's `num_examples_version_comparator` compares with.
        severity_overrides: Severities ("WARNING", "ERROR", "UNKNOWN") by anomaly type ("SCHEMA_NEW_COLUMN").

    Raises:
        UsageError: The environment is not in the schema, or an override names no anomaly type or severity.
        ArtifactError: Statistics of several slices have none of all examples.
    """
    check_environment(schema, environment)
    return find_anomalies(
        default_dataset(statistics),
        schema,
        environment,
        previous_span=previous_span and default_dataset(previous_span),
        serving=serving and default_dataset(serving),
        previous_version=previous_version and default_dataset(previous_version),
        severities=_severities(severity_overrides or {}),
    )


def check_environment(schema: Schema, environment: str | None) -> None:
    """Refuses an environment that the schema does not have.

    Raises:
        UsageError: It is not among the schema's `default_environment`.
    """
    if environment is not None and environment not in schema.default_environment:
        raise UsageError(
            "schema.unknown_environment",
            f"Environment '{environment}' is not among the schema's default_environment.",
            did_you_mean(environment, schema.default_environment) or "Add it to the schema's default_environment.",
        )


def check_severities(severity_overrides: Mapping[str, str]) -> None:
    """Refuses names that tensorflow-metadata does not have.

    Raises:
        UsageError: An override names no anomaly type or no severity.
    """
    _severities(severity_overrides)


def _severities(severity_overrides: Mapping[str, str]) -> dict[int, int]:
    return {
        _enum_value(anomalies_pb2.AnomalyInfo.Type, "anomaly type", anomaly_type): _enum_value(
            anomalies_pb2.AnomalyInfo.Severity, "severity", severity
        )
        for anomaly_type, severity in severity_overrides.items()
    }


def _enum_value(enum: type[anomalies_pb2.AnomalyInfo.Type], what: str, name: str) -> int:
    if name not in enum.keys():  # noqa: SIM118  an EnumTypeWrapper is not a mapping
        raise UsageError(
            "anomalies.unknown_name", f"'{name}' is no {what} in tensorflow-metadata.", did_you_mean(name, enum.keys())
        )
    value: int = enum.Value(name)
    return value
