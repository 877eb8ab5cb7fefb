"""`assay drift`: how far two data sets lie apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def drift(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="A", help="Data or statistics.")],
    control: Annotated[Path, typer.Argument(metavar="B", help="What A is compared with, such as the previous span.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Measure how far each feature of A lies from the same feature of B.

    A distance counts as drift if it exceeds both its limit and what samples of this size reach by chance.
    Exit codes: 0 no drift, 1 error, 2 wrong usage, 3 drift.
    """
    from assay.cli.data.quick_arrow import keep_pandas_out

    keep_pandas_out(context)
    from assay.api.drift import compare
    from assay.cli.data.reading import ReadingBar, opened

    with ReadingBar() as bar:
        report = compare(opened([data], bar), opened([control], bar))
    exit_code = 0 if report.ok else 3
    if as_json:
        from assay.cli.data.documents import as_json as document_text
        from assay.cli.data.documents import drift_document

        typer.echo(document_text(drift_document(report, exit_code)))
    else:
        from assay.cli.console import open_console
        from assay.cli.data.tables import print_drift

        with open_console() as console:
            print_drift(console, report)
    raise typer.Exit(exit_code)
