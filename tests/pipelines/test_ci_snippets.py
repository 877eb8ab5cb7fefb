"""The CI snippets of `examples/ci`, run line by line as each CI server would: a pass passes, and nothing else does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

pytestmark = pytest.mark.slow

SNIPPETS = Path(__file__).parents[2] / "examples" / "ci"
INSTALL = "pip install assay"


@dataclass(frozen=True)
class Step:
    """A script of a snippet.

    Attributes:
        script: What a shell runs.
        always: Whether it runs after a failure too.
    """

    script: str
    always: bool = False


def github() -> list[Step]:
    [job] = yaml.safe_load((SNIPPETS / "github-actions.yml").read_text(encoding="utf-8"))["jobs"].values()
    return [Step(step["run"], step.get("if") == "always()") for step in job["steps"] if "run" in step]


def gitlab() -> list[Step]:
    job = yaml.safe_load((SNIPPETS / "gitlab-ci.yml").read_text(encoding="utf-8"))["model-gate"]
    return [Step(line) for line in (*job["before_script"], *job["script"])]


def make() -> list[Step]:
    return [Step("make -f Makefile gate")]


def table(quality: float) -> pa.Table:
    rng = np.random.default_rng(0)
    size = 3000
    labels = rng.integers(0, 2, size)
    score = np.clip(0.5 + quality * (labels - 0.5) + rng.normal(0, 0.2, size), 0, 1)
    return pa.table({"id": np.arange(size), "label": labels, "score": score, "region": rng.choice(["n", "s"], size)})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A tiny project: the snippets' files, and predictions of a candidate that is a little better."""
    for name in ("gate.yaml", "waivers.yaml", "Makefile"):
        shutil.copy(SNIPPETS / name, tmp_path)
    pq.write_table(table(0.4), tmp_path / "baseline.parquet")
    pq.write_table(table(0.45), tmp_path / "candidate.parquet")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "assay"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m assay.cli.main "$@"\n')
    command.chmod(0o755)
    return tmp_path


def run(steps: list[Step], project: Path) -> tuple[int, str]:
    """Runs the steps as a CI server does, and gives the exit code of the first that fails and what all printed."""
    source = Path(__file__).parents[2] / "components"
    environment = os.environ | {
        "PATH": f"{project / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(source),
        "GITHUB_STEP_SUMMARY": str(project / "step_summary.md"),
    }
    failed, printed = 0, ""
    assert any(INSTALL in step.script for step in steps) or steps == make()
    for step in steps:
        if step.script == INSTALL or (failed and not step.always):
            continue
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script]
        done = subprocess.run(shell, cwd=project, env=environment, capture_output=True, text=True, check=False)
        failed, printed = failed or done.returncode, printed + done.stdout + done.stderr
    return failed, printed


def as_it_is(project: Path) -> None:
    assert (project / "gate.yaml").is_file()


def worse(project: Path) -> None:
    pq.write_table(table(0.1), project / "candidate.parquet")


def broken_table(project: Path) -> None:
    whole = (project / "baseline.parquet").read_bytes()
    (project / "baseline.parquet").write_bytes(whole[: len(whole) // 2])


def wrong_config(project: Path) -> None:
    text = (project / "gate.yaml").read_text(encoding="utf-8")
    (project / "gate.yaml").write_text(text.replace("class_name: AUC", "class_name: AUCC"))


@pytest.mark.parametrize(
    ("change", "code"), [(as_it_is, 0), (worse, 4), (broken_table, 1), (wrong_config, 3)],
    ids=["better", "worse", "broken table", "wrong configuration"],
)  # fmt: skip
@pytest.mark.parametrize("snippet", [github, gitlab, make])
def test_the_snippet_ends_as_the_gate_decides(
    project: Path, snippet: Callable[[], list[Step]], change: Callable[[Path], None], code: int
) -> None:
    change(project)
    ended, printed = run(snippet(), project)
    if snippet is make:
        assert ended == (2 if code else 0), printed
        assert (f"Error {code}" in printed) == bool(code)
    else:
        assert ended == code, printed
    assert (project / "gate" / "verdict.json").is_file() == (code in {0, 4})
    if code in {0, 4}:
        verdict = json.loads((project / "gate" / "verdict.json").read_text(encoding="utf-8"))
        assert verdict["ok"] == (code == 0)
        failures = ET.parse(project / "gate" / "junit.xml").getroot()[0].attrib["failures"]
        assert (failures == "0") == (code == 0)
    if snippet is github and code in {0, 4}:
        said = (project / "step_summary.md").read_text(encoding="utf-8")
        assert said.startswith(f"## Model gate: {'blessed' if code == 0 else 'not blessed'}")


def test_a_waiver_lets_the_pipeline_pass_until_it_expires(project: Path) -> None:
    worse(project)
    names = [("auc", name) for name in ("Overall", "region=n", "region=s")]
    names += [("binary_accuracy", name) for _, name in names]
    entry = "- {{check: {}, slice: {}, who: ann, why: known, expires: {}-01-01}}\n"
    for year, code in ((2999, 0), (2001, 4)):
        (project / "waivers.yaml").write_text("".join(entry.format(*name, year) for name in names))
        assert run(gitlab(), project)[0] == code
