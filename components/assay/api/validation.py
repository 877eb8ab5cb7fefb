"""`assay.validate`: whether data fits its schema, and where not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from assay.api.report import Report
from assay.api.schema import schema_of
from assay.api.statistics import is_statistics, opened_rows, statistics_of, types_of
from assay.data.csv_types import CsvOptions
from assay.errors import UsageError, did_you_mean
from assay.kernels.default_slice import default_dataset
from assay.kernels.distances import ALL_FEATURES, DriftThresholds
from assay.validation import Expectations, examine
from assay.validation.dataset_verdict import FailOn, data_verdict, with_contradictions
from assay.validation.examination import OnMissingControl, RowsOf
from assay.validation.user_checks import named, sorted_checks

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from typing_extensions import Unpack

    from assay.api.inputs import DataLike, SchemaLike, StatisticsLike
    from assay.api.rows import ValidatedRows
    from assay.data.csv_types import CsvKeywords
    from assay.gating.verdict import Check
    from assay.kernels.rows.declared_rules import RuleLike
    from assay.kernels.rows.row_report import RowReport
    from assay.kernels.statistics import StatisticsOptions
    from assay.validation.comparators import ControlName


def validate(
    data: DataLike | StatisticsLike,
    schema: SchemaLike,
    *,
    environment: str | None = None,
    previous: DataLike | StatisticsLike | None = None,
    serving: DataLike | StatisticsLike | None = None,
    previous_version: DataLike | StatisticsLike | None = None,
    severity_overrides: Mapping[str, str] | None = None,
    drift_thresholds: DriftThresholds | Mapping[str, DriftThresholds] | None = None,
    checks: str | Path | Iterable[Any] | None = None,
    rows: bool = False,
    on_missing_control: OnMissingControl = "error",
    fail_on: FailOn = "error",
    split: str | None = None,
    options: StatisticsOptions | None = None,
    **csv: Unpack[CsvKeywords],
) -> Report:
    """Validate data against a schema: find anomalies, drift and skew, in every slice, as TFDV does and beyond.

    Args:
        data: Statistics, a statistics file, or anything that `assay.statistics` takes.
        schema: A schema proto, the path of a `schema.pbtxt`, or a Schema artifact. Its types are those of a CSV's
            columns, where every cell can be read so.
        environment: Environment of the schema to validate in.
        previous: Data or statistics of the previous span, for the schema's drift comparators and `drift_thresholds`.
        serving: Data or statistics from serving, for the schema's skew comparators.
        previous_version: Data or statistics of an earlier version, for `num_examples_version_comparator`.
        severity_overrides: Severity (`ERROR`, `WARNING`, `UNKNOWN`) by anomaly type, such as `SCHEMA_NEW_COLUMN`.
        drift_thresholds: Thresholds in addition to the schema's (PSI, Kolmogorov-Smirnov, Wasserstein, …): for all
            features, or by feature name.
        checks: Your own checks: annotated functions over statistics or rows, the path of a module whose `checks()`
            gives their list, or of a file of row rules (YAML or JSON).
        rows: Whether to validate every row as well, and count the rows that break each rule.
        on_missing_control: What a comparator without anything to compare with is: an `error` before anything is
            computed, or a finding of severity `warning`.
        fail_on: The minimum severity that makes the report not ok: `error`, `warning`, or `never`.
        split: The split of Examples that have several.
        options: `StatisticsOptions`, such as slices; every slice is validated.
        **csv: How the cells of a CSV are read: `delimiter`, `missing_values`, `decimal`, `thousands`, `types` and
            `max_record_bytes`, as in `assay.CsvOptions`.

    Raises:
        DataError: If data or schema cannot be read.
        UsageError: If something that is asked for cannot apply: an unknown environment or override, a comparator on a
            feature of another type, or one without anything to compare with.
        UserCodeError: If a check raises.

    Example:
        ```python
        report = assay.validate("eval.csv", "schema.pbtxt")
        if not report.ok:
            print(report)
        ```
    """
    if fail_on not in get_args(FailOn):
        raise UsageError("validate.fail_on", f"fail_on is '{fail_on}'.", did_you_mean(fail_on, get_args(FailOn)))
    of_statistics, of_rows = sorted_checks(checks)
    expected = Expectations(
        schema=schema_of(schema),
        environment=environment,
        severity_overrides=severity_overrides or {},
        drift_thresholds={ALL_FEATURES: drift_thresholds}
        if isinstance(drift_thresholds, DriftThresholds)
        else drift_thresholds or {},
        checks=of_statistics,
        on_missing_control=on_missing_control,
    )
    others: dict[ControlName, Any] = {"previous": previous, "serving": serving, "previous_version": previous_version}
    given = {name: other for name, other in others.items() if other is not None}
    expected.check(set(given))
    place = split or "data"
    reading = CsvOptions(**csv)
    opened = _open(data, split, expected.schema, reading)
    if opened.has_rows and expected.compares:
        expected.check_types(types_of(opened.rows, expected.schema))
    validated = statistics_of(opened.rows, split=split, schema=expected.schema, options=options)
    expected.check_types(default_dataset(validated.proto))
    controls = {
        name: statistics_of(
            other, split=split, schema=expected.schema, options=options, csv=replace(reading, optional=True)
        ).proto
        for name, other in given.items()
    }
    open_rows = opened.rows_against(expected, of_rows)
    report = open_rows().report() if rows or of_rows else None
    decide = opened.decider(expected, report) if opened.has_rows else None
    examination = with_contradictions(examine(validated.proto, expected, controls, decide), expected.schema)
    row_checks = _row_checks(report, place) if report is not None else []
    verdict = data_verdict({place: examination}, expected.schema, fail_on, row_checks)
    return Report(
        findings=examination.findings,
        verdict=verdict,
        anomalies=examination.overall.anomalies,
        statistics=validated,
        schema=expected.schema,
        slices={name: examined.anomalies for name, examined in examination.slices.items()},
        _open_rows=open_rows,
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """Data that was opened once, so that files are scanned once; statistics have no rows."""

    rows: Any
    has_rows: bool

    def rows_against(self, expected: Expectations, functions: tuple[RuleLike, ...]) -> Callable[[], ValidatedRows]:
        """Return a function that compiles the rules and returns the rows on demand."""
        if not self.has_rows and functions:
            raise UsageError(
                "checks.rows",
                f"The check {named(functions[0])} checks rows.",
                "Validate the data, not statistics.",
            )

        def opened() -> ValidatedRows:
            from assay.api.rows import rows_to_validate  # noqa: PLC0415 (most validations look at no rows)

            if not self.has_rows:
                raise UsageError(
                    "rows.statistics", "Statistics were validated, but row checks require rows.", "Validate the data."
                )
            return rows_to_validate(self.rows, expected, functions)

        return opened

    def decider(self, expected: Expectations, report: RowReport | None) -> RowsOf:
        """Return what applies the schema's row rules of some columns, unless all of them were applied already."""

        @cache
        def decide(columns: frozenset[str]) -> RowReport:
            return report or self.rows_against(expected, ())().of_columns(columns).report()

        return decide


def _open(data: Any, split: str | None, schema: Schema, csv: CsvOptions) -> _Opened:
    if is_statistics(data):
        return _Opened(data, has_rows=False)
    return _Opened(opened_rows(data, split, csv, schema), has_rows=True)


def _row_checks(report: RowReport, place: str) -> list[Check]:
    from assay.validation.row_validation import row_checks  # noqa: PLC0415 (as above)

    return list(row_checks(report, place))
