"""What people see: an artifact in, one self-contained HTML page out.

`render` makes the page of any artifact, from its folder alone; `show` shows it in a notebook. No page asks anything of
a network.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.reports.artifact_page import render
    from assay.reports.notebook import ShownPage, show
    from assay.reports.rendering import TEMPLATE_VERSION, to_html

__all__ = ["TEMPLATE_VERSION", "ShownPage", "render", "show", "to_html"]

_HOME = {
    "TEMPLATE_VERSION": "rendering",
    "ShownPage": "notebook",
    "render": "artifact_page",
    "show": "notebook",
    "to_html": "rendering",
}


def __getattr__(name: str) -> Any:
    """Loads a public name when it is asked for: the page of a run needs none of what reads statistics."""
    if name not in _HOME:
        raise AttributeError(f"module 'assay.reports' has no attribute '{name}'")
    value = getattr(import_module(f"assay.reports.{_HOME[name]}"), name)
    globals()[name] = value
    return value
