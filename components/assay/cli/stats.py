"""`assay stats`: what a data set holds; `assay stats merge`: statistics of parts as those of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

_COMPUTE = "of"


class StatsGroup(TyperGroup):
    """`assay stats DATA…` computes; a first word that names a subcommand is that."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the name of the command that computes before anything but a subcommand or a call for help."""
        if args and args[0] not in self.commands and args[0] not in {"-h", "--help"}:
            args = [_COMPUTE, *args]
        return super().parse_args(ctx, args)


stats = typer.Typer(
    cls=StatsGroup,
    no_args_is_help=True,
    help="Compute statistics: `assay stats DATA…`, see `assay stats of --help`; or merge statistics files.",
)


@stats.command(_COMPUTE)
def compute(
    context: typer.Context,
    data: Annotated[list[Path], typer.Argument(metavar="DATA…", help="CSV, Parquet or TFRecord files, or statistics.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the statistics, .pb or .pbtxt.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="FEATURE", help="Also the statistics of each value's examples; may be repeated."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Compute the statistics of data: `assay stats DATA…` is short for this."""
    from assay.cli.data.quick_arrow import keep_pandas_out

    keep_pandas_out(context)
    from assay.api.statistics import is_statistics, statistics_of
    from assay.cli.data.reading import ReadingBar, opened
    from assay.errors import UsageError
    from assay.kernels.statistics import SlicingSpec, StatisticsOptions

    if by and len(data) == 1 and is_statistics(data[0]):
        raise UsageError("stats.by", "--by needs data, and got statistics.", "Give the data that they are of.")
    options = StatisticsOptions(slices=tuple(SlicingSpec(feature_keys=(feature,)) for feature in by or ()))
    with ReadingBar() as bar:
        found = statistics_of(opened(data, bar), options=options)
    if output is not None:
        found.save(output)
    _show(found, as_json=as_json)


@stats.command()
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILES…", help="Statistics files, .pb or .pbtxt.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Write the statistics here.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Merge statistics of other features or slices of the same rows; those of other rows are refused."""
    from assay.api.merging import merge_statistics
    from assay.api.statistics import statistics_of

    merged = merge_statistics([statistics_of(path) for path in files])
    merged.save(output)
    _show(merged, as_json=as_json)


def _show(found: Any, *, as_json: bool) -> None:
    if as_json:
        from assay.cli.data.documents import as_json as document_text
        from assay.cli.data.documents import stats_document

        typer.echo(document_text(stats_document(found)))
        return
    from assay.cli.console import open_console
    from assay.cli.data.tables import print_statistics

    with open_console() as console:
        print_statistics(console, found)
