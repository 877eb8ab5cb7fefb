"""What all commands share: a light start, the version, errors without tracebacks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import assay
from assay.cli.failures import exit_code_of
from assay.cli.main import app
from assay.errors import DataError, UsageError, UserCodeError

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]

LOADED = """
import sys
sys.argv = ["assay", {option!r}]
from assay.cli.main import main
try:
    main()
finally:
    print(sorted(set(sys.modules) & {{"sqlalchemy", "pyarrow", "numpy", "google.protobuf", "msgspec", "tensorflow"}}))
"""


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_start_loads_no_data_library(run_python: RunPython, option: str) -> None:
    assert run_python(LOADED.format(option=option)).stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"assay {assay.__version__}\n"


def test_the_package_runs_as_the_command_does(project_root: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(project_root / "components")}
    done = subprocess.run(
        [sys.executable, "-m", "assay", "rnu"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")
    assert "No such command 'rnu'" in done.stderr


def test_help_names_every_command_and_the_exit_codes() -> None:
    text = " ".join(CliRunner().invoke(app, ["--help"]).stdout.split())
    assert all(command in text for command in ("run", "lineage", "doctor"))
    assert "3 anomalies found" in text


def test_an_unknown_command_is_wrong_usage() -> None:
    done = CliRunner().invoke(app, ["rnu"])
    assert done.exit_code == 2
    assert "rnu" in done.stderr


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [(UsageError("x", "wrong"), 2), (DataError("x", "bad row"), 1), (UserCodeError("x", "raised"), 1)],
)
def test_only_wrong_usage_ends_with_2(error: UsageError, exit_code: int) -> None:
    assert exit_code_of(error) == exit_code


FAULT = """
import sys
from assay.cli.main import app, main

@app.command()
def fault() -> None:
    raise ZeroDivisionError("nothing to divide by")

sys.argv = ["assay", *{arguments!r}]
main()
"""


def run_fault(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = FAULT.format(arguments=arguments)
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(assay.__file__).parents[1])},
    )


def test_a_fault_of_assay_ends_with_1_and_one_line_without_a_traceback() -> None:
    done = run_fault("fault")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ZeroDivisionError: nothing to divide by\n")
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback_of_a_fault() -> None:
    done = run_fault("--debug", "fault")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("option", ["-o", "--quarantine"])
def test_a_folder_that_cannot_be_made_is_no_fault_of_assay(tmp_path: Path, option: str) -> None:
    """The system's refusal names the path, whichever command meets it and wherever it meets it."""
    data, schema = tmp_path / "data.csv", tmp_path / "schema.pbtxt"
    data.write_text("x\n1\n2\n")
    schema.write_text(str(assay.infer_schema(data)))
    there = tmp_path / "a file"
    there.touch()
    arguments = ["validate", str(data), "--schema", str(schema), option, str(there)]
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 1
    assert f"Error: The system denied access to {there}: File exists." in found.stderr
    assert "Check the path" in found.stderr
    with pytest.raises(FileExistsError, match="File exists"):
        CliRunner().invoke(app, ["--debug", *arguments], catch_exceptions=False)
