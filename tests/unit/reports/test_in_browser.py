"""Every page in a real browser: light, dark and on a phone; looked at by axe-core, and listened to."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pages
import pyarrow as pa
import pytest
import scenes
from playwright.sync_api import Browser, Page

import assay
from assay.cli.pages.server import serve
from assay.cli.pages.site import open_site
from assay.reports import render
from browsers import MODES, VIOLATIONS, Heard

pytestmark = pytest.mark.slow

PAGES = (
    "statistics", "one_row", "schema", "schema_difference", "comparison", "anomalies", "examples", "quarantine",
    "model_run", "evaluation", "blessing", "transform_graph", "model", "pushed_model", "hyperparameters",
    "predictions", "run", "history", "lineage", "root",
)  # fmt: skip


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.run_three_times(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A folder with every page as a file."""
    made = pages.every_page(tmp_path_factory.mktemp("made"), root)
    assert set(made) == set(PAGES)
    folder = tmp_path_factory.mktemp("site")
    for name, html in made.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_quiet_and_open_to_everyone(
    browser: Browser, axe: str, site: Path, name: str, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("ASSAY_SCREENSHOTS") or tmp_path)
    folder.mkdir(exist_ok=True)
    with browser.new_context() as context:
        page = context.new_page()
        heard = Heard(page)
        page.goto((site / f"{name}.html").as_uri())
        if (first := page.query_selector("button.open")) is not None:
            first.click()
            page.wait_for_selector("tr.detail")
        page.evaluate(axe)
        for mode, (width, height, scheme) in MODES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            assert (mode, page.evaluate(VIOLATIONS)) == (mode, [])
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, mode
            picture = folder / f"{name}-{mode}.png"
            page.screenshot(path=str(picture), full_page=True)
            assert picture.stat().st_size > 10_000
        assert page.evaluate("window.broken") is None
        assert heard.complaints == []
        assert [url for url in heard.requests if not url.startswith(("file:", "data:"))] == []


def test_values_with_markup_are_shown_as_they_are(browser: Browser, site: Path) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((site / "statistics.html").as_uri())
        page.get_by_role("searchbox", name="Search Features", exact=True).fill("kind")
        page.locator("button.open", has_text="kind").first.click()
        assert page.locator("tr.detail .value", has_text=scenes.HOSTILE).first.is_visible()
        assert page.evaluate("window.broken") is None


def test_a_table_is_searched_sorted_and_unfolded_by_keyboard_alone(browser: Browser, site: Path) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((site / "evaluation.html").as_uri())
        slices = page.locator(".data").nth(0)
        slices.get_by_role("searchbox").focus()
        page.keyboard.type("trips=1")
        assert slices.get_by_role("status").inner_text() == "11 of 32 slices"
        head = slices.get_by_role("button", name="Slice")
        head.focus()
        page.keyboard.press("Enter")
        assert head.locator("xpath=..").get_attribute("aria-sort") == "ascending"
        first = slices.locator("button.open").first
        assert first.inner_text() == "trips=1"
        first.focus()
        page.keyboard.press("Space")
        assert first.get_attribute("aria-expanded") == "true"
        assert slices.locator("tr.detail").is_visible()


def test_a_graph_shows_at_first_what_its_page_is_about(browser: Browser, site: Path) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto((site / "lineage.html").as_uri())
        inside = "n => { const a = n.getBoundingClientRect(); return a.left >= 0 && a.right <= innerWidth; }"
        assert page.locator(".node.here").evaluate(inside)
        assert page.locator("a.node").count() >= 2  # the others lead to their pages


@pytest.mark.parametrize(("name", "is_cut"), [("versicolor", False), ("far_too_long_" * 9, True)])
def test_a_confusion_matrix_is_as_wide_as_its_names(browser: Browser, tmp_path: Path, name: str, is_cut: bool) -> None:
    evaluation = scenes.make_evaluation(tmp_path / "evaluation")
    names = [f"{name} {number}" for number in range(4)]
    (evaluation.path / "classes.json").write_text(json.dumps({"label": "y", "classes": names}))
    (tmp_path / "page.html").write_text(render(evaluation), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto((tmp_path / "page.html").as_uri())
    matrix = page.locator(".scroll:has(.matrix)").filter(has_text=names[3]).first
    assert matrix.evaluate("it => it.scrollWidth > it.clientWidth") is is_cut
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.close()


def test_served_pages_keep_their_own_policy_and_lead_to_each_other(browser: Browser, root: Path) -> None:
    with open_site(root) as site, serve(site, "127.0.0.1", 0) as server, browser.new_context() as context:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            page = context.new_page()
            heard = Heard(page)
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.get_by_role("link", name="trips").first.click()
            page.wait_for_url("**/pipeline/trips")
            page.locator("td a").first.click()
            page.wait_for_url("**/run/*")
            page.get_by_role("link", name="StatisticsGen.statistics").click()
            page.wait_for_url("**/artifact/*")
            page.locator("a.node.artifact").first.click()
            page.get_by_role("heading", name="CsvExampleGen.examples").wait_for()
            assert heard.complaints == []
        finally:
            server.shutdown()
            thread.join()


def test_the_theme_can_be_chosen_and_is_remembered(browser: Browser, site: Path) -> None:
    with browser.new_context(color_scheme="light") as context:
        page = context.new_page()
        page.goto((site / "schema.html").as_uri())
        ground = partial(page.evaluate, "getComputedStyle(document.body).backgroundColor")
        assert ground() == "rgb(255, 255, 255)"
        page.get_by_role("button", name="Switch between light and dark").click()
        assert ground() == "rgb(11, 11, 13)"
        page.reload()
        assert ground() == "rgb(11, 11, 13)"


def test_a_page_works_in_a_sandboxed_frame_as_kubeflow_shows_it(browser: Browser, site: Path) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        heard = Heard(page)
        html = json.dumps((site / "statistics.html").read_text(encoding="utf-8"))
        page.set_content('<iframe sandbox="allow-scripts" width=900 height=700></iframe>')
        page.evaluate(f"document.querySelector('iframe').srcdoc = {html}")
        frame = page.frame_locator("iframe")
        frame.locator("tr.row").first.wait_for()
        assert heard.complaints == []


def test_links_inside_of_a_page_stay_in_its_frame(browser: Browser, site: Path) -> None:
    """A frame's srcdoc has the address of the page around it, which a link to a section would load."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((site / "blessing.html").as_uri())
        html = json.dumps((site / "evaluation.html").read_text(encoding="utf-8"))
        made = "Object.assign(document.createElement('iframe'), {sandbox: 'allow-scripts', width: 900, height: 400})"
        page.evaluate(f"document.body.replaceChildren({made}); document.querySelector('iframe').srcdoc = {html}")
        frame = page.frame_locator("iframe")
        for link in (frame.locator("nav.sections a").last, frame.locator("a.skip")):
            section = frame.locator(link.get_attribute("href") or "")
            link.focus()
            page.keyboard.press("Enter")
            assert page.frames[1].url == "about:srcdoc"
            assert section.evaluate("node => node === document.activeElement")
            assert section.evaluate("node => node.getBoundingClientRect().top") < 400


def processor_time_of(page: Page) -> Callable[[], float]:
    """Gives a function: the seconds that the page's thread computed so far, however busy the machine is."""
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds() -> float:
        metrics = client.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

    return seconds


@pytest.mark.weekly
def test_five_thousand_features_open_search_and_page_at_once(browser: Browser, tmp_path: Path) -> None:
    html = render(scenes.make_wide_statistics(tmp_path / "wide", 5000))
    (tmp_path / "wide.html").write_text(html, encoding="utf-8")
    assert len(html) < 12_000_000
    with browser.new_context() as context:
        page = context.new_page()
        busy_seconds = processor_time_of(page)
        page.goto((tmp_path / "wide.html").as_uri())
        assert page.locator(".data .count").first.inner_text() == "5,000 features"
        assert page.locator("tr.row").count() < 80  # one page of them
        opened = busy_seconds()
        assert opened < 2, "opening takes about 0.2 s"
        box = page.get_by_role("searchbox", name="Search Features", exact=True)
        box.fill("feature_4999")
        assert page.locator(".data .count").first.inner_text() == "1 of 5,000 features"
        assert busy_seconds() - opened < 1
        box.fill("")
        page.get_by_role("button", name="Mean").click()
        assert page.locator("tr.row strong").first.inner_text() == "feature_4999"
        page.get_by_role("button", name="Next").first.click()
        assert page.locator(".pager span").first.inner_text() == "26\u201350"


def test_a_report_of_fifty_features_is_small(tmp_path: Path) -> None:
    table = pa.table({f"f{at}": [float(at * row % 97) for row in range(500)] for at in range(25)})
    for at in range(25):
        table = table.append_column(f"s{at}", pa.array([f"value {at * row % 53}" for row in range(500)]))
    artifact = scenes.ExampleStatistics(tmp_path / "fifty")
    for split in ("train", "eval"):
        artifact.write(split, assay.statistics(table).proto)
    started = time.process_time()
    assert len(render(artifact).encode()) < 500_000
    assert time.process_time() - started < 5
