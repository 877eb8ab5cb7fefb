"""`Evaluator(module_path=...)`: the functions of TFX's names from a module that is importable."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.components.evaluator.component import _custom_functions
from raising import raises


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "custom_eval").mkdir()
    (tmp_path / "custom_eval" / "__init__.py").touch()
    text = "def custom_extractors(eval_config):\n    raise ValueError(eval_config)\n"
    (tmp_path / "custom_eval" / "parts.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return "custom_eval"


def test_functions_are_found_by_the_module_s_name(package: str) -> None:
    found = _custom_functions(None, f"{package}.parts")
    assert list(found) == ["custom_extractors"]
    with raises("user_code.raised", "custom_extractors", "ValueError", "seen", "parts.py", "2"):
        found["custom_extractors"](eval_config="seen")


def test_a_module_without_any_of_them_is_refused(package: str) -> None:
    with raises("evaluator.no_custom_function", "custom_eval", "custom_eval_shared_model", "custom_extractors"):
        _custom_functions(None, package)


def test_two_modules_are_one_too_many(package: str) -> None:
    with raises("evaluator.module", "module_file", "module_path"):
        _custom_functions("module.py", package)


def test_without_a_module_there_are_none() -> None:
    assert _custom_functions(None, None) == {}
