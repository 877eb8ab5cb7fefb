"""`assay drift`: the distances between two datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.command import Writes
from assay.cli.console import Quiet, print_remarks
from assay.cli.csv_options import Csv, reads_csv


@reads_csv
def drift(
    context: typer.Context,
    control: Annotated[
        Path, typer.Argument(metavar="CONTROL", help="Data or statistics to compare with, such as the previous span.")
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Data or statistics to check for drift.")],
    *,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold",
            metavar="[FEATURE:]MEASURE=X",
            help="Threshold of all features, or of one, which then has no others; may be repeated. "
            "Measures: l_infinity, "
            "normalized_absolute_difference, jensen_shannon, psi, kolmogorov_smirnov, wasserstein, missing.",
        ),
    ] = None,
    alpha: Annotated[
        float,
        typer.Option(
            help="Significance level: probability of a false alarm for an unchanged feature, over all of its measures."
        ),
    ] = 0.001,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="FEATURE", help="Exclude a feature; may be repeated."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write verdict.json and drift.json."),
        Writes(folder=True),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every distance as JUnit XML."),
        Writes(),
    ] = None,
    csv: Csv,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure the distance of each feature of DATA from the same feature of CONTROL.

    A distance counts as drift if it exceeds both its threshold and what samples of this size reach by chance. Features
    with mostly unique values, such as ids, are named but not compared, unless they have their own threshold.

    Exit codes: 0 no drift, 1 error, 2 wrong usage, 3 drift.

    Examples:
      assay drift 2024-01.csv 2024-02.csv

      # Your own thresholds, for all features or a single one; statistics suffice.
      assay drift before.pb now.csv --threshold psi=0.1 --threshold fare:wasserstein=0.5

      # Without columns that always differ.
      assay drift before.csv now.csv --exclude batch_id --exclude loaded_at
    """
    from assay.cli.data.quick_arrow import keep_pandas_out

    keep_pandas_out(context)
    from assay.api.drift import drift as measure
    from assay.artifacts.outputs import output_folder
    from assay.cli.data.documents import as_json as document_text
    from assay.cli.data.documents import drift_document
    from assay.cli.data.reading import ReadingBar, opened, opened_control
    from assay.cli.data.thresholds import parse_thresholds
    from assay.data.csv_remarks import remarks_of
    from assay.files import write_durably
    from assay.gating.verdict import write_verdict

    thresholds = parse_thresholds(threshold or (), alpha)
    with ReadingBar(quiet=quiet) as bar:
        sides = opened_control(control, bar, csv), opened([data], bar, csv)
        report = measure(*sides, thresholds=thresholds, exclude=exclude or ())
    print_remarks(remarks_of(*sides))
    exit_code = 0 if report.ok else 3
    document = document_text(drift_document(report, exit_code))
    if output is not None:
        with output_folder(output, ("verdict.json", "drift.json")) as folder:
            write_durably(folder / "drift.json", f"{document}\n".encode())
            write_verdict(report.verdict, folder)
    if junit is not None:
        from assay.gating.junit import write_junit

        write_junit(junit, report.verdict, "assay drift")
    if as_json:
        typer.echo(document)
    else:
        from assay.cli.console import open_console
        from assay.cli.data.tables import print_drift

        with open_console(quiet=quiet) as console:
            print_drift(console, report)
    raise typer.Exit(exit_code)
