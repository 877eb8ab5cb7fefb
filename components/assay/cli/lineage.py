"""`assay lineage`: what made an artifact, what came of it, and what ran."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import Store
from assay.errors import UsageError


def lineage(
    of: Annotated[
        str,
        typer.Argument(
            metavar="[ARTIFACT|RUN]", help="An artifact's id, path or digest, or a run's id.", show_default=False
        ),
    ] = "",
    root: Annotated[Path | None, typer.Option(help="Root of the runs; default: the only one in assay-root/.")] = None,
    *,
    store: Store = None,
    up: Annotated[bool, typer.Option("--up", help="Show what the artifact was made from (the default).")] = False,
    down: Annotated[bool, typer.Option("--down", help="Show what was made from the artifact.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the lineage of an artifact, or the runs of a root.

    Without an argument: the runs, the latest first, and the latest blessed model.

    Examples:
      assay lineage --root runs/taxi

      # What made artifact 12; what came of the examples; what a run did.
      assay lineage 12 --root runs/taxi
      assay lineage runs/taxi/CsvExampleGen/examples/1 --root runs/taxi --down
      assay lineage 20240601-093000-0c1a2f4 --root runs/taxi
    """
    if up and down:
        raise UsageError("lineage.direction", "--up and --down cannot be combined.", "Use one at a time.")
    from assay.cli.console import open_console
    from assay.cli.lineage_answers import answer_on, overview
    from assay.cli.lineage_store import open_lineage

    with open_lineage(root, store) as standing, open_console() as console:
        answer = answer_on(standing, of, down=down) if of else overview(standing)
        if as_json:
            typer.echo(answer.json())
        else:
            console.print(answer.text)
