"""`kill -9` at random moments of a run: nothing is half there, and the next run ends with the same bytes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.artifacts.store import changed_files
from assay.components import CsvExampleGen, ExampleValidator, SchemaGen, StatisticsGen
from assay.lineage import LineageStore
from assay.runners.local import LocalDagRunner, RunResult, Silence
from assay.spec import Pipeline

pytestmark = pytest.mark.slow

ROWS = 60_000
FRESH_ROOTS = 12
KILLS_ON_ONE_ROOT = 8
OUTPUTS = {
    "examples": "CsvExampleGen",
    "statistics": "StatisticsGen",
    "schema": "SchemaGen",
    "anomalies": "ExampleValidator",
}

# The process says when it is ready, so that every kill falls into the run itself and none into its imports.
CHILD = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("test_kill", sys.argv[1])
test_kill = importlib.util.module_from_spec(spec)
sys.modules["test_kill"] = test_kill
spec.loader.exec_module(test_kill)
from pathlib import Path
test_kill.warm_up()
print("ready", flush=True)
sys.stdin.readline()
test_kill.run(Path(sys.argv[2]), Path(sys.argv[3]))
"""


def write_csv(folder: Path) -> Path:
    folder.mkdir()
    rng = random.Random(5)
    with (folder / "data.csv").open("w") as stream:
        stream.write("id,price,city,stars\n")
        for row in range(ROWS):
            stars = "" if row % 50 == 0 else str(rng.randrange(6))
            stream.write(f"{row},{rng.random():.6f},city{rng.randrange(40)},{stars}\n")
    return folder


def run(data: Path, root: Path) -> RunResult:
    gen = CsvExampleGen(input_base=str(data))
    statistics = StatisticsGen(examples=gen.outputs["examples"])
    schema = SchemaGen(statistics=statistics.outputs["statistics"], exclude_splits=["eval"])
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"], fail_on="never"
    )
    return LocalDagRunner(root, progress=Silence()).run(Pipeline("kill", None, [gen, statistics, schema, validator]))


def warm_up() -> None:
    """Loads what the first step would load, which is no part of a run worth killing."""
    from assay import native  # noqa: F401 (the import is the point)


def digests(result: RunResult) -> dict[str, str]:
    return {key: result.output(node, key).digest for key, node in OUTPUTS.items()}


@contextmanager
def started(data: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    components = Path(__file__).resolve().parents[2] / "components"
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, __file__, str(data), str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(components)},
    )
    try:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.communicate()


def kill_at(seconds: float, data: Path, root: Path) -> None:
    with started(data, root) as process:
        time.sleep(seconds)
        process.kill()


def artifact_folders(root: Path) -> list[Path]:
    """Every folder that lies where an artifact lies: <step>/<key>/<number>."""
    found = [path for path in root.glob("*/*/*") if path.is_dir() and path.name.isdigit()]
    return [path for path in found if path.relative_to(root).parts[0] not in {"runs", ".staging"}]


def completed(root: Path) -> set[str]:
    """The steps whose outputs are recorded."""
    if not (root / "lineage.db").is_file():
        return set()
    with LineageStore.open(root / "lineage.db") as store:
        runs = [execution for run in store.runs() for execution in store.executions_of(run.id)]
    return {execution.node_id for execution in runs if execution.state == "COMPLETE"}


@dataclass(frozen=True)
class Undisturbed:
    data: Path
    seconds: float
    digests: dict[str, str]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    data = write_csv(folder / "data")
    with started(data, folder / "timed") as process:
        begun = time.perf_counter()
        assert process.wait() == 0
        seconds = time.perf_counter() - begun
    result = run(data, folder / "root")
    assert result.ok
    return Undisturbed(data, seconds, digests(result))


def check_after_kill(root: Path) -> None:
    for folder in artifact_folders(root):
        assert changed_files(folder) == [], f"{folder} is half there"


def check_next_run(root: Path, undisturbed: Undisturbed) -> None:
    before = completed(root)
    result = run(undisturbed.data, root)
    assert result.ok
    assert digests(result) == undisturbed.digests
    assert {step.node_id for step in result.steps if step.status == "cached"} == before
    assert list((root / ".staging").glob("*")) == []
    recorded = {artifact.path for step in result.steps for values in step.outputs.values() for artifact in values}
    assert set(artifact_folders(root)) == recorded


def moments(count: int, seconds: float, seed: int) -> list[float]:
    """Random moments, one in each of `count` equal parts of the run, so that no part of it is left out."""
    rng = random.Random(seed)
    found = [seconds * (part + rng.random()) / count for part in range(count)]
    print(f"seed {seed}, a run of {seconds:.2f} s, kills at", " ".join(f"{one:.3f}" for one in found))  # noqa: T201
    return found


def test_a_killed_run_leaves_nothing_half_there_and_is_resumed(undisturbed: Undisturbed, tmp_path: Path) -> None:
    stages: list[int] = []
    # A machine that became busy since the undisturbed run is given longer: the kills must meet later steps, too.
    for stretch in (1, 2, 4, 8):
        for moment in moments(FRESH_ROOTS, undisturbed.seconds * stretch, seed=stretch):
            root = tmp_path / str(len(stages))
            kill_at(moment, undisturbed.data, root)
            check_after_kill(root)
            stages.append(len(completed(root)))
            check_next_run(root, undisturbed)
        if len(set(stages)) > 1:
            break
    assert len(set(stages)) > 1, f"kills that all meet the run at one stage show nothing: {stages}"


def test_a_run_that_is_killed_again_and_again_ends_well(undisturbed: Undisturbed, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for moment in moments(KILLS_ON_ONE_ROOT, undisturbed.seconds, seed=2):
        done = completed(root)
        kill_at(moment, undisturbed.data, root)
        check_after_kill(root)
        assert done <= completed(root)
    check_next_run(root, undisturbed)
