"""Names that are imported when they are first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any

from assay.errors import UsageError
from assay.v1.refused import REFUSED


def lazy_names(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Gives a module's `__getattr__`.

    Args:
        module: The module's `__name__`.
        homes: Where each public name is defined: a module, or `module:name` where it has another name there.
    """

    def look_up(name: str) -> Any:
        if name not in homes:
            _refuse(module, name)
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module])
        home, _, its_name = homes[name].partition(":")
        value = getattr(import_module(home), its_name or name)
        setattr(sys.modules[module], name, value)
        return value

    return look_up


def lazy_modules(module: str, names: Collection[str]) -> Callable[[str], Any]:
    """Gives the `__getattr__` of a package whose public names are its submodules."""

    def look_up(name: str) -> Any:
        if name not in names:
            _refuse(module, name)
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module])
        return import_module(f"{module}.{name}")

    return look_up


def refused_names(module: str) -> Callable[[str], Any]:
    """Gives the `__getattr__` of a module whose public names are all there: it knows those that TFX has besides."""
    return lazy_names(module, {})


def _refuse(module: str, name: str) -> None:
    """Says what to do instead of a name of TFX's that has no counterpart.

    Raises:
        UsageError: For such a name; an AttributeError would lose its message in `from module import name`.
    """
    instead = REFUSED.get(module, {}).get(name)
    if instead is not None:
        raise UsageError(
            "v1.refused", f"{module} has no '{name}', which {module.replace('assay', 'tfx', 1)} has.", instead
        )
