"""The public API is a snapshot file, so that every change to it shows in review.

`pytest tests/architecture/test_public_api.py --update` writes it anew.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import assay

PUBLIC = ("assay", "assay.artifacts", "assay.components", "assay.errors", "assay.gating", "assay.lineage", "assay.spec")
SNAPSHOT = Path(__file__).with_name("public_api.txt")


def exported(module: ModuleType) -> list[str]:
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    return sorted(name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__)


def signature(value: Any) -> str:
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        return ""
    return re.sub(r" at 0x[0-9a-f]+", "", text).replace("'", "")


def described(path: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield f"class {path}{signature(value)}"
        for name, member in sorted(vars(value).items()):
            if name.startswith("_"):
                continue
            plain = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
            if inspect.isfunction(plain):
                yield f"    {name}{signature(plain)}"
            elif isinstance(plain, property):
                yield f"    {name} (property)"
    elif inspect.isfunction(value) or hasattr(value, "__wrapped__"):  # a function, or a component made of one
        yield f"{path}{signature(value)}"
    else:
        yield path


def public_api() -> str:
    lines: list[str] = []
    for module_name in PUBLIC:
        module = import_module(module_name)
        for name in exported(module):
            lines.extend(described(f"{module_name}.{name}", getattr(module, name)))
    return "\n".join(lines) + "\n"


def test_the_public_api_is_the_reviewed_one(update_golden: bool) -> None:
    found = public_api()
    if update_golden:
        SNAPSHOT.write_text(found, encoding="utf-8")
    reviewed = SNAPSHOT.read_text(encoding="utf-8")
    assert found.splitlines() == reviewed.splitlines(), "the public API changed: run this test with --update and review"


def test_every_lazy_name_is_public_and_loads() -> None:
    assert sorted([*assay._HOME, "__version__"]) == sorted(assay.__all__) == sorted(dir(assay))
    for name in assay.__all__:
        assert getattr(assay, name) is not None
