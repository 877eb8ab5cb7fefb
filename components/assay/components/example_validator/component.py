"""The ExampleValidator component."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from assay.artifacts.anomalies import ExampleAnomalies
from assay.artifacts.schema import Schema
from assay.artifacts.splits import chosen_splits
from assay.artifacts.statistics import ExampleStatistics
from assay.components.example_validator.compute import (
    FailOn,
    SplitStatistics,
    counts_against,
    data_verdict,
    find_anomalies,
)
from assay.gate.verdict import write_verdict
from assay.kernels.findings import Finding, find
from assay.spec import ExecutionContext, Input, Output, component

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
    exclude_splits: list[str] | None = None,
    environment: str | None = None,
    severity_overrides: dict[str, str] | None = None,
    fail_on: FailOn = "error",
) -> Findings:
    """Holds the statistics of each split against the schema; finds anomalies, drift and skew as TFDV does.

    An anomaly at or above `fail_on` closes the gate: the run starts no further step and ends with exit code 3. The
    anomalies and the verdict are written all the same.

    Args:
        context: The run that the step is part of.
        statistics: Statistics of the splits.
        schema: What is expected.
        anomalies: An anomalies proto for each split, and `verdict.json` over all of them.
        previous_statistics: Statistics of the previous span, for the schema's drift comparators.
        serving_statistics: Statistics of serving data, for the schema's skew comparators.
        exclude_splits: Names of splits that are not validated.
        environment: One of the schema's environments.
        severity_overrides: Severity (`ERROR`, `WARNING`, `UNKNOWN`) by anomaly type, such as `SCHEMA_NEW_COLUMN`.
        fail_on: The least severity that closes the gate: `error`, `warning`, or `never`.
    """
    splits = chosen_splits(statistics, statistics.split_names, exclude_splits)
    expected = schema.read()
    found: dict[str, tuple[Finding, ...]] = {}
    for split in splits:
        compared = SplitStatistics(
            statistics.read(split),
            previous=_counterpart(previous_statistics, split),
            serving=_counterpart(serving_statistics, split),
        )
        split_anomalies = find_anomalies(
            compared, expected, environment=environment, severity_overrides=severity_overrides
        )
        anomalies.write(split, split_anomalies)
        found[split] = find(compared.statistics, expected, split_anomalies)
    blessed = {split: int(not counts_against(findings, fail_on)) for split, findings in found.items()}
    verdict = data_verdict(found, expected, fail_on)
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


def _counterpart(other: ExampleStatistics | None, split: str) -> DatasetFeatureStatisticsList | None:
    """The statistics that a split is compared with: of the same split, or of the only one there is."""
    if other is None:
        return None
    return other.read(split if split in other.split_names or len(other.split_names) != 1 else other.split_names[0])
