"""Every command and every piece of code of the documentation runs, in order, in a folder of its page's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
# Pages that a reader runs from top to bottom. Others say beside a block why it is not run.
PAGES = [
    "tutorials/start.md",
    "guides/data.md",
    "guides/gate.md",
    "guides/pipelines.md",
    "guides/quarantine.md",
    "guides/monitor.md",
    "guides/github_actions.md",
    "guides/component.md",
]
TRAIN = {"tutorials/start.md", "guides/pipelines.md"}
_BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^>]+ -->\n)?^```(?P<language>python|sh)\n(?P<code>.*?)^```$"
    r"(?:\n\n^```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
_EXIT_CODE = re.compile(r"# ends with exit code (\d+)")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        language: What it is written in.
        code: What a reader runs.
        output: Lines that the page shows below it, in order; what is printed may have more.
    """

    language: str
    code: str
    output: str = ""

    @property
    def exit_code(self) -> int:
        said = _EXIT_CODE.search(self.code)
        return int(said[1]) if said else 0


def blocks_of(page: str) -> list[Block]:
    found = _BLOCK.finditer((DOCS / page).read_text(encoding="utf-8"))
    return [Block(match["language"], match["code"], match["output"] or "") for match in found if not match["skip"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reader's folder, with the data that all pages speak of, and `assay` on the path."""
    command = tmp_path / "bin" / "assay"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m assay "$@"\n')
    command.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    return work


def run(block: Block, folder: Path) -> None:
    environment = os.environ | {
        "PATH": f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(DOCS.parent / "components"),
        "PYTHONWARNINGS": "ignore",
        "COLUMNS": "80",
    }
    start = [sys.executable, "-c"] if block.language == "python" else ["bash", "-euo", "pipefail", "-c"]
    done = subprocess.run(
        [*start, block.code], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=1100
    )
    assert done.returncode == block.exit_code, f"{block.code}\n{done.stdout}\n{done.stderr}"
    printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    assert block.output.rstrip() in printed, printed


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.tensorflow] if page in TRAIN else []) for page in PAGES]
)
def test_all_that_a_page_says_runs(page: str, folder: Path) -> None:
    blocks = blocks_of(page)
    assert blocks
    if page != "tutorials/start.md":
        run(blocks_of("tutorials/start.md")[0], folder)  # the data
    if page == "guides/github_actions.md":
        for file in (DOCS.parent / "examples" / "ci").glob("*.yaml"):  # which its reader copies
            shutil.copy(file, folder)
    for block in blocks:
        run(block, folder)


def test_what_is_not_run_says_why() -> None:
    for page in PAGES:
        text = (DOCS / page).read_text(encoding="utf-8")
        assert text.count("<!-- not run: ") == len(re.findall(r"<!-- not run: [^>]+ -->\n```", text)), page
