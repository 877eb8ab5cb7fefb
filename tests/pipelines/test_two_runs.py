"""Several processes run one pipeline on one root at once: each ends well, and nothing is lost or shared by mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from assay.artifacts.store import changed_files
from assay.lineage import LineageStore

PROCESSES = 4

SCRIPT = """
import sys, time
from assay import *
from assay.artifacts import Schema
from assay.runners.local import Silence

@component
def Make(context: ExecutionContext, text: Output[Schema], *, content: str) -> None:
    (context.temp_dir / "scratch").write_text(context.run_id)
    time.sleep(0.05)
    (text.path / "schema.pbtxt").write_text(content)

@component
def Join(a: Input[Schema], b: Input[Schema], joined: Output[Schema]) -> None:
    (joined.path / "schema.pbtxt").write_text(a.file.read_text() + b.file.read_text())

root, own = sys.argv[1:]
first = Make(content="the same")
second = Make(content=own).with_id("own")
joined = Join(a=first.outputs["text"], b=second.outputs["text"])
pipeline = Pipeline("shared", None, [first, second, joined])
print("ready", flush=True)
sys.stdin.readline()
result = LocalDagRunner(root, progress=Silence()).run(pipeline)
for step in result.steps:
    print(step.node_id, step.status, step.reason)
print(result.output("Join", "joined").path.joinpath("schema.pbtxt").read_text())
sys.exit(result.exit_code)
"""


def start(root: Path, own: str) -> subprocess.Popen[str]:
    components = Path(__file__).resolve().parents[2] / "components"
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(root), own],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(components)},
    )


def run_at_once(root: Path) -> list[str]:
    """Starts all processes, lets them go together, and gives what each printed; fails unless each ended with 0."""
    processes = [start(root, f" own{number}") for number in range(PROCESSES)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=600)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, outputs
    return outputs


@pytest.mark.slow
def test_runs_at_once_on_one_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    outputs = run_at_once(root)
    assert [output.splitlines()[-1] for output in outputs] == [f"the same own{number}" for number in range(PROCESSES)]
    assert list((root / ".staging").iterdir()) == []
    assert list((root / ".locks").iterdir()) == []
    with LineageStore.open(root / "lineage.db") as store:
        runs = store.runs("shared")
        assert Counter(run.state for run in runs) == {"COMPLETE": PROCESSES}
        executions = [execution for run in runs for execution in store.executions_of(run.id)]
        assert {execution.state for execution in executions} <= {"COMPLETE", "CACHED"}
        assert len(executions) == 3 * PROCESSES
        folders = [Path(artifact.location) for artifact in store.artifacts()]
    assert len(set(folders)) == len(folders)
    assert all(changed_files(folder) == [] for folder in folders)
    records = [json.loads(path.read_text()) for path in root.glob("runs/*/run.json")]
    assert [record["state"] for record in records] == ["complete"] * PROCESSES

    again = run_at_once(root)
    assert all(line.split()[1] == "cached" for output in again for line in output.splitlines()[:-1])
