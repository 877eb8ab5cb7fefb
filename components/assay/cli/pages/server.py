"""A server of one root's pages: GET and HEAD only, no state, and no file but those that a page is made of."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from assay.cli.pages.site import ServedAddresses, Site
from assay.errors import AssayError, LineageError, UsageError
from assay.reports import to_html
from assay.reports.blocks import Link, Notice, Page, Section

# A page's own style and script are inline; nothing may be fetched, framed or sent anywhere.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


_IDLE_SECONDS = 30
_ARTIFACT = re.compile("[0-9]{1,18}")  # what a database takes for an id


@dataclass(frozen=True, slots=True)
class PageResponse:
    """A status and a page."""

    status: HTTPStatus
    html: str


def answer(site: Site, path: str) -> PageResponse:
    """Make the page at a path, or a page that says why there is none."""
    at = ServedAddresses()
    try:
        match [unquote(part) for part in urlsplit(path).path.split("/") if part]:
            case []:
                return PageResponse(HTTPStatus.OK, site.home(at))
            case ["pipeline", name]:
                return PageResponse(HTTPStatus.OK, site.pipeline(name, at))
            case ["run", run_id]:
                return PageResponse(HTTPStatus.OK, site.run(run_id, at))
            case ["artifact", number] if _ARTIFACT.fullmatch(number):
                return PageResponse(HTTPStatus.OK, site.artifact(int(number), at))
    except LineageError as error:
        return PageResponse(HTTPStatus.NOT_FOUND, _problem("Not found", str(error)))
    except ValueError:  # no address at all
        return PageResponse(HTTPStatus.NOT_FOUND, _problem("Not found", "There is no such page."))
    except AssayError as error:
        return PageResponse(HTTPStatus.INTERNAL_SERVER_ERROR, _problem("It cannot be shown", str(error)))
    return PageResponse(HTTPStatus.NOT_FOUND, _problem("Not found", "There is no such page."))


def _problem(title: str, text: str) -> str:
    section = Section(title="Why", blocks=[Notice(text, "warn")])
    return to_html(Page(kind="assay", title=title, sections=[section], crumbs=[Link("runs", "/")]))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # the default, 5, refuses a browser that opens many pages at once

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):  # the client is gone
            super().handle_error(request, client_address)


@contextmanager
def serve(site: Site, host: str, port: int) -> Iterator[ThreadingHTTPServer]:
    """Open the server; the caller runs it.

    Raises:
        UsageError: The address cannot be listened at.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "assay"
        timeout = _IDLE_SECONDS  # a client that sends nothing holds its thread no longer
        sys_version = ""

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            if not _may_ask(self.headers.get("Host", ""), host):
                # Another site's name that was made to lead here (DNS rebinding) reads nothing.
                made = PageResponse(
                    HTTPStatus.FORBIDDEN, _problem("Refused", "This server answers to its own address only.")
                )
            else:
                made = answer(site, self.path)
            body = made.html.encode()
            with contextlib.suppress(ConnectionError):  # whoever asked is gone
                self.send_response(made.status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                for name, value in _HEADERS.items():
                    self.send_header(name, value)
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 (the name in the base class)
            """Print nothing: the terminal shows the server's address, and no line for each request."""

    try:
        server = _Server((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise UsageError(
            "ui.address", f"Cannot listen at {host}:{port}: {error}.", "Choose another: --port 0 picks a free port."
        ) from None
    with server:
        yield server


def _may_ask(named: str, host: str) -> bool:
    """Return whether a request's Host names this server: an address of this machine or the given host."""
    try:
        name = urlsplit(f"//{named}").hostname or ""
    except ValueError:  # no name of any host
        return False
    return name == host or _is_loopback(name) or not _is_loopback(host)


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
