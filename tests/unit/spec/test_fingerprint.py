# ruff: noqa: N802 (components have the names of types)
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.artifacts import Examples, Model
from assay.artifacts.base import Artifact
from assay.spec import FilePath, Inputs, Output, UserFunction, UserModule, component
from assay.spec.fingerprint import fingerprint
from raising import raises


@component(libraries=("numpy", "no-such-distribution"), reads=lambda parameters: parameters["files"])
def Work(
    examples: Inputs[Examples],
    model: Output[Model],
    *,
    steps: int = 1,
    module_file: UserModule | None = None,
    run_fn: UserFunction | None = None,
    config: FilePath | None = None,
    files: tuple[str, ...] = (),
) -> None: ...


DEFAULTS = {"steps": 1, "module_file": None, "run_fn": None, "config": None, "files": []}


def digest(*digests: str, seed: int = 0, **parameters: Any) -> str:
    inputs: Mapping[str, list[Artifact]] = {"examples": [Examples(Path("x"), digest=one) for one in digests]}
    return fingerprint(Work.spec, inputs, {**DEFAULTS, **parameters}, seed).digest


def test_the_order_of_arguments_does_not_count() -> None:
    reverse = dict(reversed(DEFAULTS.items()))
    assert fingerprint(Work.spec, {}, reverse, 0) == fingerprint(Work.spec, {}, DEFAULTS, 0)


def test_everything_that_the_work_depends_on_counts(tmp_path: Path) -> None:
    user, helper, config = tmp_path / "user.py", tmp_path / "helper.py", tmp_path / "config.txt"
    user.write_text("import helper")
    helper.write_text("A = 1")
    config.write_text("1")
    given = {"module_file": str(user), "config": str(config), "files": [str(config)]}
    seen = {digest("a"), digest("b"), digest("a", "b"), digest("b", "a"), digest("a", seed=1), digest("a", steps=2)}
    seen.add(digest("a", **given))
    helper.write_text("A = 2")
    seen.add(digest("a", **given))
    config.write_text("2")
    seen.add(digest("a", **given))
    seen.add(digest("a", run_fn="json.decoder.JSONDecoder"))
    assert len(seen) == 10
    assert digest("a", **given) == digest("a", **given)


def test_the_parts_say_what_counted() -> None:
    parts = fingerprint(Work.spec, {"examples": [Examples(Path("x"), digest="d")]}, DEFAULTS, 0).parts
    assert parts["inputs"] == {"examples": ["d"]}
    assert parts["libraries"]["no-such-distribution"] == "absent"
    assert parts["libraries"]["numpy"][0].isdigit()
    assert list(parts["sources"]) == ["function"]


@pytest.mark.parametrize(
    ("path", "code"), [("gone", "file.missing"), (".", "file.is_folder"), ("file/below", "file.unreadable")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, path: str, code: str) -> None:
    (tmp_path / "file").touch()
    with raises(code, tmp_path / path, "Work"):
        digest(config=str(tmp_path / path))
    with raises(code, tmp_path / path, "Work"):
        digest(files=[str(tmp_path / path)])


def test_a_missing_user_module_is_named(tmp_path: Path) -> None:
    with raises("user_module.missing", "gone.py"):
        digest(module_file=str(tmp_path / "gone.py"))
