"""The console that commands print on: colours and spinners on a terminal only, plain text anywhere else.

Rich leaves colours out where the environment says NO_COLOR, too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from io import UnsupportedOperation
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeAlias

import typer
from rich import box
from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from assay.display import visible

if TYPE_CHECKING:
    from collections.abc import Collection

    from rich.console import Console, ConsoleOptions, RenderableType

    from assay.data.csv_remarks import CsvRemark

Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only a one-line result, warnings and errors.")
]
"""The option of every command that prints more than a line; `open_console` takes its value."""

Store: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PATH|URL",
        help="Lineage store, if it is outside of the root; default: the one in, or recorded in, the root.",
    ),
]
"""The option of every command that asks a lineage store."""


@contextmanager
def open_console(*, stderr: bool = False, quiet: bool = False) -> Iterator[Console]:
    """Return a console on standard output or error that still writes there while a step's output goes to its log.

    Args:
        stderr: Print on standard error.
        quiet: Print nothing but what goes through `print_result`.
    """
    stream = sys.stderr if stderr else sys.stdout
    own = _duplicate(stream)
    try:
        # No markup and no highlighting: names and sentences may hold brackets, and are printed as they are.
        yield _console_class()(file=own or stream, markup=False, highlight=False, emoji=False, quiet=quiet)
    finally:
        if own is not None:
            own.close()


@contextmanager
def waiting(doing: str, *, quiet: bool = False) -> Iterator[None]:
    """Show on standard error what a command is doing for as long as it does it, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(file=sys.stderr, markup=False).status(doing):
        yield


def print_remarks(remarks: Iterable[CsvRemark]) -> None:
    """Print remarks on columns of a CSV on standard error, with the options of the command line that they advise."""
    from assay.errors import on_command_line

    for remark in remarks:
        typer.echo(f"Remark: {visible(on_command_line(remark.text))}", err=True)


def print_result(console: Console, line: RenderableType) -> None:
    """Print a command's one-line outcome, even on a quiet console."""
    quiet, console.quiet = console.quiet, False
    console.print(line, soft_wrap=True)
    console.quiet = quiet


def _visible(shown: Any) -> Any:
    from rich.text import Text

    if not isinstance(shown, Text) or visible(shown.plain) == shown.plain:
        return shown
    return Text(visible(shown.plain), shown.style)


@cache
def _console_class() -> type[Console]:
    from rich.console import Console

    class SafeConsole(Console):
        """A console on which text cannot move the cursor, reorder a line or command a CI server."""

        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(visible(text), **options)

        def print(self, *objects: Any, **options: Any) -> None:
            super().print(*map(_visible, objects), **options)

    return SafeConsole


def _duplicate(stream: TextIO) -> TextIO | None:
    """Duplicate a stream to the same terminal or file; None if it has no file descriptor, as in a notebook."""
    try:
        descriptor = os.dup(stream.fileno())
    except (AttributeError, OSError, UnsupportedOperation):
        return None
    stream.flush()
    return os.fdopen(descriptor, "w", encoding=stream.encoding, errors="backslashreplace", buffering=1)


_READABLE = 14
"""Columns of text that are narrower break words into pieces that nobody reads."""
_BETWEEN = 3


class FittingTable(Table):
    """A table that is written row by row, each a paragraph, where the terminal is too narrow for its columns."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Return the table, or its rows, for rich to render."""
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
        """Measure the table with all numbers whole, and with text columns wide enough to read."""
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
    """Print a section's heading after an empty line."""
    console.print()
    console.print(Text(text, "bold"), soft_wrap=True)


def table(*columns: str, numbers: Collection[str] = ()) -> FittingTable:
    """Return an empty table; columns named in `numbers` are right-aligned and never broken."""
    made = FittingTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=True, header_style="dim")
    for column in columns:
        is_number = column in numbers
        made.add_column(column, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    return made


def indented(text: str | Text) -> Padding:
    """Return a paragraph that keeps its indent where it wraps."""
    return Padding(text, (0, 0, 0, 2), expand=False)


def bullet(mark: str, style: str, sentence: str) -> Table:
    """Return a sentence after a mark; its further lines are aligned with the first."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(width=6, justify="right", no_wrap=True)
    made.add_column()
    made.add_row(Text(mark, style), sentence)
    return made
