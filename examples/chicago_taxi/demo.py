"""The demo: a first run, the same run from the cache, and a model that the gate stops.

Each run is `assay run` in a fresh process. What each must come to is checked; the demo fails where one does not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import taxi_trips

from assay.errors import AssayError

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]

TOO_FEW_STEPS = 40


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the shell saw it.

    Attributes:
        seconds: From the start of the process to its end.
        cpu_seconds: What it computed in that time; less on a machine that has other work.
        record: What `run.json` says.
    """

    exit_code: int
    seconds: float
    cpu_seconds: float
    record: dict[str, Any]

    def step(self, node_id: str) -> dict[str, Any]:
        """Return the record of a step."""
        return next(step for step in self.record["steps"] if step["id"] == node_id)

    def artifact(self, node_id: str, key: str) -> dict[str, Any]:
        """Return the record of an artifact that a step wrote."""
        artifact: dict[str, Any] = self.step(node_id)["outputs"][key][0]
        return artifact


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that a run must come to, and whether it did."""

    sentence: str
    kept: bool


def main() -> int:
    """Run the demo; return 0 if everything came out as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=CHECKOUT / "build" / "demo", help="made anew for each demo")
    parser.add_argument("--cached-seconds", type=float, default=3.0, help="what the cached run may take")
    options = parser.parse_args()
    root: Path = options.root.resolve()
    try:
        taxi_trips()
    except AssayError as error:
        print(error, file=sys.stderr)
        return 1
    shutil.rmtree(root, ignore_errors=True)

    _title("1. First run: from the CSV to a pushed model")
    first = assay_run(root)
    _report(first)
    kept = _check(first_run_promises(first, root))

    _title("2. The same run again: every step from the cache")
    second = assay_run(root)
    kept &= _check(second_run_promises(second, root, options.cached_seconds))

    _title(f"3. A model trained too little ({TOO_FEW_STEPS} steps): worse than the blessed one")
    third = assay_run(root, "--param", f"train_steps={TOO_FEW_STEPS}")
    kept &= _check(third_run_promises(third, root))

    print("\nThe demo went as promised." if kept else "\nThe demo did NOT go as promised.", flush=True)
    return 0 if kept else 1


def assay_run(root: Path, *options: str) -> Run:
    """Run the pipeline by the command line in a fresh process, which prints to this one's terminal."""
    options = (*options, "--root", str(root), "--param", f"serving_dir={root / 'serving'}")
    shown = [os.path.relpath(HERE / "pipeline.py"), *options]
    print("$ assay run " + " ".join(shown) + "\n", flush=True)
    command = [sys.executable, "-m", "assay.cli.main", "run", str(HERE / "pipeline.py"), *options]
    started, cpu_started = time.perf_counter(), _cpu_of_children()
    done = subprocess.run(command, check=False)  # noqa: S603 (this Python, and our own arguments)
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_of_children() - cpu_started
    records = list(root.glob("runs/*/run.json"))
    if not records:
        sys.exit(f"The run wrote no run.json (exit code {done.returncode}).")
    newest = max(records, key=lambda path: path.stat().st_mtime_ns)
    return Run(done.returncode, seconds, cpu_seconds, json.loads(newest.read_text(encoding="utf-8")))


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def first_run_promises(run: Run, root: Path) -> Iterator[Promise]:
    """Everything ran, the known anomalies were found, the model was blessed and pushed."""
    yield Promise(f"exit code 0 (was {run.exit_code})", run.exit_code == 0)
    yield Promise("every step ran", {step["status"] for step in run.record["steps"]} == {"complete", "resolved"})
    rows = run.artifact("CsvExampleGen", "examples")["rows"]
    yield Promise(f"all 15,002 rows are in a split ({rows})", sum(rows.values()) == 15_002)
    verdict = _verdict(run.artifact("ExampleValidator", "anomalies"))
    found = {check["subject"] for check in verdict["checks"] if not check["ok"] and check["slice"] == "eval"}
    named = ", ".join(sorted(found))
    yield Promise(f"anomalies in the evaluation split: {named}", {"company", "payment_type"} <= found)
    yield Promise("the model is blessed", run.artifact("Evaluator", "blessing")["properties"]["blessed"] == 1)
    yield Promise(f"one version is served ({', '.join(_served(root))})", len(_served(root)) == 1)


def second_run_promises(run: Run, root: Path, limit: float) -> Iterator[Promise]:
    """Nothing ran again, and quickly."""
    yield Promise(f"exit code 0 (was {run.exit_code})", run.exit_code == 0)
    again = [step["id"] for step in run.record["steps"] if step["status"] not in {"cached", "resolved"}]
    yield Promise(f"every step is a cache hit{f', but for {again}' if again else ''}", not again)
    # A machine that does other work, or reads from a cold disk, is slow at anything: then its own time counts.
    took = f"took {run.seconds:.2f} s, {run.cpu_seconds:.2f} s of them computing"
    yield Promise(f"under {limit:g} s ({took})", min(run.seconds, run.cpu_seconds) < limit)
    yield Promise("still one version is served", len(_served(root)) == 1)


def third_run_promises(run: Run, root: Path) -> Iterator[Promise]:
    """Check that the gate blocks the model, and by how much; nothing is pushed."""
    yield Promise(f"exit code 4 (was {run.exit_code})", run.exit_code == 4)
    yield Promise("the model is not blessed", run.artifact("Evaluator", "blessing")["properties"]["blessed"] == 0)
    checks = _verdict(run.artifact("Evaluator", "blessing"))["checks"]
    fell = [check["sentence"] for check in checks if not check["ok"] and check["kind"] == "change_threshold"]
    yield Promise(f"it says what fell: {' '.join(fell)}", bool(fell))
    yield Promise("nothing was pushed: still one version is served", len(_served(root)) == 1)


def _verdict(artifact: dict[str, Any]) -> dict[str, Any]:
    verdict: dict[str, Any] = json.loads((Path(artifact["uri"]) / "verdict.json").read_text(encoding="utf-8"))
    return verdict


def _served(root: Path) -> list[str]:
    """Versions in the serving folder; a model server reads those with a number as their name."""
    serving = root / "serving"
    return sorted(folder.name for folder in serving.iterdir() if folder.name.isdecimal()) if serving.is_dir() else []


def _report(run: Run) -> None:
    """Print where the time went."""
    steps = sum(step["seconds"] for step in run.record["steps"])
    print("\nSeconds by step:")
    for step in run.record["steps"]:
        print(f"  {step['id']:<30} {step['seconds']:6.2f}")
    print(f"  {'start and summary':<30} {run.seconds - steps:6.2f}")
    print(f"  {'fresh process to end':<30} {run.seconds:6.2f}", flush=True)


def _title(text: str) -> None:
    print(f"\n{'=' * 79}\n{text}\n{'=' * 79}", flush=True)


def _check(promises: Iterator[Promise]) -> bool:
    """Print each promise and whether it was kept."""
    print()
    kept = True
    for promise in promises:
        kept &= promise.kept
        print(f"  {'ok  ' if promise.kept else 'FAIL'}  {promise.sentence}", flush=True)
    return kept


if __name__ == "__main__":
    sys.exit(main())
