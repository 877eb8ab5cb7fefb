"""Names that are imported when they are first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's `__getattr__`.

    Args:
        module: The module's `__name__`.
        homes: Where each public name is defined: a module (below the first where it begins with a dot), or
            `module:name` where it has another name there.
    """

    def look_up(name: str) -> Any:
        if name not in homes:
            raise no_attribute(module, name)
        home, _, its_name = homes[name].partition(":")
        value = getattr(import_module(home, module), its_name or name)
        setattr(sys.modules[module], name, value)
        return value

    return look_up


def no_attribute(module: str, name: str) -> AttributeError:
    """Return the error that Python raises for a name that a module does not have."""
    return AttributeError(f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module])
