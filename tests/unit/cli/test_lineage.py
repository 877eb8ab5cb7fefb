"""`assay lineage` on two runs of a small pipeline."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assay.cli.main import app
from assay.runners.local.session import RootLayout, layout_at, record_store

TINY = Path(__file__).parent / "tiny_pipeline.py"

SLOW = """
import time
from pathlib import Path
from assay import Output, Pipeline, component
from assay.artifacts import Schema

@component
def Wait(schema: Output[Schema]) -> None:
    (Path(__file__).parent / "started").touch()
    time.sleep(600)

pipeline = Pipeline("slow", None, [Wait()])
"""

Ask = Callable[..., Result]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a run whose model was blessed, and one whose model was not."""
    root = tmp_path_factory.mktemp("runs") / "assay-root" / "tiny"
    for steps, exit_code in ((90, 0), (3, 4)):
        done = CliRunner().invoke(app, ["run", str(TINY), "--root", str(root), "--param", f"steps={steps}"])
        assert done.exit_code == exit_code, done.output
    return root


@pytest.fixture
def ask(root: Path) -> Ask:
    def ask(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["lineage", *arguments, "--root", str(root)], env={"COLUMNS": "160"})

    return ask


def document(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    loaded: dict[str, object] = json.loads(result.stdout)
    return loaded


def test_without_an_argument_it_lists_the_runs_and_the_latest_blessed_model(ask: Ask) -> None:
    lines = ask().stdout.splitlines()
    outcomes = [line.split()[-2:] for line in lines if " tiny " in line]
    assert outcomes[0] == ["not", "blessed"]
    assert outcomes[1][-1] == "passed"
    assert lines[-1].startswith("Latest blessed model: ")
    assert "Train/model/" in lines[-1]


def test_a_run_lists_its_steps_and_their_artifacts(ask: Ask) -> None:
    run_id = document(ask("--json"))["runs"][0]["id"]  # type: ignore[index]  # JSON
    text = ask(run_id).stdout
    assert f"Run {run_id} of tiny: not blessed" in text
    steps = [line.split()[:2] for line in text.splitlines()[3:]]
    assert ["MakeRows", "cached"] in steps
    assert ["Pusher", "skipped"] in steps


def test_up_shows_what_made_an_artifact(ask: Ask, root: Path) -> None:
    text = ask(str(next((root / "Judge" / "blessing").iterdir()))).stdout
    assert text.startswith("ModelBlessing")
    assert "made by Judge" in text
    assert "model: Model" in text
    assert {"made by MakeRows", "made by Train"} <= set(re.findall(r"made by \w+", text))
    assert "(shown above)" in text, "the rows are read by two of the steps and laid out once"


def test_down_shows_what_came_of_an_artifact(ask: Ask) -> None:
    text = ask("1", "--down").stdout
    assert text.startswith("Examples 1")
    assert "read by Train" in text
    assert "pushed_model: PushedModel" in text


def test_a_path_a_file_inside_a_digest_and_an_id_name_the_same_artifact(ask: Ask, root: Path) -> None:
    by_id = document(ask("1", "--json"))
    digest = str(by_id["artifact"]["digest"])  # type: ignore[index]  # JSON
    folder = next((root / "MakeRows" / "examples").iterdir())
    for name in (digest, digest.removeprefix("sha256:")[:12], str(folder), str(folder / "Split-train")):
        assert document(ask(name, "--json")) == by_id


@pytest.mark.parametrize("name", ["999", "nothing", "sha256:0123456789"])
def test_an_unknown_name_is_an_error(ask: Ask, name: str) -> None:
    done = ask(name)
    assert done.exit_code == 1
    assert name in done.stderr


def test_a_folder_without_runs_is_an_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["lineage", "--root", str(tmp_path)])
    assert done.exit_code == 1
    assert "has no lineage store" in done.stderr
    assert not list(tmp_path.iterdir()), "a question leaves nothing behind"


def test_the_only_root_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parents[1])
    assert CliRunner().invoke(app, ["lineage"]).exit_code == 0


def test_without_a_root_to_be_found_it_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["lineage"])
    assert done.exit_code == 2
    assert "Name it: --root DIR." in done.stderr


def test_a_killed_run_is_told_from_a_running_one_at_once(tmp_path: Path, project_root: Path) -> None:
    """By a real kill, in the middle of a step."""
    slow = tmp_path / "slow.py"
    slow.write_text(SLOW, encoding="utf-8")
    command = [sys.executable, "-m", "assay", "run", str(slow), "--root", str(tmp_path / "root")]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(project_root / "components")}) as run:
        while not (tmp_path / "started").exists():
            assert run.poll() is None
            time.sleep(0.05)
        ask = ["lineage", "--root", str(tmp_path / "root")]
        assert document(CliRunner().invoke(app, [*ask, "--json"]))["runs"][0]["state"] == "RUNNING"  # type: ignore[index]  # JSON
        run.kill()
    listed = document(CliRunner().invoke(app, [*ask, "--json"]))["runs"][0]  # type: ignore[index]  # JSON
    assert listed["state"] == "ABANDONED"
    text = CliRunner().invoke(app, [ask[0], listed["id"], *ask[1:]]).stdout
    assert f"Run {listed['id']} of slow: killed" in text
    assert re.search(r"Wait +killed", text)


def test_up_and_down_together_are_wrong_usage(ask: Ask) -> None:
    assert ask("1", "--up", "--down").exit_code == 2


ELSEWHERE = """
from assay import Output, Pipeline, component
from assay.artifacts import Schema

@component
def Write(schema: Output[Schema]) -> None:
    (schema.path / "schema.pbtxt").write_text("feature {{ name: 'x' }}")

pipeline = Pipeline("elsewhere", {root!r}, [Write()], metadata_connection_config={store!r})
"""


@pytest.mark.parametrize("form", ["path", "url"])
def test_a_store_outside_of_the_root_is_found(tmp_path: Path, form: str) -> None:
    root, store = tmp_path / "root", tmp_path / "stores" / "metadata.db"
    config = str(store) if form == "path" else f"sqlite:///{store}"
    store.parent.mkdir()
    (tmp_path / "p.py").write_text(ELSEWHERE.format(root=str(root), store=config))

    def ask(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})

    assert ask("run", str(tmp_path / "p.py")).exit_code == 0
    for given in ((), ("--store", config)):
        shown = ask("lineage", "--root", str(root), *given)
        assert shown.exit_code == 0, shown.output
        assert "elsewhere" in shown.stdout
        page = ask("report", "elsewhere", "--root", str(root), *given, "-o", str(tmp_path / "page.html"))
        assert page.exit_code == 0, page.output
        assert ask("report", str(root), *given, "-o", str(tmp_path / "page.html")).exit_code == 0
    assert "elsewhere" in ask("lineage", "--store", config).stdout
    assert ask("lineage", "--root", str(tmp_path / "stores")).exit_code == 1
    (root / "lineage.json").write_text("{")
    broken = ask("lineage", "--root", str(root))
    assert broken.exit_code == 1
    assert "does not name a lineage store" in broken.stderr


def test_a_root_that_records_a_store_records_no_password(tmp_path: Path) -> None:
    layout = RootLayout(tmp_path, "postgresql+psycopg://me:secret@host/db")
    record_store(layout)
    assert "secret" not in layout.store_record.read_text()
    found = layout_at(tmp_path)
    assert found is not None
    assert found.lineage == "postgresql+psycopg://me@host/db"
    record_store(RootLayout(tmp_path))
    assert layout_at(tmp_path) is None
