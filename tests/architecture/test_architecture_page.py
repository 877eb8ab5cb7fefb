"""ARCHITECTURE.md names what exists, and every package is in its table."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

NAME = re.compile(r"`(assay(?:\.\w+)+)`")


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "ARCHITECTURE.md").read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def exists(root: Path, name: str) -> bool:
    """Whether a dotted name is a module of the package, or something that the module defines or imports."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = root.joinpath(*parts[:end])
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if file.is_file():
            return defines(tree(file), parts[end:])
    return False


def defines(node: ast.AST, names: list[str]) -> bool:
    if not names:
        return True
    for child in ast.walk(node) if isinstance(node, ast.Module) else ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                if name == names[0] and (len(names) == 1 or defines(child, names[1:])):
                    return True
            case ast.AnnAssign(target=ast.Name(id=name)) if [name] == names:
                return True
            case ast.ImportFrom() if len(names) == 1 and any((a.asname or a.name) == names[0] for a in child.names):
                return True
    return False


def test_every_dotted_name_exists(project_root: Path, page: str) -> None:
    named = set(NAME.findall(page))
    assert len(named) > 60
    missing = [name for name in sorted(named) if not exists(project_root / "components", name)]
    assert not missing, "ARCHITECTURE.md names what was moved or renamed: write the new names there"


def test_a_name_that_is_gone_is_noticed(project_root: Path) -> None:
    for name in ("assay.gone", "assay.errors.NoSuchError", "assay.engines.base.Accumulator.no_such_method"):
        assert not exists(project_root / "components", name)


def test_every_package_is_in_the_table(project_root: Path, page: str) -> None:
    table = page.partition("## Packages")[2].partition("\n## ")[0]
    listed = {name for row in table.splitlines() for name in NAME.findall(row.split("|")[1] if "|" in row else "")}
    found = {
        f"assay.{path.stem}"
        for path in (project_root / "components/assay").iterdir()
        if not path.name.startswith(("_", ".")) and (path.suffix == ".py" or (path / "__init__.py").is_file())
    }
    assert listed == found


# Moves rewrite Python files; code in notebooks and in pages is easily left behind.
def test_what_notebooks_and_pages_import_exists(project_root: Path) -> None:
    places = [*(project_root / "notebooks").glob("*.ipynb"), *(project_root / "docs").glob("[!_]*/**/*.md")]
    missing = [
        f"{path.relative_to(project_root)}: {module}.{name.strip()}"
        for path in [*places, project_root / "README.md"]
        for module, names in re.findall(
            r"from (assay(?:\.\w+)*) import ([\w, ]+)", path.read_text(encoding="utf-8").replace("\\n", "\n")
        )
        if module != "assay.runners.kfp"  # has every component, made on first use
        for name in names.split(" as ")[0].split(",")
        if name.strip() != "X"  # of the table of imports: any name
        if not exists(project_root / "components", f"{module}.{name.strip()}")
        and f'"{name.strip()}"' not in source_of(project_root / "components", module)
    ]
    assert not missing


def source_of(root: Path, module: str) -> str:
    """The text of a module, where the names stand that it loads when they are used."""
    path = root.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text(encoding="utf-8") if file.is_file() else ""
