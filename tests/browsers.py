"""A browser for the tests that look at pages, and what it hears while a page is open."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MODES: dict[str, tuple[int, int, Any]] = {
    "light": (1280, 900, "light"),
    "dark": (1280, 900, "dark"),
    "phone": (390, 844, "light"),
}
VIOLATIONS = "axe.run().then(r => r.violations.map(v => [v.id, ...v.nodes.map(n => n.html.slice(0, 99))].join()))"


def installed() -> str | None:
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None)


def chromium() -> str:
    """The browser: of this machine, or installed where it may be; never passed over in silence."""
    # Tests that run at the same time wait for each other: apt-get refuses to work twice at once.
    with (Path(tempfile.gettempdir()) / f"assay-tests-apt-get-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed() is None and os.geteuid() == 0 and shutil.which("apt-get"):
            environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            wait = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=600"]
            for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
                subprocess.run([*wait, *command], check=True, capture_output=True, env=environment, timeout=1000)
    found = installed()
    if found is None:
        pytest.fail("Chromium is not installed. As root: apt-get install chromium")
    return found


class Heard:
    """What a page said and asked for while it was open."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: self.requests.append(asked.url))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which finds what keeps people out of a page."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
