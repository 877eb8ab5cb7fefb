"""Show text that comes from data: names and values with nothing in them that a reader or a program takes for more.

A name of a column or a value of a slice may hold line breaks, terminal escapes, characters that reorder a line, or the
commands of a CI server. `visible` makes any text safe to show on a terminal and in a log, and in HTML and XML, whose
writers escape their own markup; `markdown_text` does so for Markdown.

The name of a slice is more: it is written so that two slices never share a name, and so that it can be read back. A
feature or a value is quoted, as JSON quotes a string, where it holds `&`, `=`, `"`, ` vs `, a character that cannot be
seen, or a blank at an end, and where it is empty or `*`: `campaign="spring&region=north"`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OVERALL_NAME: Final = "Overall"
ANY: Final = "*"
_VERSUS: Final = " vs "
_JOINERS: Final = "\u200c\u200d"  # within emoji, and within words of some scripts
_PLAIN: Final = re.compile(r"[\x20-\x7e]*")
_COMMAND: Final = re.compile(r"##(?=[a-zA-Z-]*\[)")  # `##vso[` and `##[` are commands wherever they are in a line
_LINE_COMMAND: Final = re.compile(r"(?<!\S):(?=:)")  # `::error::` is one at the start, where a long line may be cut
_ESCAPES: Final = re.compile(r"\\(u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|.)")
_SPECIAL: Final = re.compile(r'[&="]| vs ')
_MARKDOWN: Final = "|`*_[]@~$"


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return a text with a `\u` escape for each character that cannot be seen, and for commands of CI servers.

    Args:
        text: Any text.
        lines: Whether line ends stay, as in a message of several lines.
    """
    if _PLAIN.fullmatch(text):
        seen = text
    else:
        seen = "".join(
            character if character.isprintable() or character in _JOINERS or (lines and character in "\n\t")
            else _escaped(character)
            for character in text
        )  # fmt: skip
    if "##" in seen:
        seen = _COMMAND.sub(r"\\u0023#", seen)
    return _LINE_COMMAND.sub(r"\\u003a", seen) if "::" in seen else seen


def markdown_text(text: str) -> str:
    """Return a text that neither ends a cell of a table nor opens a tag, a link, a mention or a heading."""
    escaped = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = escaped.replace("\\", "\\\\")
    for character in _MARKDOWN:
        escaped = escaped.replace(character, f"\\{character}")
    return escaped


def slice_name(pairs: Iterable[tuple[str, object]], any_of: Iterable[str] = ()) -> str:
    """Return the name of a slice: `Overall`, `trip_start_hour=5`, `a=x&b=y` or, with any value of b, `a=x&b=*`.

    Args:
        pairs: Features and their values.
        any_of: Features that have some value.
    """
    parts = [f"{_name(feature)}={_name(str(value))}" for feature, value in pairs]
    return "&".join([*parts, *(f"{_name(feature)}={ANY}" for feature in any_of)]) or OVERALL_NAME


def pair_name(first: str, second: str) -> str:
    """Return the name of two slices that are compared: `sex=Female vs sex=Male`."""
    return f"{first}{_VERSUS}{second}"


def slices_named(name: str) -> tuple[str, ...]:
    """Return the names of the slices of which a name is made: two for a pair of slices, else one."""
    return tuple(_parted(name, _VERSUS))


def pairs_named(name: str) -> tuple[tuple[str, str], ...]:
    """Return the features and values, as text, of one slice's name.

    Raises:
        ValueError: The text is not the name of a slice.
    """
    if name == OVERALL_NAME:
        return ()
    pairs = []
    for part in _parted(name, "&"):
        feature, *values = _parted(part, "=")
        if not values:
            message = f"{part!r} is not feature=value"
            raise ValueError(message)
        pairs.append((_unquoted(feature), _unquoted("=".join(values))))
    return tuple(pairs)


def _parted(text: str, mark: str) -> Sequence[str]:
    """Split at a mark outside of quotes."""
    parts, start, at, is_quoted = [], 0, 0, False
    while at < len(text):
        if text[at] == '"' and (is_quoted or at == start or text[at - 1] in "=& "):
            is_quoted = not is_quoted
        elif is_quoted and text[at] == "\\":
            at += 1
        elif not is_quoted and text.startswith(mark, at):
            parts.append(text[start:at])
            at += len(mark)
            start = at
            continue
        at += 1
    return [*parts, text[start:]]


@lru_cache(maxsize=65_536)
def _name(text: str) -> str:
    special = not text or text == ANY or text != text.strip() or _SPECIAL.search(text) or visible(text) != text
    return _quoted(text) if special else text


def _quoted(text: str) -> str:
    return '"' + visible(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _unquoted(text: str) -> str:
    if not (len(text) > 1 and text[0] == text[-1] == '"'):
        return text
    return _ESCAPES.sub(lambda found: chr(int(code, 16)) if (code := found[2] or found[3]) else found[1], text[1:-1])


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, most: int) -> str:
    """Return the text; of one that is longer than `most` its beginning, and how long it is.

    Example:
        >>> shortened("a" * 5000, 3)
        'aaa… (5,000 characters)'
    """
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"
