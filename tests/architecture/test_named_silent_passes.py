"""Every silent pass of others that is written down has a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "name", ["0053-silent-passes-of-data-and-their-tests", "0129-rows-and-figures-outside-the-gate"]
)
def test_every_test_that_is_named_exists(project_root: Path, name: str) -> None:
    page = project_root / "docs" / "decisions" / f"{name}.md"
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(named) == len(rows)
    gone = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (project_root / file).read_text()]
    assert not gone
