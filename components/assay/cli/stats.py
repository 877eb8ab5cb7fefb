"""`assay stats`: what a dataset holds; `assay stats merge`: statistics of parts as those of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from assay.cli.command import Command, GroupWithDefault, Writes
from assay.cli.console import Quiet, open_console, print_remarks
from assay.cli.csv_options import Csv, reads_csv

_COMPUTE = "of"


class StatsGroup(GroupWithDefault):
    """`assay stats DATA…` computes; a first word that names a subcommand is that."""

    default: ClassVar[str] = _COMPUTE


stats = typer.Typer(cls=StatsGroup, no_args_is_help=True, help="Compute the statistics of data, or merge them.")


@stats.command(_COMPUTE, cls=Command)
@reads_csv
def compute(
    context: typer.Context,
    data: Annotated[list[Path], typer.Argument(metavar="DATA", help="CSV, Parquet or TFRecord files, or statistics.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File for the statistics: .pb, .pbtxt, or .state, which can be merged with other rows.",
        ),
        Writes(endings=(".pb", ".pbtxt", ".state")),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="SLICES",
            help="Also compute statistics of slices: by a feature's values (city), some of them "
            "(city=Paris|Rome), bins "
            "(fare[10,20]), periods of time (start:month), a condition ('fare > 10'), or crosses of these, joined by "
            "commas; may be repeated.",
        ),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Schema, for the types of CSV columns, and integers that are categories or times."
        ),
    ] = None,
    *,
    csv: Csv,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compute the statistics of data: counts, missing values, quantiles, histograms, the most frequent values.

    Examples:
      assay stats train.csv
      assay stats 'in/*.parquet' --by city --by 'fare[10,20]' -o stats.pb

      # Days by themselves, and later together: the same as all days at once.
      assay stats day1.csv -o day1.state
      assay stats day2.csv -o day2.state
      assay stats merge day1.state day2.state -o both.pb
    """
    from assay.cli.data.quick_arrow import keep_pandas_out

    keep_pandas_out(context)
    from assay.api.statistics import STATE_ENDING, is_statistics, statistics, statistics_of
    from assay.cli.data.reading import ReadingBar, opened
    from assay.errors import UsageError
    from assay.kernels.statistics import StatisticsOptions
    from assay.kernels.statistics.slices.text import slicing_of_text

    if len(data) == 1 and is_statistics(data[0]):
        if by or schema or csv.is_given:
            raise UsageError(
                "stats.by",
                "These options require data, got statistics.",
                "Give the data instead.",
            )
        found = statistics_of(data[0])
    else:
        from assay.cli.schema_files import read_schema

        expected = None if schema is None else read_schema(schema)
        with ReadingBar(quiet=quiet) as bar:
            found = statistics(
                opened(data, bar, csv, expected),
                schema=expected,
                options=StatisticsOptions(slices=tuple(map(slicing_of_text, by or ()))),
                mergeable=output is not None and output.suffix == STATE_ENDING,
            )
    if output is not None:
        found.save(output)
    _show(found, as_json=as_json, quiet=quiet)


@stats.command(cls=Command)
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Statistics files: all .state, or .pb, .pbtxt.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Write the statistics here: .state, .pb or .pbtxt."),
        Writes(endings=(".pb", ".pbtxt", ".state")),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    quiet: Quiet = False,
) -> None:
    """Merge .state files of other rows, or finished statistics of other features of the same rows.

    The states that `assay stats DATA -o PART.state` writes merge to the statistics of all rows. Finished
    statistics do not tell which values they have in common: those of the same features are refused.

    Examples:
      assay stats merge day1.state day2.state -o both.pb
    """
    from assay.api.merging import merge_statistics
    from assay.api.statistics import statistics_of
    from assay.kernels.statistics.merging import estimated_features

    merged = merge_statistics([statistics_of(path) for path in files])
    merged.save(output)
    estimated = estimated_features(merged.state) if merged.state is not None else []
    if estimated:
        typer.echo(
            f"Too many distinct values to keep, so that quantiles and distinct values are estimates of these features, "
            f"which depend on how the rows were cut: {', '.join(estimated)}.",
            err=True,
        )
    _show(merged, as_json=as_json, quiet=quiet)


def _show(found: Any, *, as_json: bool, quiet: bool) -> None:
    print_remarks(found.csv_remarks)
    if as_json:
        from assay.cli.data.documents import as_json as document_text
        from assay.cli.data.documents import stats_document

        typer.echo(document_text(stats_document(found)))
        return
    from assay.cli.data.tables import print_statistics

    with open_console(quiet=quiet) as console:
        print_statistics(console, found)
