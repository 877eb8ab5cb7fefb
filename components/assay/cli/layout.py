"""Headings and tables in one look, on terminals of any width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rich.console import Console, ConsoleOptions, RenderableType

_READABLE = 14
"""Columns of text that are narrower break words into pieces that nobody reads."""
_BETWEEN = 3


class FittingTable(Table):
    """A table that is written row by row, each a paragraph, where the terminal is too narrow for its columns."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Gives rich the table, or its rows."""
        if self._needed() <= options.max_width:
            yield from super().__rich_console__(console, options)  # type: ignore[misc]  # rich gives segments, too
            return
        names = [str(column.header) for column in self.columns]
        for first, *others in zip(*(map(_text, column.cells) for column in self.columns), strict=True):
            if first:
                yield _bold(first)
            pairs = [(f"{name} " if name else "", cell) for name, cell in zip(names[1:], others, strict=True) if cell]
            if pairs:
                yield indented(Text(", ").join(Text.assemble((name, "dim"), cell) for name, cell in pairs))

    def _needed(self) -> int:
        """How wide it is with all numbers whole, and with text in columns that can be read."""
        needed = 0
        for column in self.columns:
            widest = max((cell_len(_text(cell).plain) for cell in (column.header, *column.cells)), default=0)
            needed += _BETWEEN + (widest if column.no_wrap else min(widest, _READABLE))
        return needed


def _text(cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))


def _bold(text: Text) -> Text:
    bold = text.copy()
    bold.stylize("bold")
    return bold


def heading(console: Console, text: str) -> None:
    """Prints a section's heading after an empty line."""
    console.print()
    console.print(Text(text, "bold"), soft_wrap=True)


def table(*columns: str, numbers: Collection[str] = ()) -> FittingTable:
    """Gives an empty table; columns named in `numbers` are right-aligned and never broken."""
    made = FittingTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=True, header_style="dim")
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
