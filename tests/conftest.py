"""What every test may use: hypothesis profiles, the order of the markers, and subprocesses of this Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest
import typer.testing
from hypothesis import HealthCheck, settings
from typer.main import get_command

from browsers import axe, browser
from kfp_rules import faults_of_file

__all__ = ["axe", "browser"]  # fixtures, of which this module must name no library: images run it without


ROOT = Path(__file__).resolve().parents[1]

# Machines differ in speed, so no example has a deadline; the examples are the same every time, so that a red run
# can be repeated. `--hypothesis-profile=thorough` searches longer, with new examples each time.
settings.register_profile(
    "default", max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fast", settings.get_profile("default"), max_examples=10)  # make test-fast
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.register_profile("fuzz", max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("default")

# jsonschema would compile a grammar of international addresses, which takes every process of the tests three seconds.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None: to import it raises ImportError

# Typer's runner builds every command of an app anew for each call; one app has the same commands each time.
typer.testing._get_command = cache(get_command)  # type: ignore[attr-defined]  # a private name of Typer's


class RunPython(Protocol):
    """Runs Python code in a fresh process of this interpreter."""

    def __call__(self, code: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="write golden files and snapshots anew, then review the diff"
    )


@pytest.hookimpl(trylast=True)  # when `-m` and `-k` have chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files that take long first, so that no worker is left alone with one at the end."""
    seconds: Counter[Path] = Counter()
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        seconds[item.path] += max(60 * ("network" in marks), 20 * ("tensorflow" in marks), 10 * ("slow" in marks), 1)
    items.sort(key=lambda item: -seconds[item.path])


@pytest.fixture(scope="session")
def update_golden(pytestconfig: pytest.Config) -> bool:
    """Whether `--update` was given: a test then writes its golden file instead of comparing with it."""
    return bool(pytestconfig.getoption("--update"))


@pytest.fixture(scope="session")
def project_root() -> Path:
    return ROOT


@pytest.fixture(autouse=True)
def compiled_pipelines_run(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that compiled a pipeline which no server of Kubeflow Pipelines would run."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    for path in [*folder.glob("*.yaml"), *folder.glob("*/*.yaml")] if folder is not None else []:
        assert faults_of_file(path) == [], path


@pytest.fixture(scope="session")
def step_path() -> str:
    """`PYTHONPATH` of a step's process: this package, and the helpers that a test file imports.

    What runs the tests may be on the path alone, as it is inside our images.
    """
    paths = [str(ROOT / "components"), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.pathsep.join(paths)


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
