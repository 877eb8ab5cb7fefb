"""The site builds without a warning, its links lead somewhere, and its pages ask nothing of the network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from browsers import MODES, VIOLATIONS, Heard

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


class References(HTMLParser):
    """Collects where a page's links lead, what it loads, and what can be linked to in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.targets: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if values.get("id"):
            self.targets.add(str(values["id"]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        source = values.get("href") if tag == "link" and values.get("rel") == "stylesheet" else values.get("src")
        if source and not source.startswith("data:"):
            self.loaded.append(source)


def test_links_lead_to_a_page_and_a_place_in_it(site: Path) -> None:
    pages = {page: References(page) for page in site.rglob("*.html")}
    assert len(pages) > 30
    broken = []
    for page, references in pages.items():
        for link in references.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            fragment_exists = not parts.fragment or target not in pages or parts.fragment in pages[target].targets
            if not target.exists() or not fragment_exists:
                broken.append(f"{page.relative_to(site)}: {link}")
    assert not broken


def test_pages_load_what_lies_beside_them_only(site: Path) -> None:
    for page in site.rglob("*.html"):
        for source in References(page).loaded:
            assert not urlsplit(source).netloc, f"{page}: {source}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"@import\s+url\(['\"]?https?:|url\(['\"]?https?:", sheet.read_text("utf-8")), sheet


def test_the_reference_holds_every_command_and_component(site: Path) -> None:
    from assay import components

    commands = References(site / "reference/generated/cli.html").targets
    assert {"assay-init", "assay-stats-merge", "assay-schema-relax", "assay-gate-lint", "assay-push"} <= commands
    described = References(site / "reference/generated/components.html").targets
    for name in ("CsvExampleGen", "StatisticsGen", "Evaluator", "Pusher", "InfraValidator"):
        assert hasattr(components, name)
        assert name.lower() in described


def test_the_reference_holds_every_public_name_and_error(site: Path) -> None:
    import assay

    targets = References(site / "reference/generated/python.html").targets
    text = (site / "reference/generated/python.html").read_text(encoding="utf-8")
    names = [name for name in assay.__all__ if not name.startswith("_") and name != "AssayError"]
    assert [name for name in names if f"assay.{name}" not in targets and f">{name}<" not in text] == []
    assert "assay.errors.AssayError" in References(site / "reference/generated/python_errors.html").targets
    listed = (site / "reference/generated/errors.html").read_text(encoding="utf-8")
    for code in ("csv.ragged_row", "*.truncated_gzip", "parquet.truncated", "eval_config.wrong_direction"):
        assert f">{code}<" in listed
    configuration = References(site / "reference/generated/configuration.html").targets
    assert {"eval-config-evalconfig", "waivers-waiver", "row-rules-unique", "schema-patch-entry"} <= configuration


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The site's address: in a file:// page, the browser itself refuses what axe-core asks for."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SilentHandler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class SilentHandler(SimpleHTTPRequestHandler):
    """Serves files, and keeps what is asked for to itself."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""


# A page of each kind; together they hold everything that a page can: code, tables, generated and included parts.
SEEN = (
    "index", "tutorials/start", "concepts/terms", "concepts/comparison", "guides/porting", "guides/github_actions",
    "reference/generated/changelog", "reference/generated/python_errors", "reference/generated/cli",
    "reference/generated/components", "reference/generated/artifacts", "concepts/decisions",
    "decisions/0071-significance-of-thresholds", "search",
)  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_a_page_is_whole_quiet_and_open_to_everyone(
    browser: Browser, axe: str, served: str, name: str, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("ASSAY_SCREENSHOTS") or tmp_path)
    with browser.new_context() as context:
        page = context.new_page()
        heard = Heard(page)
        page.goto(f"{served}/{name}.html")
        page.evaluate(axe)
        for mode, (width, height, scheme) in MODES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            assert (mode, page.evaluate(VIOLATIONS)) == (mode, [])
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, mode
            picture = folder / f"docs-{name.replace('/', '-')}-{mode}.png"
            page.screenshot(path=str(picture))
            assert picture.stat().st_size > 5_000
        assert heard.complaints == []
        assert [url for url in heard.requests if not url.startswith((served, "data:", "blob:"))] == []


def test_links_that_leave_are_secure_and_well_formed(site: Path) -> None:
    leaving = {link for page in site.rglob("*.html") for link in References(page).links if urlsplit(link).scheme}
    texts = [DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", DOCS.parent / "examples" / "ci" / "README.md"]
    for text in texts:
        leaving |= set(re.findall(r"\]\((\w+:[^)]+)\)", text.read_text(encoding="utf-8")))
    assert leaving
    for link in leaving:
        parts = urlsplit(link)
        assert parts.scheme == "https", link
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), link
        assert not re.search(r"\s|[<>\"{}|\\^`]", link), link
