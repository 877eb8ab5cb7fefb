"""`assay report`: a page for an artifact, a run or a pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.command import Writes
from assay.cli.console import Store
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.cli.pages.writing import ReportSubject


def report(
    of: Annotated[
        str,
        typer.Argument(
            metavar="ARTIFACT|RUN|PIPELINE",
            help="A folder, a TFDV file, or an id, name or digest of the root.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write the page to; `-` is standard output."),
        Writes(endings=(".html", ".htm")),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Other statistics or another schema to compare with.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Root of the runs; default: the only one in assay-root/.")] = None,
    *,
    store: Store = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the written paths as JSON.")] = False,
) -> None:
    """Write a self-contained HTML page: it needs no server and no network.

    A run's page links to pages of its artifacts, in a folder beside it.

    Examples:
      assay report runs/taxi/StatisticsGen/statistics/2 --open

      # Last week's statistics and this week's, side by side.
      assay report then/FeatureStats.pb --against FeatureStats.pb -o drift.html

      # All runs of a pipeline.
      assay report taxi --root runs/taxi -o history.html
    """
    from assay.cli.pages.writing import write_pages

    subject, where = _subject(of, root, store)
    if against is not None and subject.path is None:
        raise UsageError("report.against", "--against requires a folder or a file to compare.")
    pages = write_pages(subject, where, output, against=against, store=store)
    if pages is None:  # it went to standard output
        return
    if as_json:
        typer.echo(json.dumps({"page": str(pages[0]), "pages": [str(path) for path in pages]}, indent=1))
    else:
        more = f", and {len(pages) - 1} more in {pages[1].parent}/" if len(pages) > 1 else ""
        typer.echo(f"Wrote {pages[0]} ({pages[0].stat().st_size / 1000:,.0f} kB){more}")
    if open_it:
        typer.launch(pages[0].resolve().as_uri())


def _subject(name: str, root: Path | None, store: str | None) -> tuple[ReportSubject, Path | None]:
    """Resolve a name: a path if it exists, else what the root knows by that name."""
    from assay.cli.lineage_store import chosen_root, open_lineage
    from assay.cli.pages.writing import subject_at, subject_named

    if Path(name).exists():
        subject = subject_at(Path(name))
        return subject, root or subject.root
    place = chosen_root(root)
    with open_lineage(place, store) as standing:
        return subject_named(standing.store, name), place
