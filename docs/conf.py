"""Builds the site: `make docs`. The reference pages are written from the code, so that they cannot fall behind it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "components"), str(HERE)]

from accessible import repair  # noqa: E402 (found on the path that was just set)
from reference_pages import write_reference  # noqa: E402

import assay  # noqa: E402

write_reference(HERE / "reference" / "generated")

project = "assay"
release = version = assay.__version__
author = "The assay maintainers"
copyright = "The assay maintainers"  # noqa: A001 (Sphinx's name)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "decisions/README.md", "reference/generated/decisions.md"]  # the last is included
default_role = "code"  # single backticks in docstrings
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nitpicky = False
suppress_warnings = ["ref.python"]  # types such as `type` and `rows` are names of attributes, too
smartquotes_action = "qe"  # not dashes: two hyphens are an option
autodoc_typehints = "description"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = "assay"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "static/favicon.svg"
html_show_sourcelink = False  # the theme puts the link outside of all landmarks
html_copy_source = False


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


def _repair(app: Any, error: Exception | None) -> None:
    if error is None:
        repair(Path(app.outdir))


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("build-finished", _repair)
    app.connect("autodoc-process-docstring", _fences_as_code_blocks, priority=100)  # before napoleon
