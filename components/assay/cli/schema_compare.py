"""`assay schema diff` and `assay schema check`: what changed, whom it can break, and what contradicts itself."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from assay.cli.command import Writes
from assay.cli.console import Quiet, open_console, print_result

FOUND = 3
"""The exit code of `check` with errors, and of `diff --breaking` with breaking changes."""


class Party(str, Enum):
    """Whom a change can break."""

    PRODUCER = "producer"
    CONSUMER = "consumer"
    ANY = "any"


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="The schema as it was.", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B", help="The schema as it is now.", show_default=False)],
    *,
    breaking: Annotated[
        bool, typer.Option("--breaking", help="Show breaking changes only; exit with 3 where there are any.")
    ] = False,
    party: Annotated[
        Party, typer.Option("--for", help="With --breaking: changes that can break those who write, or read, the data.")
    ] = Party.ANY,
    patch: Annotated[
        Path | None,
        typer.Option("--patch", metavar="FILE", help="Write the changes as a patch, to keep in git."),
        Writes(),
    ] = None,
    owner: Annotated[str, typer.Option(help="With --patch: who answers for the changes.")] = "",
    reason: Annotated[str, typer.Option(help="With --patch: why they were made.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Say what changed between two schemas, and whom it can break.

    A change can break a producer, whose data passed and is refused now, or a consumer, who may meet data that the
    earlier schema kept away.

    Examples:
      # In CI: does this branch's schema break someone?
      assay schema diff main/schema.pbtxt schema.pbtxt --breaking

      # What was edited by hand, as a patch to keep.
      assay schema diff inferred.pbtxt edited.pbtxt --patch schema_patch.yaml
    """
    import datetime as dt

    from assay.cli.schema_files import read_schema, write_text
    from assay.cli.schema_output import changes_table, counted, document
    from assay.curation import diff as difference
    from assay.curation import format_patch, patch_from

    old, new = read_schema(before), read_schema(after)
    changes = difference(old, new)
    broken = [change for change in changes if (change.breaks if party is Party.ANY else party.value in change.breaks)]
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

    TFDV loads most of them in silence. The exit code is 3 where there are errors.

    Examples:
      assay schema check schema.pbtxt
    """
    from assay.cli.schema_files import read_schema_text
    from assay.cli.schema_output import counted, document, findings_table
    from assay.curation import check_text

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
