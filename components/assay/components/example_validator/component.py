"""The ExampleValidator component."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from assay.artifacts.anomalies import ExampleAnomalies
from assay.artifacts.schema import Schema
from assay.artifacts.splits import chosen_splits
from assay.artifacts.statistics import ExampleStatistics
from assay.components.example_validator.compute import FailOn, counts_against, data_verdict
from assay.components.example_validator.user_checks import named, sorted_checks
from assay.errors import UsageError
from assay.gate.verdict import write_verdict
from assay.kernels.distances import DriftLimits
from assay.kernels.findings import Examination, Expectations, examine
from assay.kernels.findings.comparators import ControlName
from assay.kernels.findings.examination import OnMissingControl
from assay.spec import ExecutionContext, Input, Output, UserModule, component

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList


class Findings(NamedTuple):
    """What conditions can read.

    Attributes:
        blessed: Whether no split has an anomaly that counts.
        num_errors: Anomalies of severity ERROR, over all splits and features.
        num_warnings: Anomalies of severity WARNING, over all splits and features.
    """

    blessed: bool
    num_errors: int
    num_warnings: int


@component(libraries=("tensorflow-data-validation",))
def ExampleValidator(
    context: ExecutionContext,
    statistics: Input[ExampleStatistics],
    schema: Input[Schema],
    anomalies: Output[ExampleAnomalies],
    *,
    previous_statistics: Input[ExampleStatistics] | None = None,
    serving_statistics: Input[ExampleStatistics] | None = None,
    previous_version_statistics: Input[ExampleStatistics] | None = None,
    exclude_splits: list[str] | None = None,
    environment: str | None = None,
    severity_overrides: dict[str, str] | None = None,
    drift_limits: dict[str, DriftLimits] | None = None,
    checks_file: UserModule | None = None,
    on_missing_control: OnMissingControl = "error",
    fail_on: FailOn = "error",
) -> Findings:
    """Holds the statistics of each split, and of each slice in them, against the schema, as TFDV does, and more.

    What TFDV passes over in silence is an error before anything is computed (a comparator that cannot apply or has
    nothing to compare with, an unknown environment) or a finding (a distance that could not be measured).

    An anomaly at or above `fail_on` closes the gate: the run starts no further step and ends with exit code 3. The
    anomalies and the verdict are written all the same.

    Args:
        context: The run that the step is part of.
        statistics: Statistics of the splits.
        schema: What is expected.
        anomalies: An anomalies proto for each split, and `verdict.json` over all of them.
        previous_statistics: Statistics of the previous span, for the schema's drift comparators.
        serving_statistics: Statistics of serving data, for the schema's skew comparators.
        previous_version_statistics: Statistics of an earlier version of the same span, for the schema's
            `num_examples_version_comparator`.
        exclude_splits: Names of splits that are not validated.
        environment: One of the schema's environments.
        severity_overrides: Severity (`ERROR`, `WARNING`, `UNKNOWN`) by anomaly type, such as `SCHEMA_NEW_COLUMN`.
        drift_limits: Limits of distances from the previous span besides the schema's, by feature; `*` stands for all
            features that are not named.
        checks_file: A Python file whose `checks()` gives a list of annotated functions over statistics.
        on_missing_control: What a comparator without anything to compare with is: an `error` before anything is
            computed, or a finding of severity `warning`, as a first span needs it.
        fail_on: The least severity that closes the gate: `error`, `warning`, or `never`.
    """
    splits = chosen_splits(statistics, statistics.split_names, exclude_splits)
    of_statistics, of_rows = sorted_checks(checks_file)
    if of_rows:
        raise UsageError(
            "checks.rows",
            f"The check {named(of_rows[0])} looks at rows, and ExampleValidator has statistics only.",
            "Use assay.validate on the data, or annotate the check's parameters as FeatureSummary.",
        )
    expected = Expectations(
        schema=schema.read(),
        environment=environment,
        severity_overrides=severity_overrides or {},
        drift_limits=drift_limits or {},
        checks=of_statistics,
        on_missing_control=on_missing_control,
    )
    others: dict[ControlName, ExampleStatistics | None] = {
        "previous": previous_statistics,
        "serving": serving_statistics,
        "previous_version": previous_version_statistics,
    }
    given = {name: other for name, other in others.items() if other is not None}
    expected.check(set(given))
    found: dict[str, Examination] = {}
    for split in splits:
        controls = {name: _counterpart(other, split) for name, other in given.items()}
        found[split] = examine(statistics.read(split), expected, controls)
        anomalies.write(split, found[split].overall.anomalies)
    blessed = {split: int(not counts_against(each.findings, fail_on)) for split, each in found.items()}
    verdict = data_verdict(found, expected.schema, fail_on)
    write_verdict(verdict, anomalies.path)
    anomalies.properties["span"] = statistics.properties.get("span", 0)
    anomalies.properties["split_names"] = splits
    anomalies.properties["blessed"] = blessed
    for check in verdict.failed:
        context.log(check.sentence)
    return Findings(
        blessed=all(blessed.values()),
        num_errors=sum(check.severity == "error" for check in verdict.failed),
        num_warnings=sum(check.severity == "warning" for check in verdict.failed),
    )


def _counterpart(other: ExampleStatistics, split: str) -> DatasetFeatureStatisticsList:
    """The statistics that a split is compared with: of the same split, or of the only one there is."""
    return other.read(split if split in other.split_names or len(other.split_names) != 1 else other.split_names[0])
