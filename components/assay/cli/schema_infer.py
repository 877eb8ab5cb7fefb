"""`assay schema infer` and `assay schema suggest`: a schema from data, and what it could say besides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.command import Writes
from assay.cli.console import Quiet, open_console, print_remarks, print_result, waiting
from assay.cli.csv_options import Csv, reads_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

    from assay.artifacts.formats.csv_types import CsvOptions
    from assay.curation.csv_remarks import CsvRemark
    from assay.curation.patch import Entry, Patch
    from assay.curation.suggest_options import SuggestOptions

_Data = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA|STATS",
        help="Data (paths or globs; CSV, Parquet, TFRecord), or statistics (.pb, .pbtxt, an ExampleStatistics folder).",
        show_default=False,
    ),
]
_Split = Annotated[str | None, typer.Option(help="The split to take of Examples or statistics that have several.")]
_DomainSize = Annotated[
    int, typer.Option("--max-string-domain-size", min=0, help="Text with more distinct values gets no domain.")
]
_Shape = Annotated[
    bool,
    typer.Option("--infer-feature-shape/--no-infer-feature-shape", help="Fix the shape of features that have one."),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@reads_csv
def infer(
    context: typer.Context,
    data: _Data,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the schema here; else it is printed."),
        Writes(endings=(".pbtxt",)),
    ] = None,
    patch: Annotated[
        list[Path] | None,
        typer.Option("--patch", metavar="PATCH", help="Apply this patch to what was inferred; may be repeated."),
    ] = None,
    split: _Split = None,
    max_string_domain_size: _DomainSize = 100,
    infer_feature_shape: _Shape = True,
    csv: Csv,
    as_json: _AsJson = False,
) -> None:
    """Infer a schema from data or statistics, as TFDV does.

    Of several statistics, the first is inferred from and the others widen it.

    Examples:
      assay schema infer train.csv -o schema.pbtxt

      # What was inferred anew, with what people decided.
      assay schema infer train.csv --patch schema_patch.yaml -o schema.pbtxt
    """
    from assay.artifacts.schema import format_schema
    from assay.cli.data.quick_arrow import keep_pandas_out
    from assay.cli.schema_files import write_schema
    from assay.cli.schema_output import counted, document
    from assay.curation.application import apply
    from assay.curation.patch_file import read_patch
    from assay.curation.plain import to_plain

    keep_pandas_out(context)
    with waiting("Reading"):
        schema, remarks = _inferred(data, split, csv, max_string_domain_size, infer_feature_shape=infer_feature_shape)
    print_remarks(remarks)
    for path in patch or []:
        schema = apply(schema, read_patch(path))
    if output is not None:
        write_schema(output, schema)
    if as_json:
        typer.echo(document({"schema_file": str(output) if output else None, "schema": to_plain(schema)}))
    elif output is None:
        typer.echo(format_schema(schema), nl=False)
    else:
        typer.echo(f"Wrote {output}: {counted(len(schema.feature), 'feature')}.")


def _inferred(
    data: Sequence[str], split: str | None, csv: CsvOptions, max_size: int, *, infer_feature_shape: bool
) -> tuple[Schema, tuple[CsvRemark, ...]]:
    from assay.cli.schema_files import statistics_of_each
    from assay.kernels.schema import infer_schema, update_schema

    first, *others = statistics_of_each(data, split, csv)
    schema = infer_schema(first.proto, max_size, infer_feature_shape=infer_feature_shape)
    for statistics in others:
        schema = update_schema(schema, statistics.proto, max_size)
    return schema, first.csv_remarks


@reads_csv
def suggest(
    context: typer.Context,
    data: _Data,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the patch here; else it is printed."),
        Writes(endings=(".yaml", ".yml")),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(metavar="SCHEMA", help="What is decided already and not suggested again; default: the inferred."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Suggest only this: time, categories, ranges, domains, uniqueness, presence, drift; may be repeated.",
        ),
    ] = None,
    margin: Annotated[float, typer.Option(min=0, help="How far a range goes beyond what was observed.")] = 0.1,
    min_examples: Annotated[int, typer.Option(min=1, help="Fewer values are no evidence.")] = 100,
    confidence: Annotated[float, typer.Option(help="How sure a drift threshold is to pass unchanged data.")] = 0.999,
    split: _Split = None,
    csv: Csv,
    as_json: _AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Suggest ranges, times, categories, presence and drift thresholds, each with its evidence, as a patch.

    Nothing is decided by it: applied, a suggestion is marked in the schema. To accept an entry, take
    `suggested: true` out of the patch; to reject it, delete it.

    Examples:
      assay schema suggest train.csv -o suggestions.yaml

      assay schema suggest FeatureStats.pb --kind ranges --margin 0.2
    """
    from assay.cli.data.quick_arrow import keep_pandas_out
    from assay.cli.schema_files import read_schema, statistics_of_each, write_text
    from assay.cli.schema_output import counted, document, entries_table
    from assay.curation.patch_file import format_patch, plain_entry
    from assay.curation.suggest_options import ALL, SuggestOptions
    from assay.errors import UsageError

    keep_pandas_out(context)
    with waiting("Reading", quiet=quiet):
        given = statistics_of_each(data, split, csv)
    if len(given) > 1:
        raise UsageError(
            "suggest.several_statistics", "Suggestions need the statistics of one data set.", "Say --split NAME."
        )
    options = SuggestOptions(
        kinds=tuple(kind) if kind else ALL,  # type: ignore[arg-type]  # the options refuse other names
        margin=margin,
        min_examples=min_examples,
        confidence=confidence,
    )
    patch = _suggested(given[0].proto, data, split, csv, read_schema(schema) if schema else None, options)
    if output is not None:
        write_text(output, format_patch(patch))
    if as_json:
        entries = [plain_entry(entry) for entry in patch.entries]
        typer.echo(document({"patch_file": str(output) if output else None, "entries": entries}))
    elif output is None:
        typer.echo(format_patch(patch), nl=False)
    else:
        with open_console(quiet=quiet) as console:
            console.print(entries_table([(entry.subject, _asked(entry), entry.reason) for entry in patch.entries]))
            print_result(console, f"Wrote {output}: {counted(len(patch.entries), 'suggestion')}.")


def _suggested(
    statistics: DatasetFeatureStatisticsList,
    data: Sequence[str],
    split: str | None,
    csv: CsvOptions,
    schema: Schema | None,
    options: SuggestOptions,
) -> Patch:
    """Suggestions by the statistics and, where a column holds times, by the order of the rows."""
    from assay.cli.schema_files import statistics_files
    from assay.curation.suggestions import suggest as suggest_from

    patch = suggest_from(statistics, schema, options)
    times = [entry.feature for entry in patch.entries if "time_domain" in entry.set]
    if not times or statistics_files(data[0], split):
        return patch
    from assay.artifacts.sources import rows_of
    from assay.curation.ascending import AscendingColumns
    from assay.engines.embedded import EmbeddedEngine

    rows = rows_of(data[0] if len(data) == 1 else list(data), split=split, csv=csv)
    return suggest_from(statistics, schema, options, ascending=EmbeddedEngine().reduce(rows, AscendingColumns(times)))


def _asked(entry: Entry) -> str:
    """What an entry sets, as `presence.min_fraction = 0.9`."""
    from assay.curation.leaves import flat

    return ", ".join(f"{path} = {value}" for path, value in flat(entry.set) if not path.startswith("annotation"))
