"""Rules of the house that no linter knows (no junk drawers, every raises has a match)."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay import errors
from assay.errors import AssayError

JUNK_DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}
# Every process that runs tests imports every module of tests, whichever tests it is asked for.
NOT_WHILE_COLLECTING = {
    "apache_beam",
    "keras",
    "tensorflow",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tf_keras",
    "tfx_bsl",
}
TFX_S_OWN_NAME = Path("components/assay/v1/utils.py")  # the names of tfx.v1.utils


def sources(project_root: Path, *folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((project_root / folder).rglob("*.py"))


@pytest.fixture(scope="module")
def tests(project_root: Path) -> dict[str, ast.Module]:
    """Every module of tests by its path, parsed."""
    found = sources(project_root, "tests")
    return {str(path.relative_to(project_root)): ast.parse(path.read_text(encoding="utf-8")) for path in found}


def test_a_module_is_named_for_what_it_holds(project_root: Path) -> None:
    drawers = [
        str(path.relative_to(project_root))
        for path in sources(project_root, "components")
        if {part.strip("_") for part in path.with_suffix("").parts[-2:]} & JUNK_DRAWERS
        and path.relative_to(project_root) != TFX_S_OWN_NAME
    ]
    assert not drawers


def calls(tree: ast.AST, owner: str, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{owner}.{name}":
            yield node


def test_every_expected_error_is_matched_by_its_message(tests: dict[str, ast.Module]) -> None:
    loose = [
        f"{path}:{call.lineno}"
        for path, tree in tests.items()
        for call in calls(tree, "pytest", "raises")
        if not any(keyword.arg == "match" for keyword in call.keywords)
    ]
    assert not loose


# The snapshots of words have the English of our errors: tests assert the code and what is named.
def test_our_own_errors_are_expected_by_their_code(tests: dict[str, ast.Module]) -> None:
    ours = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, AssayError)}
    matched = [
        f"{path}:{call.lineno}"
        for path, tree in tests.items()
        for call in calls(tree, "pytest", "raises")
        if call.args and {node.id for node in ast.walk(call.args[0]) if isinstance(node, ast.Name)} & ours
    ]
    assert not matched, "from raising import raises"


def test_no_test_replaces_our_own_code(tests: dict[str, ast.Module]) -> None:
    mocking = [
        path
        for path, tree in tests.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "unittest.mock" in ast.unparse(node)
    ]
    assert not mocking


def test_no_module_of_tests_loads_tensorflow_while_it_is_collected(tests: dict[str, ast.Module]) -> None:
    found = [
        f"{path}:{statement.lineno}"
        for path, tree in tests.items()
        for statement in tree.body
        if isinstance(statement, (ast.Import, ast.ImportFrom))
        for name in (
            [statement.module or ""] if isinstance(statement, ast.ImportFrom) else [a.name for a in statement.names]
        )
        if name.partition(".")[0] in NOT_WHILE_COLLECTING
    ]
    assert not found


# The data image has no pandas, and the trial of the images leaves out the modules of tests that say they import it.
def test_a_module_of_tests_that_makes_frames_of_pandas_says_so(tests: dict[str, ast.Module]) -> None:
    silent = []
    for path, tree in tests.items():
        nodes = list(ast.walk(tree))
        makes = any(isinstance(node, ast.Attribute) and node.attr == "to_pandas" for node in nodes)
        says = any(isinstance(node, ast.Import) and node.names[0].name == "pandas" for node in nodes)
        if path.startswith(("tests/unit/", "tests/property/")) and makes and not says:
            silent.append(path)
    assert not silent


def test_every_package_folder_is_a_package(project_root: Path) -> None:
    bare = [
        str(folder.relative_to(project_root))
        for folder in sorted((project_root / "components/assay").rglob("*"))
        if folder.is_dir() and any(folder.glob("*.py")) and not (folder / "__init__.py").exists()
    ]
    assert not bare
