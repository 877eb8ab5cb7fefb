"""Every silent pass of others that is written down has a test that is there."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_test_that_is_named_exists(project_root: Path) -> None:
    page = project_root / "docs" / "decisions" / "0053-silent-passes-of-data-and-their-tests.md"
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(named) == len(rows)
    gone = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (project_root / file).read_text()]
    assert not gone
