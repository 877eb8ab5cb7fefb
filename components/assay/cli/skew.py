"""`assay skew` and `assay leakage`: datasets compared row by row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.command import Writes
from assay.cli.console import Quiet, open_console, print_remarks
from assay.cli.csv_options import Csv, reads_csv

if TYPE_CHECKING:
    import msgspec

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="File to write the JSON to as well."),
    Writes(),
]


@reads_csv
def skew(
    context: typer.Context,
    control: Annotated[
        Path, typer.Argument(metavar="CONTROL", help="Data to compare with, such as the training data.")
    ],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Data to compare, such as the serving data.")],
    *,
    join_on: Annotated[
        list[str],
        typer.Option(
            "--join-on", metavar="FEATURE", help="Column that identifies an example; repeat for a composite id."
        ),
    ],
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="FEATURE", help="Column to leave out of the comparison; may be repeated."),
    ] = None,
    confusion: Annotated[
        list[str] | None,
        typer.Option(metavar="FEATURE", help="Column whose pairs of values are counted; may be repeated."),
    ] = None,
    pairs: Annotated[int, typer.Option(min=0, help="Maximum number of differing pairs to show.")] = 5,
    digits: Annotated[
        int | None, typer.Option(help="Round numbers, including ids, to this many decimal places.")
    ] = None,
    allow_duplicates: Annotated[
        bool, typer.Option("--allow-duplicates", help="Allow repeated ids, and compare all of their pairs.")
    ] = False,
    output: _Output = None,
    csv: Csv,
    as_json: _AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Join CONTROL and DATA by an id, and compare the examples of each id feature by feature.

    Exit codes: 0 no skew, 1 error, 2 wrong usage, 3 skew, or nothing to compare.

    Examples:
      # The same trips, as training saw them and as serving did.
      assay skew train.csv served.csv --join-on trip_id --confusion payment_type
    """
    from assay.cli.data.quick_arrow import keep_pandas_out

    keep_pandas_out(context)
    from assay.api.skew import skew as find_skew
    from assay.cli.data.documents import skew_document
    from assay.cli.data.reading import ReadingBar, opened, opened_control
    from assay.cli.data.tables import print_skew
    from assay.data.csv_remarks import remarks_of

    with ReadingBar(quiet=quiet) as bar:
        sides = opened_control(control, bar, csv), opened([data], bar, csv)
        report = find_skew(
            *sides,
            join_on=join_on,
            ignore=ignore or (),
            num_pairs=pairs,
            float_round_ndigits=digits,
            allow_duplicates=allow_duplicates,
            confusion=confusion or (),
        )
    print_remarks(remarks_of(*sides))
    document = skew_document(report, allow_duplicates=allow_duplicates)
    if not as_json:
        with open_console(quiet=quiet) as console:
            print_skew(console, report, document.summary)
    _finish(document, document.exit_code, output, as_json=as_json)


@reads_csv
def leakage(
    context: typer.Context,
    data: Annotated[list[Path], typer.Argument(metavar="DATA", help="Two or more datasets, such as the splits.")],
    *,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="COLUMN", help="Column that identifies a row; default: all columns."),
    ] = None,
    output: _Output = None,
    csv: Csv,
    as_json: _AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find rows that datasets share: examples that leak from training into evaluation.

    Exit codes: 0 none, 1 error, 2 wrong usage, 3 shared rows.

    Examples:
      # Rows that are the same in all columns; or trips that are in both.
      assay leakage train.csv eval.csv
      assay leakage train.csv eval.csv --by trip_id
    """
    from assay.cli.data.quick_arrow import keep_pandas_out

    keep_pandas_out(context)
    from assay.api.skew import leakage as find_shared_rows
    from assay.cli.data.documents import leakage_document
    from assay.cli.data.reading import ReadingBar, opened, opened_control
    from assay.cli.data.tables import print_leakage
    from assay.data.csv_remarks import remarks_of
    from assay.errors import UsageError

    names = [str(path) for path in data]
    if len(set(names)) < len(names):
        raise UsageError("leakage.same_data", "The same data was given twice, so all rows are shared.")
    with ReadingBar(quiet=quiet) as bar:
        rows = [opened([data[0]], bar, csv), *(opened_control(path, bar, csv) for path in data[1:])]
        found = find_shared_rows(dict(zip(names, rows, strict=True)), by=by)
    print_remarks(remarks_of(*rows))
    document = leakage_document(found)
    if not as_json:
        with open_console(quiet=quiet) as console:
            print_leakage(console, found, document.summary)
    _finish(document, document.exit_code, output, as_json=as_json)


def _finish(document: msgspec.Struct, exit_code: int, output: Path | None, *, as_json: bool) -> None:
    from assay.cli.data.documents import as_json as document_text
    from assay.files import write_durably

    if output is not None:
        write_durably(output, f"{document_text(document)}\n".encode())
    if as_json:
        typer.echo(document_text(document))
    raise typer.Exit(exit_code)
