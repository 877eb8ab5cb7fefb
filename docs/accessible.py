"""Repairs what Sphinx, MyST and the theme leave out for people who use a keyboard or a screen reader.

A test runs axe-core over every kind of page; each repair is for something that it found.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_EMPTY_HEAD: Final = r'<th class="head(?:[^"]*)">(?:<p></p>)?</th>'

_REPAIRS: Final = (
    # A heading without a level is none.
    (re.compile(r'<p class="caption" role="heading">'), '<p class="caption" role="heading" aria-level="2">'),
    # What scrolls sideways must be reachable by keyboard.
    (re.compile(r"<pre(?! tabindex)"), '<pre tabindex="0"'),
    (re.compile(r'<div class="table-wrapper(?=[^>]*container">)'), '<div tabindex="0" class="table-wrapper'),
    # Tables of two columns need no header in Markdown's eyes, and cannot be written without.
    (re.compile(rf"<thead>\s*<tr[^>]*>(?:\s*{_EMPTY_HEAD})+\s*</tr>\s*</thead>"), ""),
    (re.compile(_EMPTY_HEAD), "<td></td>"),
    # The page of search results has no heading of its own.
    (re.compile(r"(<article[^>]*>)(?=\s*<noscript>)"), r"\1<h1>Search</h1>"),
    # Two landmarks of a kind need names.
    (re.compile(r'<aside class="sidebar-drawer">'), '<aside class="sidebar-drawer" aria-label="Pages">'),
    (re.compile(r'<aside class="toc-drawer'), '<aside aria-label="On this page" class="toc-drawer'),
)


def repair(folder: Path) -> None:
    """Repairs every page of a site that was built, once or again."""
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        repaired = text
        for found, better in _REPAIRS:
            repaired = found.sub(better, repaired)
        if repaired != text:
            page.write_text(repaired, encoding="utf-8")
