"""docs/guides/porting.md has all that TFX's own examples import: as a line to write, or with what to do instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.network

SECTION = "## Modules that have no counterpart"
# Neighbours of the file itself, and TFX's own machinery for tests, which no pipeline imports.
ASIDE = ("tfx.examples.", "tfx.experimental.")


def imported(folder: Path) -> Iterator[tuple[str, str]]:
    """Module and name of everything that the examples and templates import from TFX."""
    paths = [*(folder / "examples").rglob("*.py"), *(folder / "experimental" / "templates").rglob("*.py")]
    for path in sorted(paths):
        if "test" in path.stem:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and re.match(r"tfx(\.|$)", node.module):
                yield from ((node.module, alias.name) for alias in node.names)


@pytest.fixture(scope="module")
def gone(project_root: Path) -> set[str]:
    """The modules and names of the table of what has no counterpart."""
    text = (project_root / "docs/guides/porting.md").read_text(encoding="utf-8")
    section = text.partition(SECTION)[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(tfx\.[\w.]+)`", row)}


@pytest.mark.parametrize("version", ["1.16.0", "1.21.0"])
def test_every_import_of_the_examples_has_a_row(
    tfx_wheel: Callable[[str], Path], version: str, import_lines: list[tuple[str, str]], gone: set[str]
) -> None:
    lines = {line for line, _ in import_lines}
    found = {(module, name) for module, name in imported(tfx_wheel(version)) if not f"{module}.".startswith(ASIDE)}
    assert len(found) > 50
    lost = [
        f"from {module} import {name}"
        for module, name in sorted(found)
        if not {f"from {module} import {name}", f"from {module} import X", f"from {module} import {name} as {module}"}
        & lines
        and not any(f"{module}.{name}.".startswith(f"{each}.") for each in gone)
    ]
    assert not lost


def test_no_module_is_called_gone_that_has_a_line(import_lines: list[tuple[str, str]], gone: set[str]) -> None:
    has_line = {line.split()[1] + "." + line.split()[3] for line, _ in import_lines if line.startswith("from")}
    assert not gone & has_line
