"""What a newcomer waits for: the commands of docs/tutorials/start.md, from an empty folder to the first blessed model.

    PYTHONPATH=components python benchmarks/first_minutes.py [--data-only]

Runs the page's own blocks in order, in an empty folder, each in a fresh process as a shell would, and prints the wall
and processor seconds of each command, how many it took to the first validated dataset and to the first blessed model,
and what was waited for either. `--data-only` ends with the validated dataset, for environments without TensorFlow. The
exit code is 1 where a command ended otherwise than the page says, or no model was pushed.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "tutorials" / "start.md"
_BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^>]+ -->\n)?^```(?P<language>python|sh)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_EXIT_CODE = re.compile(r"# ends with exit code (\d+)")


@dataclass(frozen=True)
class Step:
    """A command of the page, or a piece of its Python.

    Attributes:
        name: What is printed for it.
        command: What is run.
        exit_code: How it ends, by the page.
    """

    name: str
    command: tuple[str, ...]
    exit_code: int


def steps_of(page: Path) -> list[Step]:
    """Return the page's blocks in order; a block of several commands is a step each."""
    steps = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["skip"]:
            continue
        if block["language"] == "python":
            first = next(line for line in block["code"].splitlines() if line)
            steps.append(Step(f"python: {first} …", (sys.executable, "-c", block["code"]), 0))
            continue
        for line in block["code"].splitlines():
            said = _EXIT_CODE.search(line)
            words = line.partition("#")[0].strip()
            steps.append(Step(words, ("sh", "-c", words), int(said[1]) if said else 0))
    return steps


def run(step: Step, folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run a step, and return its wall and CPU seconds.

    Raises:
        SystemExit: It ended otherwise than the page says.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(step.command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != step.exit_code:
        print(done.stdout, done.stderr, sep="\n")
        print(f"{step.name} ended with {done.returncode}; the page says {step.exit_code}.")
        raise SystemExit(1)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Run the page and print what was waited for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-only", action="store_true", help="End with the validated dataset.")
    data_only = parser.parse_args().data_only
    with tempfile.TemporaryDirectory(prefix="first-minutes-") as temporary:
        folder = Path(temporary) / "work"
        folder.mkdir()
        command = Path(temporary) / "bin" / "assay"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m assay "$@"\n')
        command.chmod(0o755)
        environment = os.environ | {
            "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "components"),
        }
        typed, waited = 0, 0.0
        print(f"{'wall':>8} {'CPU':>8}")
        for step in steps_of(PAGE):
            if data_only and step.name.startswith("assay init"):
                break
            wall, processor = run(step, folder, environment)
            print(f"{wall:6.2f} s {processor:6.2f} s  {step.name}")
            if step.name.startswith("assay "):
                typed, waited = typed + 1, waited + wall
            if step.name.startswith("assay validate"):
                print(f"{'':18}the first validated dataset: {typed} commands, {waited:.1f} s")
        if data_only:
            return 0
        pushed = [path for path in folder.glob("trips_pipeline/serving/*") if path.name.isdigit()]
        print(f"{'':18}the first blessed model: {typed} commands, {waited:.1f} s; {len(pushed)} pushed")
        return 0 if pushed else 1


if __name__ == "__main__":
    sys.exit(main())
