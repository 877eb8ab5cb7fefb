"""`assay run`: what it prints and how it ends, on a small pipeline of a user's own components."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assay.cli.main import app

TINY = Path(__file__).parent / "tiny_pipeline.py"

Assay = Callable[..., Result]


@pytest.fixture
def assay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assay:
    """Runs the command in this process, at 80 columns, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "80"})

    return invoke


def pipeline_file(folder: Path, text: str) -> Path:
    path = folder / "pipe.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_run_that_passes_shows_each_step_and_what_came_of_it(assay: Assay) -> None:
    done = assay("run", TINY, "--root", "root")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:5]] == [
        [name, "complete"] for name in ("MakeRows", "Validate", "Train", "Judge", "Pusher")
    ]
    assert "train 4 eval 4" in lines[0]
    text = " ".join(done.stdout.split())
    assert "MakeRows.examples 4 4" in text
    assert "Anomalies (Validate: train none, eval none)" in text
    assert "auc 0.9000" in text
    assert "payment_type=Credit Card 4 0.9000 -" in text
    assert "Blessed. ok auc on Overall is 0.9; the threshold is at least 0.5." in text
    assert "Version 1700000000, to serving" in text
    assert "passed in" in text
    assert str(Path("root/runs").resolve()) in text


def test_everything_but_paths_fits_80_columns_and_has_no_colours(assay: Assay) -> None:
    done = assay("run", TINY, "--root", "root", "--param", "company=Chicago Independents", "--param", "fail_on=never")
    wide = [line for line in done.stdout.splitlines() if len(line) > 80 and "/runs/" not in line]
    assert not wide
    assert "\x1b" not in done.output


def test_the_second_run_takes_every_step_from_the_cache(assay: Assay) -> None:
    assay("run", TINY, "--root", "root")
    done = assay("run", TINY, "--root", "root")
    assert done.exit_code == 0
    assert [line.split()[1] for line in done.stdout.splitlines()[:5]] == ["cached"] * 5
    assert "5 of 5 steps from the cache" in done.stdout
    assert "Version 1700000000 by an earlier run" in done.stdout


def test_force_runs_a_cached_step_again(assay: Assay) -> None:
    assay("run", TINY, "--root", "root")
    done = assay("run", TINY, "--root", "root", "--force", "Train")
    statuses = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()[:5]}
    assert statuses["Train"] == "complete"
    assert statuses["MakeRows"] == "cached"


def test_a_model_that_is_not_blessed_ends_with_4_and_is_not_pushed(assay: Assay) -> None:
    done = assay("run", TINY, "--root", "root", "--param", "steps=3")
    assert done.exit_code == 4
    text = " ".join(done.stdout.split())
    assert "Judge not blessed" in text
    assert "Not blessed: auc. FAIL auc on Overall is 0.03; the threshold is at least 0.5." in text
    assert "Nothing pushed: its condition does not hold." in text


def test_anomalies_end_with_3_and_stop_the_run(assay: Assay) -> None:
    done = assay("run", TINY, "--root", "root", "--param", "company=Chicago Independents")
    assert done.exit_code == 3
    text = " ".join(done.stdout.split())
    assert "Anomalies (Validate: train none, eval 1)" in text
    assert "eval company Unexpected string values. Examples contain values" in text
    assert "Train skipped" in text
    assert "stopped: anomalies found" in text


def test_a_step_that_fails_ends_with_1_after_the_users_traceback_and_names_its_log(assay: Assay) -> None:
    done = assay("run", TINY, "--root", "root", "--param", "steps=-1")
    assert done.exit_code == 1
    assert "raise ValueError(message)" in done.stderr
    assert done.stderr.index("Traceback") < done.stderr.index("Train failed: Train raised ValueError")
    assert "cannot train -1 steps" in done.stderr
    assert "_call(" not in done.stderr, "frames of assay are of no use to the user"
    log = Path(done.stderr.split("Log: ")[1].strip())
    assert "cannot train" in log.read_text(encoding="utf-8")
    assert "Judge" in done.stdout
    assert "skipped" in done.stdout


def test_json_prints_the_record_and_the_verdicts_and_nothing_else(assay: Assay) -> None:
    done = assay("run", TINY, "--root", "root", "--param", "steps=3", "--json")
    assert done.exit_code == 4
    record = json.loads(done.stdout)
    assert record["exit_code"] == 4
    assert [step["status"] for step in record["steps"]] == ["complete"] * 4 + ["skipped"]
    judged = {verdict["step"]: verdict for verdict in record["verdicts"]}
    assert judged["Validate"]["ok"]
    assert judged["Judge"]["failed"][0]["sentence"] == "auc on Overall is 0.03; the threshold is at least 0.5."
    assert "MakeRows" in done.stderr, "progress goes to standard error"
    on_disk = json.loads((Path(record["folder"]) / "run.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in record.items() if key != "verdicts"} == on_disk


def test_json_stays_whole_where_the_pipeline_file_prints(tmp_path: Path, project_root: Path) -> None:
    path = pipeline_file(tmp_path, TINY.read_text(encoding="utf-8") + "\n\nprint('loading')\n")
    done = subprocess.run(
        [sys.executable, "-m", "assay.cli.main", "run", path, "--root", tmp_path / "root", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(project_root / "components")},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["exit_code"] == 0
    assert "loading" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--param", "step=3"), "Pipeline tiny has no parameter 'step'.\nDid you mean 'steps'?"),
        (("--param", "steps=many"), "Parameter 'steps' must be of type int, got 'many'."),
        (("--param", "steps"), "--param takes NAME=VALUE, got 'steps'."),
        (("--param", "steps=1", "--param", "steps=2"), "--param steps is given twice: '1' and '2'."),
        (("--force", "Trian"), "tiny has no step 'Trian' to force.\nDid you mean 'Train'?"),
    ],
)
def test_wrong_options_end_with_2_and_a_hint(assay: Assay, options: tuple[str, ...], message: str) -> None:
    done = assay("run", TINY, "--root", "root", *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output


def test_an_unknown_option_ends_with_2(assay: Assay) -> None:
    assert assay("run", TINY, "--roots", "root").exit_code == 2


def test_no_such_file(assay: Assay) -> None:
    done = assay("run", "absent.py")
    assert done.exit_code == 2
    assert "Expected a Python file at absent.py" in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "found neither pipelines nor functions"),
        ("pipeline = 3\n", "found 'pipeline' of type int"),
        ("def make_pipeline():\n    pass\n", "found the function make_pipeline()"),
        ("def create_pipeline(name):\n    pass\n", "create_pipeline in"),
        ("def create_pipeline():\n    return 5\n", "returned 5, not an assay Pipeline"),
    ],
)
def test_a_file_without_a_pipeline_says_what_it_has(assay: Assay, tmp_path: Path, text: str, message: str) -> None:
    done = assay("run", pipeline_file(tmp_path, text))
    assert done.exit_code == 2
    assert message in done.stderr


def test_an_error_in_the_pipeline_file_shows_the_users_traceback(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("def steps():\n    return 1 / 0\n", encoding="utf-8")
    done = assay("run", pipeline_file(tmp_path, "import settings\nsettings.steps()\n"))
    assert done.exit_code == 1
    assert "settings.py" in done.stderr
    assert "return 1 / 0" in done.stderr
    assert "importlib" not in done.stderr
    assert "Error: Loading pipe.py raised ZeroDivisionError" in done.stderr


def test_a_syntax_error_in_the_pipeline_file_names_the_line(assay: Assay, tmp_path: Path) -> None:
    done = assay("run", pipeline_file(tmp_path, "pipeline = (\n"))
    assert done.exit_code == 1
    assert "pipe.py, line 1" in done.stderr


def test_debug_shows_the_traceback_of_assay(assay: Assay) -> None:
    done = assay("--debug", "run", "absent.py")
    assert done.exit_code == 1
    assert type(done.exception).__name__ == "UsageError"


SLEEPER = """
from __future__ import annotations
import signal, time
from assay import Output, Pipeline, component
from assay.artifacts import Model

@component
def Sleep(model: Output[Model]) -> None:
    print("asleep")
    time.sleep(60)

pipeline = Pipeline("sleeper", components=[Sleep()])
# A shell that starts the tests in the background makes them deaf to SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


def test_an_interrupted_run_says_so_without_a_traceback(tmp_path: Path, project_root: Path) -> None:
    root = tmp_path / "root"
    running = subprocess.Popen(
        [sys.executable, "-m", "assay.cli.main", "run", pipeline_file(tmp_path, SLEEPER), "--root", root],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(project_root / "components")},
    )
    while not any(log.read_text(encoding="utf-8") for log in root.glob("runs/*/logs/Sleep.log")):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 130
    assert errors == "Interrupted.\n"
    [record] = root.glob("runs/*/run.json")
    assert json.loads(record.read_text(encoding="utf-8"))["state"] == "interrupted"
