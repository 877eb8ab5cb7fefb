from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from assay.lazy import lazy_names

PACKAGE = """
from assay.lazy import lazy_names

__getattr__ = lazy_names(__name__, {"near": ".inner", "far": "json:loads"})
"""


def test_a_name_is_imported_once_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "__init__.py").write_text(PACKAGE, encoding="utf-8")
    (tmp_path / "late" / "inner.py").write_text("near = object()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    late = import_module("late")

    assert "late.inner" not in sys.modules
    assert late.near is sys.modules["late.inner"].near
    assert vars(late)["near"] is late.near  # the look-up is not made again
    assert late.far("[1]") == [1]


def test_an_unknown_name_is_pythons_own_error() -> None:
    with pytest.raises(AttributeError, match="module 'json' has no attribute 'lods'"):
        lazy_names("json", {"loads": "json"})("lods")
