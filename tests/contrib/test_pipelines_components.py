"""What kubeflow/pipelines-components checks of a component, held here by our own words."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp.compiler import Compiler
from packaging.version import Version
from pipelines_components import publish_components

from assay import components
from assay.runners.kfp.descriptors import descriptor
from assay.runners.kfp.interface import snake_case

FIELDS = ["name", "stability", "dependencies", "lastVerified"]
OPTIONAL = {"tags", "ci", "links"}
CATEGORIES = {"data_processing", "training", "evaluation", "deployment"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The components' folders by name."""
    root = tmp_path_factory.mktemp("pipelines-components")
    folders = publish_components(root, ["somebody"])
    assert {folder.relative_to(root).parts[1] for folder in folders} == CATEGORIES
    return {folder.name: folder for folder in folders}


def described(text: str) -> Any:
    document = yaml.safe_load(text)
    del document["sdkVersion"]
    return document


def test_every_component_is_there_with_its_files(published: dict[str, Path]) -> None:
    assert set(published) == {snake_case(name) for name in components.__all__}
    for folder in published.values():
        assert {path.name for path in folder.iterdir()} == {
            "__init__.py",
            "component.py",
            "metadata.yaml",
            "OWNERS",
            "README.md",
        }
        # Indented, as the repository's yamllint wants lists.
        assert (folder / "OWNERS").read_text(encoding="utf-8") == "approvers:\n  - somebody\n"
        assert {"__init__.py", "OWNERS"} <= {path.name for path in folder.parent.iterdir()}


def test_metadata(published: dict[str, Path]) -> None:
    for name, folder in published.items():
        text = (folder / "metadata.yaml").read_text(encoding="utf-8")
        assert "\n    - name: Pipelines\n" in text
        metadata = yaml.safe_load(text)
        assert [field for field in metadata if field not in OPTIONAL] == FIELDS
        assert metadata["name"] == name
        assert metadata["stability"] in {"experimental", "alpha", "beta", "stable"}
        (kubeflow,) = metadata["dependencies"]["kubeflow"]
        assert kubeflow["name"] == "Pipelines"
        assert Version(kubeflow["version"].removeprefix(">=")).release == (2, 13, 0)
        assert isinstance(metadata["lastVerified"], datetime)
        assert abs((datetime.now(timezone.utc) - metadata["lastVerified"]).days) < 365
        assert all(isinstance(tag, str) for tag in metadata["tags"])


def test_modules_import_kfp_and_the_standard_library_only(published: dict[str, Path]) -> None:
    for folder in published.values():
        tree = ast.parse((folder / "component.py").read_text(encoding="utf-8"))
        modules = {
            node.module.partition(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom) and node.module
        }
        assert not any(isinstance(node, ast.Import) for node in tree.body)
        assert modules <= {"kfp", *sys.stdlib_module_names}


@pytest.mark.parametrize("command", [["check", "--isolated"], ["format", "--check", "--isolated"]])
def test_the_repositorys_linter(command: list[str], published: dict[str, Path], tmp_path: Path) -> None:
    """With the rules of its pyproject.toml: E, W, F, I and D, by Google's convention."""
    rules = ["--select=E,W,F,I,D", "--ignore=D100,D104,D415", "--config=lint.pydocstyle.convention='google'"]
    options = ["--line-length=120", "--no-cache", *(rules if command[0] == "check" else [])]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, *options, *map(str, published.values())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", components.__all__)
def test_it_compiles_to_the_descriptor(name: str, published: dict[str, Path], tmp_path: Path) -> None:
    path = published[snake_case(name)] / "component.py"
    spec = importlib.util.spec_from_file_location(f"published_{snake_case(name)}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    Compiler().compile(getattr(module, snake_case(name)), str(tmp_path / "c.yaml"))
    assert described((tmp_path / "c.yaml").read_text(encoding="utf-8")) == described(descriptor(name))
