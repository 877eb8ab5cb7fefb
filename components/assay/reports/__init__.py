"""What people see: an artifact in, one self-contained HTML page out.

`render` makes the page of any artifact, from its folder alone; `show` shows it in a notebook. No page asks anything of
a network.
"""

from __future__ import annotations

from assay.reports.artifact_page import artifact_page, render
from assay.reports.notebook import ShownPage, show
from assay.reports.rendering import TEMPLATE_VERSION, to_html

__all__ = ["TEMPLATE_VERSION", "ShownPage", "artifact_page", "render", "show", "to_html"]
