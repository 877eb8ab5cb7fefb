"""What people see: an artifact in, one self-contained HTML page out.

`render` makes the page of any artifact, from its folder alone; no page asks anything of a network.
"""

from __future__ import annotations

from assay.reports.artifact_page import artifact_page, render
from assay.reports.rendering import TEMPLATE_VERSION, to_html

__all__ = ["TEMPLATE_VERSION", "artifact_page", "render", "to_html"]
