"""Pages to HTML: one file, with its style and script in it, that asks nothing of a network."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import assay
from assay.display import visible
from assay.reports import figures
from assay.reports.blocks import Bars, DataTable, Link, Page, Pill, Section
from assay.reports.layering import laid_out

TEMPLATE_VERSION = 1
"""Of the templates; stands in each page, so that a page of an earlier version is known as such."""

_TEMPLATES = Path(__file__).parent / "templates"


def to_html(page: Page) -> str:
    """Gives the page as one self-contained HTML document."""
    return _environment().get_template("page.html.j2").render(page=page)


def to_fragment(sections: list[Section], *, summary: str = "", status: Pill | None = None) -> str:
    """Gives a part of a page that needs no script, as a notebook shows it."""
    template = _environment().get_template("fragment.html.j2")
    return template.render(sections=sections, summary=summary, status=status)


def embedded_json(value: Any) -> Markup:
    """Gives JSON that may stand in a script element: nothing in it can end the element or open another."""
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 (escaped above)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they are shown as texts."""
    if isinstance(value, float):
        return value if math.isfinite(value) else figures.number(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, str):
        # A lone surrogate is no text that UTF-8 could write.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Link):
        return [value.text, value.href]
    if isinstance(value, Pill):
        return [value.word, value.tone]
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "assay_version": assay.__version__,
        "template_version": TEMPLATE_VERSION,
        "style": Markup(_asset("page.css")),  # noqa: S704 (our own file)
        "script": Markup(_asset("page.js")),  # noqa: S704 (our own file)
        "laid_out": laid_out,
    }
    environment.filters |= {
        "number": figures.number,
        "share": figures.share,
        "embedded": embedded_json,
    }
    environment.tests |= {
        "pill": lambda value: isinstance(value, Pill),
        "bars": lambda value: isinstance(value, Bars),
        "linked": lambda value: isinstance(value, Link),
        "interactive": lambda value: isinstance(value, DataTable),
    }
    return environment


def _visible(value: Any) -> Any:
    """Return a text with nothing in it that cannot be seen, such as a character that reorders a line."""
    return visible(value, lines=True) if type(value) is str else value  # not of Markup, which is our own


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
