"""Builds the site: `make docs`. The reference pages are written from the code, so that they cannot fall behind it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "components"), str(HERE)]

from reference_pages import write_reference  # noqa: E402 (found on the path that was just set)

import assay  # noqa: E402

write_reference(HERE / "reference" / "generated")

project = "assay"
release = version = assay.__version__
author = "The assay maintainers"
copyright = "The assay maintainers"  # noqa: A001 (Sphinx's name)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "decisions/README.md"]
default_role = "code"  # single backticks in docstrings
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nitpicky = False
autodoc_typehints = "description"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = "assay"
html_static_path: list[str] = []


def _fences_as_code_blocks(_app: Any, _what: str, _name: str, _of: Any, _options: Any, lines: list[str]) -> None:
    """Docstrings hold their examples in Markdown's fences, which editors show; autodoc reads reStructuredText."""
    found, inside = [], False
    for line in lines:
        if line.strip().startswith("```"):
            inside = not inside
            found += [line.replace("```python", ".. code-block:: python"), ""] if inside else [""]
        else:
            found.append(f"   {line}" if inside and line.strip() else line)
    lines[:] = found


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", _fences_as_code_blocks, priority=100)  # before napoleon
