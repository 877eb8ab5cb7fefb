"""Headings and tables in one look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection

    from rich.console import Console


def heading(console: Console, text: str) -> None:
    """Prints a section's heading after an empty line."""
    console.print()
    console.print(Text(text, "bold"), soft_wrap=True)


def table(*columns: str, numbers: Collection[str] = ()) -> Table:
    """Gives an empty table; columns named in `numbers` are right-aligned and never broken."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=True, header_style="dim")
    for column in columns:
        is_number = column in numbers
        made.add_column(column, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    return made


def indented(text: str | Text) -> Padding:
    """Gives a paragraph that keeps its indent where it wraps."""
    return Padding(text, (0, 0, 0, 2), expand=False)


def bullet(mark: str, style: str, sentence: str) -> Table:
    """Gives a sentence after a mark; its further lines stand below its first, not below the mark."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(width=6, justify="right", no_wrap=True)
    made.add_column()
    made.add_row(Text(mark, style), sentence)
    return made
