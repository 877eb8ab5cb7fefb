"""The ExampleValidator component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from assay.artifacts.anomalies import ExampleAnomalies
from assay.artifacts.examples import Examples
from assay.artifacts.quarantine import Quarantine
from assay.artifacts.schema import Schema
from assay.artifacts.statistics import ExampleStatistics
from assay.data.splits import chosen_splits
from assay.gating.verdict import write_verdict
from assay.kernels.default_slice import default_dataset
from assay.kernels.distances import DriftThresholds
from assay.kernels.rows.declared_rules import compile_rules, read_rules
from assay.kernels.rows.schema_rules import schema_rules
from assay.spec import ExecutionContext, FilePath, Input, Output, component
from assay.spec.annotations import UserModuleMark
from assay.spec.channel import foresee_splits
from assay.validation import Examination, Expectations, examine
from assay.validation.comparators import ControlName
from assay.validation.dataset_verdict import FailOn, counts_against, data_verdict, with_contradictions
from assay.validation.examination import OnMissingControl
from assay.validation.row_validation import LeakageIs, RowOptions, RowsFound, RowsMode, RowWork
from assay.validation.user_checks import sorted_checks

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList


class ExampleValidatorFindings(NamedTuple):
    """What conditions can read.

    Attributes:
        blessed: Whether no split has an anomaly that counts.
        num_errors: Anomalies of severity ERROR, over all splits and features.
        num_warnings: Anomalies of severity WARNING, over all splits and features.
        num_rejected: Rows that break a rule of severity `error`, over all splits; 0 where there are no examples.
    """

    blessed: bool
    num_errors: int
    num_warnings: int
    num_rejected: int


@component(
    positional=("statistics", "schema", "exclude_splits", "custom_validation_config"),
    foresee=foresee_splits("statistics", "anomalies"),
    refused={"custom_validation_config": "Write the checks in Python (checks_file) or as rules (row_rules_file)."},
)
def ExampleValidator(
    context: ExecutionContext,
    statistics: Input[ExampleStatistics],
    schema: Input[Schema],
    anomalies: Output[ExampleAnomalies],
    *,
    clean_examples: Output[Examples] | None,
    quarantine: Output[Quarantine] | None,
    examples: Input[Examples] | None = None,
    previous_statistics: Input[ExampleStatistics] | None = None,
    serving_statistics: Input[ExampleStatistics] | None = None,
    previous_version_statistics: Input[ExampleStatistics] | None = None,
    exclude_splits: list[str] | None = None,
    environment: str | None = None,
    severity_overrides: dict[str, str] | None = None,
    drift_thresholds: dict[str, DriftThresholds] | None = None,
    checks_file: Annotated[str, UserModuleMark("checks")] | None = None,
    row_rules_file: FilePath | None = None,
    rows: RowsMode = "count",
    max_rejected_share: float = 1.0,
    leakage: LeakageIs = "ignored",
    leakage_by: list[str] | None = None,
    on_missing_control: OnMissingControl = "error",
    fail_on: FailOn = "error",
) -> ExampleValidatorFindings:
    """Validate the statistics of each split, and of each of their slices, against the schema.

    What TFDV passes over in silence is an error before anything is computed (a comparator that cannot apply or has
    nothing to compare with, an unknown environment) or a finding (a distance that could not be measured).

    With `examples`, each row is validated against the schema, too: types, presence, domains, numbers of values, and
    your own rules. With `rows="quarantine"` the rows that break one are kept back, and `clean_examples` go on without
    them; what they alone have against the schema is then a warning.

    An anomaly at or above `fail_on` closes the gate: the run starts no further step and ends with exit code 3. The
    anomalies and the verdict are written all the same.

    Args:
        context: The run that the step is part of.
        statistics: Statistics of the splits.
        schema: What is expected.
        anomalies: An anomalies proto for each split, and `verdict.json` over all of them.
        clean_examples: With `rows="quarantine"`, the rows that break no rule of severity `error`, and all rows of
            excluded splits.
        quarantine: With `rows="quarantine"`, the other rows with their reasons, and counts that add up.
        examples: The rows that the statistics were computed of.
        previous_statistics: Statistics of the previous span, for the schema's drift comparators.
        serving_statistics: Statistics of serving data, for the schema's skew comparators.
        previous_version_statistics: Statistics of an earlier version of the same span, for the schema's
            `num_examples_version_comparator`.
        exclude_splits: Names of splits that are not validated.
        environment: One of the schema's environments.
        severity_overrides: Severity (`ERROR`, `WARNING`, `UNKNOWN`) by anomaly type, such as `SCHEMA_NEW_COLUMN`.
        drift_thresholds: Thresholds of distances from the previous span, in addition to the schema's, by feature; `*`
            stands for all features that are not named.
        checks_file: A Python file whose `checks()` gives a list of annotated functions over statistics or rows.
        row_rules_file: More rules of rows, as YAML or JSON; see `schemas/row_rules.schema.json`.
        rows: What is done with rows that break a rule: they are counted (`count`), or kept back (`quarantine`).
        max_rejected_share: With `rows="quarantine"`, the greatest share of a split's rows that may be kept back. That
            no row is left is an error in any case.
        leakage: What rows are that two splits share: `ignored`, a `warning`, or an `error`.
        leakage_by: The columns that identify a row, such as an id; all by default.
        on_missing_control: What a comparator without anything to compare with is: an `error` before anything is
            computed, or a finding of severity `warning`, as a first span needs it.
        fail_on: The minimum severity that closes the gate: `error`, `warning`, or `never`.
    """
    splits = chosen_splits(str(statistics.path), statistics.split_names, exclude_splits)
    of_statistics, of_rows = sorted_checks(checks_file)
    of_rows += read_rules(row_rules_file) if row_rules_file else ()
    options = RowOptions(
        rows=rows,
        max_rejected_share=max_rejected_share,
        leakage=leakage,
        leakage_by=tuple(leakage_by) if leakage_by else None,
    )
    options.check_examples(examples, splits, of_rows)
    expected = Expectations(
        schema=schema.read(),
        environment=environment,
        severity_overrides=severity_overrides or {},
        drift_thresholds=drift_thresholds or {},
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
    for split in splits:
        expected.check_types(default_dataset(statistics.read(split)))
    in_rows = RowsFound()
    if examples is not None:
        rules = (schema_rules(expected.schema, environment) + compile_rules(of_rows)).with_severities(
            expected.severity_overrides
        )
        in_rows = RowWork(context.engine, examples, rules, options).run(splits, clean_examples, quarantine)
    found: dict[str, Examination] = {}
    for split in splits:
        controls = {name: _counterpart(other, split) for name, other in given.items()}
        examination = examine(statistics.read(split), expected, controls, in_rows.report_of(split))
        anomalies.write(split, examination.overall.anomalies)
        found[split] = in_rows.answered(split, with_contradictions(examination, expected.schema))
        _count_rows(context, split, in_rows)
    verdict = data_verdict(found, expected.schema, fail_on, in_rows.checks)
    write_verdict(verdict, anomalies.path)
    blessed = {split: int(not counts_against(verdict.checks, split, fail_on)) for split in splits}
    anomalies.properties["span"] = statistics.properties.get("span", 0)
    anomalies.properties["split_names"] = splits
    anomalies.properties["blessed"] = blessed
    for check in verdict.failed:
        context.log(check.sentence)
    return ExampleValidatorFindings(
        blessed=all(blessed.values()),
        num_errors=sum(check.severity == "error" for check in verdict.failed),
        num_warnings=sum(check.severity == "warning" for check in verdict.failed),
        num_rejected=in_rows.num_rejected,
    )


def _count_rows(context: ExecutionContext, split: str, found: RowsFound) -> None:
    if split in found.counts:
        counts = found.counts[split]
        context.count_rows(split, read=counts.read, written=counts.clean, rejected=counts.rejected)


def _counterpart(other: ExampleStatistics, split: str) -> DatasetFeatureStatisticsList:
    """Return the statistics that a split is compared with: of the same split, or of the only one there is."""
    return other.read(split if split in other.split_names or len(other.split_names) != 1 else other.split_names[0])
