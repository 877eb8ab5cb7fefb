"""Small self-contained HTML for notebooks: no scripts, no addresses, everything escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from assay.display import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TABLE = "border-collapse:collapse;font-size:90%"
_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top;border-bottom:1px solid #8884"


def page(word: str, summary: str, *parts: str, ok: bool) -> str:
    """Return a heading in green or red, a sentence, and what follows, which is HTML already."""
    colour = "#1a7f37" if ok else "#cf222e"
    heading = f'<p><b style="color:{colour}">{_text(word)}</b> {_text(summary)}</p>'
    return f"<div>{heading}{''.join(parts)}</div>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of plain texts."""
    head = "".join(f'<th style="{_CELL}">{_text(name)}</th>' for name in header)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{_text(cell)}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _text(text: str) -> str:
    return escape(visible(text, lines=True))
