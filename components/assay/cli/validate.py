"""`assay validate`: whether data fits its schema, with an exit code that a pipeline can stop on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from assay.cli.command import Writes
from assay.cli.console import Quiet, print_remarks
from assay.cli.csv_options import Csv, reads_csv


@reads_csv
def validate(
    context: typer.Context,
    data: Annotated[
        list[Path], typer.Argument(metavar="DATA|STATS", help="CSV, Parquet or TFRecord files, or a statistics file.")
    ],
    schema: Annotated[Path, typer.Option(metavar="FILE", help="Schema, as a text proto.")],
    *,
    environment: Annotated[str | None, typer.Option(help="Environment of the schema to validate in.")] = None,
    previous: Annotated[
        Path | None, typer.Option(help="Data or statistics of the previous span, to check for drift.")
    ] = None,
    serving: Annotated[Path | None, typer.Option(help="Data or statistics from serving, to check for skew.")] = None,
    previous_version: Annotated[
        Path | None, typer.Option(help="Data or statistics of an earlier version of the same span.")
    ] = None,
    missing_control: Annotated[
        Literal["error", "warning"], typer.Option(help="How to report a comparator whose control data is missing.")
    ] = "error",
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="SLICES",
            help="Also validate slices: by a feature's values (city), some of them (city=Paris|Rome), bins "
            "(fare[10,20]), periods of time (start:month), a condition ('fare > 10'), or crosses of these, joined by "
            "commas; may be repeated.",
        ),
    ] = None,
    checks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Custom checks: a Python file with a checks() function, or a file of row rules."
        ),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold",
            metavar="[FEATURE:]MEASURE=X",
            help="Additional drift threshold, on top of the schema's, in the form of `assay drift`; may be repeated.",
        ),
    ] = None,
    severity: Annotated[
        list[str] | None,
        typer.Option(
            "--severity",
            metavar="TYPE=LEVEL",
            help="Severity of an anomaly type, as TYPE=ERROR, WARNING or UNKNOWN; may be repeated.",
        ),
    ] = None,
    fail_on: Annotated[
        Literal["error", "warning", "never"], typer.Option(help="Minimum severity that fails the validation.")
    ] = "error",
    quarantine: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder to write clean and rejected rows to, with reasons."),
        Writes(folder=True),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write FeatureStats.pb, SchemaDiff.pb and verdict.json."),
        Writes(folder=True),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every check as JUnit XML."), Writes()
    ] = None,
    rows: Annotated[bool, typer.Option("--rows", help="Also validate every row against the schema.")] = False,
    csv: Csv,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    quiet: Quiet = False,
) -> None:
    """Validate data against a schema: anomalies, drift, skew and row errors.

    Exit codes: 0 passed, 1 error, 2 wrong usage, 3 anomalies at or above --fail-on.

    Examples:
      # Do today's data fit the schema, and did they drift since yesterday?
      assay validate today.csv --schema schema.pbtxt --previous yesterday.csv

      # Every row by itself; the clean ones go on, the others say why not.
      assay validate in/*.parquet --schema schema.pbtxt --quarantine sorted/

      # In CI: one line on the screen, and the checks as tests.
      assay validate new.csv --schema schema.pbtxt -q --junit junit.xml
    """
    from assay.cli.data.quick_arrow import keep_pandas_out

    if checks is None or checks.suffix != ".py":
        keep_pandas_out(context)
    from assay.api.validation import validate as validate_data
    from assay.cli.data.reading import ReadingBar, opened, opened_control
    from assay.cli.data.thresholds import parse_own_thresholds, parse_severities
    from assay.cli.schema_files import read_schema
    from assay.kernels.statistics import StatisticsOptions
    from assay.kernels.statistics.slices.text import slicing_of_text
    from assay.spec.user_code import output_to_stderr

    slices = tuple(map(slicing_of_text, by or ()))
    expected = read_schema(schema)
    with ReadingBar(quiet=quiet) as bar, output_to_stderr():
        report = validate_data(
            opened(data, bar, csv, expected),
            expected,
            environment=environment,
            previous=opened_control(previous, bar, csv, expected),
            serving=opened_control(serving, bar, csv, expected),
            previous_version=opened_control(previous_version, bar, csv, expected),
            severity_overrides=parse_severities(severity or ()),
            drift_thresholds=parse_own_thresholds(threshold or ()),
            checks=checks,
            rows=rows,
            on_missing_control=missing_control,
            fail_on=fail_on,
            options=StatisticsOptions(slices=slices),
        )
        of_rows = report.rows() if rows else None
        counts = report.quarantine(quarantine) if quarantine is not None else None
    if output is not None:
        report.save(output)
    if junit is not None:
        from assay.gating.junit import write_junit

        write_junit(junit, report.verdict, "assay validate")
    exit_code = 0 if report.ok else 3
    print_remarks(report.statistics.csv_remarks)
    if as_json:
        from assay.cli.data.documents import as_json as document_text
        from assay.cli.data.documents import validate_document

        typer.echo(document_text(validate_document(report, exit_code, of_rows, counts)))
    else:
        from assay.cli.console import open_console
        from assay.cli.data.tables import print_report

        with open_console(quiet=quiet) as console:
            print_report(console, report, of_rows)
            if counts is not None:
                outcome = f"{counts.read:,} rows: {counts.clean:,} clean, {counts.rejected:,} rejected"
                console.print(f"{outcome}, in {quarantine}", soft_wrap=True)
    raise typer.Exit(exit_code)
