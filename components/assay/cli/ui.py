"""`assay ui`: a local server of a root's pages, read only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import Store


def ui(
    root: Annotated[
        Path | None, typer.Argument(help="Root of the runs; default: the only one in assay-root/.", show_default=False)
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 picks a free one.")] = 8470,
    host: Annotated[
        str, typer.Option(help="Address to listen at; one that other machines reach exposes the pages to them.")
    ] = ("127.0.0.1"),
    *,
    store: Store = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the overview in a browser.")] = False,
) -> None:
    """Serve web pages of a root's pipelines, runs and artifacts.

    The server is read-only, and reachable only from this machine unless --host is given. Ctrl-C stops it.

    Examples:
      assay ui runs/taxi --open
    """
    from assay.cli.pages.server import serve
    from assay.cli.pages.site import open_site

    with open_site(root, store) as site, serve(site, host, port) as server:
        address = f"http://{host}:{server.server_port}/"
        typer.echo(f"Serving {site.root} at {address} (Ctrl-C ends it)")
        if open_it:
            typer.launch(address)
        server.serve_forever()
