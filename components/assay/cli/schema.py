"""`assay schema`: infer, suggest, compare, patch, relax and check schemas."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assay.cli.command import Command, Group, Writes
from assay.cli.console import Quiet, open_console, print_remarks, print_result, waiting
from assay.cli.csv_options import Csv, reads_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

    from assay.data.csv_remarks import CsvRemark
    from assay.data.csv_types import CsvOptions
    from assay.schema.patch import Entry, Patch
    from assay.schema.suggestions import SuggestOptions

CONFLICTS = 3
"""The exit code where a patch does not fit: as with anomalies, the files are read, and do not agree."""

_Schema = Annotated[Path, typer.Argument(metavar="SCHEMA", help="schema.pbtxt, or its folder.", show_default=False)]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="File to write the schema to; default: standard output."),
    Writes(endings=(".pbtxt",), in_place_of="schema"),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def apply(
    schema: _Schema,
    patch: Annotated[
        list[Path], typer.Argument(metavar="PATCH", help="Patches, applied together.", show_default=False)
    ],
    output: _Output = None,
    *,
    skip_conflicts: Annotated[
        bool, typer.Option("--skip-conflicts", help="Apply what can be applied; conflicts are still listed.")
    ] = False,
    as_json: _AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Apply patches with earlier decisions to a newly inferred schema.

    A decision that does not fit, for example because its feature is gone, is a conflict: all conflicts are listed,
    nothing is written, and the exit code is 3.

    Examples:
      assay schema apply schema.pbtxt schema_patch.yaml -o curated.pbtxt
    """
    from assay.cli.schema_files import read_schema
    from assay.cli.schema_output import counted, document, outcomes_table
    from assay.schema.application import apply_with_report
    from assay.schema.patch import Patch, read_patch

    whole = sum((read_patch(path) for path in patch), Patch())
    application = apply_with_report(read_schema(schema), whole)
    held_back = bool(application.conflicts) and not skip_conflicts
    if as_json:
        written = None if held_back else _put(application.schema, output, quiet=True)
        outcomes = application.outcomes
        content = {"ok": not application.conflicts, "schema_file": written, "outcomes": outcomes}
        typer.echo(document(content | _shown_schema(application.schema, output, held_back=held_back)))
    else:
        with open_console(stderr=output is None, quiet=quiet) as console:
            console.print(outcomes_table(application.outcomes))
            if application.conflicts:
                consequence = "nothing was written" if held_back else "the rest was applied"
                print_result(console, f"{counted(len(application.conflicts), 'conflict')}: {consequence}.")
        if not held_back:
            _put(application.schema, output)
    if application.conflicts:
        raise typer.Exit(CONFLICTS)


def relax(
    schema: _Schema,
    anomalies: Annotated[
        Path,
        typer.Argument(
            metavar="ANOMALIES",
            help="SchemaDiff.pb, or the folder that validation wrote.",
            show_default=False,
        ),
    ],
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            metavar="ID",
            help="Anomaly to accept, as FEATURE/TYPE or FEATURE; may be repeated. Without it, the ids are listed.",
        ),
    ] = None,
    *,
    output: _Output = None,
    patch: Annotated[
        Path | None,
        typer.Option("--patch", metavar="FILE", help="Patch file to add the decisions to; created if needed."),
        Writes(),
    ] = None,
    stats: Annotated[
        str | None,
        typer.Option(metavar="DATA|STATS", help="Validated statistics; default: FeatureStats.pb beside the anomalies."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split whose anomalies to accept.")] = None,
    owner: Annotated[str, typer.Option(help="Owner of the decision.")] = "",
    reason: Annotated[str, typer.Option(help="Reason; default: the anomaly's description.")] = "",
    max_string_domain_size: Annotated[
        int,
        typer.Option(
            "--max-string-domain-size", min=0, help="Maximum number of distinct values for which text keeps its domain."
        ),
    ] = 100,
    as_json: _AsJson = False,
) -> None:
    r"""Accept named anomalies: widen the schema just enough to resolve them, and record the decision.

    Examples:
      # The anomalies that there are; then one of them is how things are now.
      assay schema relax schema.pbtxt anomalies/
      assay schema relax schema.pbtxt anomalies/ --accept payment_type \
        --patch schema_patch.yaml -o schema.pbtxt
    """
    from assay.cli.schema_files import append_patch, find_anomalies, read_anomalies, read_schema, statistics_beside
    from assay.cli.schema_output import counted, document
    from assay.schema.patch import plain_entry
    from assay.schema.relaxation import relax as relax_for

    file = find_anomalies(anomalies, split)
    found = read_anomalies(file)
    if not accept:
        _list_ids(found, as_json=as_json)
        return
    relaxed = relax_for(
        read_schema(schema),
        found,
        accept,
        statistics_beside(file, stats),
        max_string_domain_size=max_string_domain_size,
        owner=owner,
        reason=reason,
        date=dt.datetime.now(dt.timezone.utc).date(),
    )
    if patch is not None:
        append_patch(patch, relaxed.patch)
    if as_json:
        entries = [plain_entry(entry) for entry in relaxed.patch.entries]
        content = {"accepted": relaxed.ids, "patch_file": str(patch) if patch else None, "entries": entries}
        content["schema_file"] = _put(relaxed.schema, output, quiet=True)
        typer.echo(document(content | _shown_schema(relaxed.schema, output)))
        return
    with open_console(stderr=output is None) as console:
        console.print(f"Accepted {counted(len(relaxed.ids), 'anomaly')}: {', '.join(relaxed.ids)}.")
        if patch is not None:
            console.print(f"Recorded in {patch}.")
    _put(relaxed.schema, output)


def _list_ids(anomalies: Anomalies, *, as_json: bool) -> None:
    from assay.cli.schema_output import document
    from assay.schema.relaxation import anomaly_ids

    ids = anomaly_ids(anomalies)
    if as_json:
        typer.echo(document({"anomalies": ids}))
    else:
        typer.echo("\n".join(ids) or "No anomalies.")


def _put(schema: Schema, output: Path | None, *, quiet: bool = False) -> str | None:
    """Write a schema, or print it; return the path that it was written to."""
    from assay.artifacts.schema import format_schema
    from assay.cli.schema_files import write_schema

    if output is not None:
        write_schema(output, schema)
        if not quiet:
            typer.echo(f"Wrote {output}.")
        return str(output)
    if not quiet:
        typer.echo(format_schema(schema), nl=False)
    return None


def _shown_schema(schema: Schema, output: Path | None, *, held_back: bool = False) -> dict[str, object]:
    """Return the schema in a JSON document, where it is not written to a file."""
    from assay.schema.proto_dict import to_plain

    return {} if output is not None or held_back else {"schema": to_plain(schema)}


FOUND = 3
"""The exit code of `check` with errors, and of `diff --breaking` with breaking changes."""


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="Earlier schema.", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B", help="Later schema.", show_default=False)],
    *,
    breaking: Annotated[
        bool, typer.Option("--breaking", help="Show breaking changes only; exit with 3 if there are any.")
    ] = False,
    party: Annotated[
        Literal["producer", "consumer", "any"],
        typer.Option("--for", help="With --breaking: whom changes must not break, producers or consumers of the data."),
    ] = "any",
    patch: Annotated[
        Path | None,
        typer.Option("--patch", metavar="FILE", help="File to write the changes to, as a patch."),
        Writes(),
    ] = None,
    owner: Annotated[str, typer.Option(help="With --patch: owner of the changes.")] = "",
    reason: Annotated[str, typer.Option(help="With --patch: reason for the changes.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Show the changes between two schemas, and whom they can break.

    A change can break a producer, whose data is now rejected, or a consumer, who may now get data that the
    earlier schema rejected.

    Examples:
      # In CI: does this branch's schema break someone?
      assay schema diff main/schema.pbtxt schema.pbtxt --breaking

      # What was edited by hand, as a patch to keep.
      assay schema diff inferred.pbtxt edited.pbtxt --patch schema_patch.yaml
    """
    import datetime as dt

    from assay.cli.schema_files import read_schema, write_text
    from assay.cli.schema_output import changes_table, counted, document
    from assay.schema import diff as difference
    from assay.schema import format_patch, patch_from

    old, new = read_schema(before), read_schema(after)
    changes = difference(old, new)
    broken = [change for change in changes if (change.breaks if party == "any" else party in change.breaks)]
    shown = broken if breaking else list(changes)
    if patch is not None:
        today = dt.datetime.now(dt.timezone.utc).date()
        write_text(patch, format_patch(patch_from(old, new, owner=owner, reason=reason, date=today)))
    if as_json:
        typer.echo(document({"breaking": len(broken), "changes": shown}))
    else:
        with open_console(quiet=quiet) as console:
            if shown:
                console.print(changes_table(shown))
            print_result(console, f"{counted(len(changes), 'change')}, {len(broken)} that can break someone.")
    if breaking and broken:
        raise typer.Exit(FOUND)


def check(
    schema: Annotated[Path, typer.Argument(metavar="SCHEMA", help="schema.pbtxt, or its folder.", show_default=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Find contradictions in a schema: names used twice, empty ranges, comparators that cannot apply.

    TFDV loads most of them silently. The exit code is 3 if there are errors.

    Examples:
      assay schema check schema.pbtxt
    """
    from assay.cli.schema_files import read_schema_text
    from assay.cli.schema_output import counted, document, findings_table
    from assay.schema import check_text

    findings = check_text(*read_schema_text(schema))
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        content = {"ok": not errors, "errors": errors, "warnings": len(findings) - errors, "findings": findings}
        typer.echo(document(content))
    else:
        with open_console(quiet=quiet) as console:
            if findings:
                console.print(findings_table(findings))
            found = f"{counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}."
            print_result(console, found if findings else "No contradictions.")
    if errors:
        raise typer.Exit(FOUND)


_Data = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA|STATS",
        help="Data (paths or globs; CSV, Parquet, TFRecord), or statistics (.pb, .pbtxt, an ExampleStatistics folder).",
        show_default=False,
    ),
]
_Split = Annotated[str | None, typer.Option(help="Split of the examples or statistics; required if there are several.")]
_DomainSize = Annotated[
    int,
    typer.Option(
        "--max-string-domain-size", min=0, help="Maximum number of distinct values for which text gets a domain."
    ),
]
_Shape = Annotated[
    bool,
    typer.Option("--infer-feature-shape/--no-infer-feature-shape", help="Fix the shape of features that have one."),
]


@reads_csv
def infer(
    context: typer.Context,
    data: _Data,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write the schema to; default: standard output."),
        Writes(endings=(".pbtxt",)),
    ] = None,
    patch: Annotated[
        list[Path] | None,
        typer.Option("--patch", metavar="PATCH", help="Patch to apply to the inferred schema; may be repeated."),
    ] = None,
    split: _Split = None,
    max_string_domain_size: _DomainSize = 100,
    infer_feature_shape: _Shape = True,
    csv: Csv,
    as_json: _AsJson = False,
) -> None:
    """Infer a schema from data or statistics, as TFDV does.

    With several statistics, the schema is inferred from the first and widened by the others.

    Examples:
      assay schema infer train.csv -o schema.pbtxt

      # A newly inferred schema, with the decisions of the patch.
      assay schema infer train.csv --patch schema_patch.yaml -o schema.pbtxt
    """
    from assay.artifacts.schema import format_schema
    from assay.cli.data.quick_arrow import keep_pandas_out
    from assay.cli.schema_files import write_schema
    from assay.cli.schema_output import counted, document
    from assay.schema.application import apply
    from assay.schema.patch import read_patch
    from assay.schema.proto_dict import to_plain

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
    from assay.api.schema import options_of_inference
    from assay.cli.schema_files import statistics_of_each
    from assay.schema.inference import has_rows, infer_schema_of_several

    given = statistics_of_each(data, split, csv, options_of_inference(max_size))
    protos = [each.proto for each in given]
    schema = infer_schema_of_several(protos, max_size, infer_feature_shape=infer_feature_shape)
    empty = sum(not has_rows(each) for each in protos)
    if empty:
        typer.echo(f"{empty} of {len(given)} statistics are of no rows, and do not shape the schema.", err=True)
    return schema, given[0].csv_remarks


@reads_csv
def suggest(
    context: typer.Context,
    data: _Data,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write the patch to; default: standard output."),
        Writes(endings=(".yaml", ".yml")),
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="SCHEMA",
            help="Schema with earlier decisions, which are not suggested again; default: the inferred schema.",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Kind of suggestion to make: time, categories, ranges, domains, uniqueness, presence, "
            "drift; may be repeated.",
        ),
    ] = None,
    margin: Annotated[
        float, typer.Option(min=0, help="Margin of a range beyond the observed values, as a fraction of their width.")
    ] = 0.1,
    min_examples: Annotated[int, typer.Option(min=1, help="Minimum number of values for a suggestion.")] = 100,
    confidence: Annotated[float, typer.Option(help="Confidence that a drift threshold passes unchanged data.")] = 0.999,
    split: _Split = None,
    csv: Csv,
    as_json: _AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Suggest ranges, times, categories, presence and drift thresholds, each with its evidence, as a patch.

    A suggestion is not a decision: once applied, it is marked in the schema. To accept an entry, remove
    `suggested: true` from the patch; to reject it, delete it.

    Examples:
      assay schema suggest train.csv -o suggestions.yaml

      assay schema suggest FeatureStats.pb --kind ranges --margin 0.2
    """
    from assay.cli.data.quick_arrow import keep_pandas_out
    from assay.cli.schema_files import read_schema, statistics_of_each, write_text
    from assay.cli.schema_output import counted, document, entries_table
    from assay.errors import UsageError
    from assay.schema.patch import format_patch, plain_entry
    from assay.schema.suggestions import ALL, SuggestOptions

    keep_pandas_out(context)
    with waiting("Reading", quiet=quiet):
        given = statistics_of_each(data, split, csv)
    print_remarks(given[0].csv_remarks)
    if len(given) > 1:
        raise UsageError(
            "suggest.several_statistics",
            "Suggestions need the statistics of one dataset.",
            "Specify one: --split NAME.",
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
    from assay.schema.suggestions import suggest as suggest_from

    patch = suggest_from(statistics, schema, options)
    times = [entry.feature for entry in patch.entries if "time_domain" in entry.set]
    if not times or statistics_files(data[0], split):
        return patch
    from assay.data.sources import rows_of
    from assay.engines.embedded import EmbeddedEngine
    from assay.schema.suggestions import AscendingColumns

    rows = rows_of(data[0] if len(data) == 1 else list(data), split=split, csv=csv)
    return suggest_from(statistics, schema, options, ascending=EmbeddedEngine().reduce(rows, AscendingColumns(times)))


def _asked(entry: Entry) -> str:
    """Return what an entry sets, as `presence.min_fraction = 0.9`."""
    from assay.schema.leaf_fields import flat

    return ", ".join(f"{path} = {value}" for path, value in flat(entry.set) if not path.startswith("annotation"))


_HELP = """Infer, review and edit a schema, with decisions kept as patches in git.

Examples:
  assay schema infer train.csv -o schema.pbtxt

  # Ranges, times, drift thresholds: each with its evidence, for you to accept.
  assay schema suggest train.csv -o schema_patch.yaml
  assay schema apply schema.pbtxt schema_patch.yaml -o schema.pbtxt

  # What changed, and whom it can break.
  assay schema diff main/schema.pbtxt schema.pbtxt --breaking
"""

schema = typer.Typer(
    name="schema",
    no_args_is_help=True,
    cls=Group,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (infer, suggest, diff, apply, relax, check):
    schema.command(cls=Command)(command)
