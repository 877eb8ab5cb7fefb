"""What people see: an artifact in, one self-contained HTML page out.

`render` makes the page of any artifact, from its folder alone; `show` shows it in a notebook. No page asks anything of
a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lazy import lazy_names

if TYPE_CHECKING:
    from assay.reports.artifact_page import render
    from assay.reports.notebook import ShownPage, show
    from assay.reports.rendering import TEMPLATE_VERSION, to_html

__all__ = ["TEMPLATE_VERSION", "ShownPage", "render", "show", "to_html"]

_HOME = {
    "TEMPLATE_VERSION": ".rendering",
    "ShownPage": ".notebook",
    "render": ".artifact_page",
    "show": ".notebook",
    "to_html": ".rendering",
}


__getattr__ = lazy_names(__name__, _HOME)
