"""What every test may use: hypothesis profiles, the order of the markers, and subprocesses of this Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import HealthCheck, settings

from browsers import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]

# Machines differ in speed, so no example has a deadline; the examples are the same every time, so that a red run
# can be repeated. `--hypothesis-profile=thorough` searches longer, with new examples each time.
settings.register_profile(
    "default", max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.register_profile("fuzz", max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("default")


class RunPython(Protocol):
    """Runs Python code in a fresh process of this interpreter."""

    def __call__(self, code: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="write golden files and snapshots anew, then review the diff"
    )


@pytest.fixture(scope="session")
def update_golden(pytestconfig: pytest.Config) -> bool:
    """Whether `--update` was given: a test then writes its golden file instead of comparing with it."""
    return bool(pytestconfig.getoption("--update"))


@pytest.fixture(scope="session")
def project_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def run_python() -> RunPython:
    """Gives a function that runs code in a fresh process with this package on its path; it fails on a non-zero exit."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "components"), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(code: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
            cwd=cwd,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from browsers import chromium
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which finds what keeps people out of a page."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
