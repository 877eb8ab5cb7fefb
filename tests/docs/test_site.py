"""The site builds without a warning, its links lead somewhere, and its pages ask nothing of the network."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

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
