"""`assay schema apply` and `assay schema relax`: decisions that are kept, and decisions about anomalies."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.command import Writes
from assay.cli.console import Quiet, open_console, print_result

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

CONFLICTS = 3
"""The exit code where a patch does not fit: as with anomalies, the files are read, and do not agree."""

_Schema = Annotated[Path, typer.Argument(metavar="SCHEMA", help="schema.pbtxt, or its folder.", show_default=False)]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the schema here; else it is printed."),
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
    """Apply patches to a schema: the same decisions, whatever was inferred anew.

    A decision that does not fit (its feature is gone, for one) is a conflict: all are listed, nothing is written, and
    the exit code is 3.

    Examples:
      assay schema apply schema.pbtxt schema_patch.yaml -o curated.pbtxt
    """
    from assay.cli.schema_files import read_schema
    from assay.cli.schema_output import counted, document, outcomes_table
    from assay.curation.application import apply_with_report
    from assay.curation.patch import Patch
    from assay.curation.patch_file import read_patch

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
            help="An anomaly, as FEATURE/TYPE, or all of a FEATURE; may be repeated. Without it, the ids are listed.",
        ),
    ] = None,
    *,
    output: _Output = None,
    patch: Annotated[
        Path | None,
        typer.Option("--patch", metavar="FILE", help="Add the decisions to this patch file, there already or not."),
        Writes(),
    ] = None,
    stats: Annotated[
        str | None,
        typer.Option(metavar="DATA|STATS", help="What was validated; default: FeatureStats.pb beside the anomalies."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="The split whose anomalies to take.")] = None,
    owner: Annotated[str, typer.Option(help="Who accepts.")] = "",
    reason: Annotated[str, typer.Option(help="Why; default: what the anomaly says.")] = "",
    max_string_domain_size: Annotated[
        int, typer.Option("--max-string-domain-size", min=0, help="Text with more distinct values loses its domain.")
    ] = 100,
    as_json: _AsJson = False,
) -> None:
    r"""Accept named anomalies: widen the schema just so far that they are gone, and record the decision.

    Examples:
      # The anomalies that there are; then one of them is how things are now.
      assay schema relax schema.pbtxt anomalies/
      assay schema relax schema.pbtxt anomalies/ --accept payment_type \
        --patch schema_patch.yaml -o schema.pbtxt
    """
    from assay.cli.schema_files import append_patch, find_anomalies, read_anomalies, read_schema, statistics_beside
    from assay.cli.schema_output import counted, document
    from assay.curation.patch_file import plain_entry
    from assay.curation.relaxation import relax as relax_for

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
    from assay.curation.relaxation import anomaly_ids

    ids = anomaly_ids(anomalies)
    if as_json:
        typer.echo(document({"anomalies": ids}))
    else:
        typer.echo("\n".join(ids) or "No anomalies.")


def _put(schema: Schema, output: Path | None, *, quiet: bool = False) -> str | None:
    """Writes a schema, or prints it; gives the path that it was written to."""
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
    """The schema in a JSON document, where it is not written to a file."""
    from assay.curation.plain import to_plain

    return {} if output is not None or held_back else {"schema": to_plain(schema)}
