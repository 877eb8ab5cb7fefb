"""Names of TFX's that are imported when they are first used, and those that have no counterpart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any

from assay import lazy
from assay.errors import UsageError
from assay.v1.refused import REFUSED


def lazy_names(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's `__getattr__` as `assay.lazy.lazy_names` does; it also knows TFX's other names."""
    found = lazy.lazy_names(module, homes)

    def look_up(name: str) -> Any:
        if name not in homes:
            _refuse(module, name)
        return found(name)

    return look_up


def lazy_modules(module: str, names: Collection[str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package whose public names are its submodules."""

    def look_up(name: str) -> Any:
        if name not in names:
            _refuse(module, name)
            raise lazy.no_attribute(module, name)
        return import_module(f"{module}.{name}")

    return look_up


def refused_names(module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module whose public names are all there: it knows TFX's other names."""
    return lazy_names(module, {})


def _refuse(module: str, name: str) -> None:
    """Return what to use instead of a TFX name that has no counterpart.

    Raises:
        UsageError: For such a name; an AttributeError would lose its message in `from module import name`.
    """
    instead = REFUSED.get(module, {}).get(name)
    if instead is not None:
        raise UsageError(
            "v1.refused", f"{module} has no '{name}', which {module.replace('assay', 'tfx', 1)} has.", instead
        )
