"""On which line of a text proto each message and field stands; `text_format` does not tell."""

from __future__ import annotations

import re
from typing import Final

Location = tuple[tuple[str, int], ...]

_TOKEN: Final = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<newline>\n)
      | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      | (?P<open>[{<])
      | (?P<close>[}>])
      | (?P<list>\[)
      | (?P<end>\])
      | (?P<mark>[:;,])
      | (?P<word>[^\s{}<>:;,\[\]"'\#]+)
      | (?P<space>[ \t\r\f\v]+)""",
    re.VERBOSE,
)


def field_lines(text: str) -> dict[Location, int]:
    """Gives the line, from 1, of every field by where it stands: `(("feature", 2), ("presence", 0))`.

    The number is the position among the fields of that name in the same message. `text` must be one that
    `text_format` reads; of a list in brackets, elements that are messages count one by one.
    """
    lines: dict[Location, int] = {}
    above: list[Location] = [()]
    counts: list[dict[str, int]] = [{}]
    lists = [False]  # whether each message around is inside a list in brackets
    line, name, expects_value = 1, "", False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "newline":
            line += 1
        elif kind == "word" and not expects_value:
            name, expects_value = token[0], True
            if not _opens_message(text, token.end()):
                _note(lines, above[-1], counts[-1], name, line)
        elif kind in {"word", "text"}:
            expects_value = lists[-1] or (kind == "text" and _continues(text, token.end()))
        elif kind == "list":
            lists[-1] = True
        elif kind == "end":
            lists[-1], expects_value = False, False
        elif kind == "open":
            above.append(_note(lines, above[-1], counts[-1], name, line))
            counts.append({})
            lists.append(False)
            expects_value = False
        elif kind == "close" and len(above) > 1:
            name = above.pop()[-1][0]
            counts.pop()
            lists.pop()
            expects_value = False
    return lines


def _opens_message(text: str, at: int) -> bool:
    """Whether the field whose name ends at `at` is a message, which is noted at its brace."""
    match = re.compile(r"(?:\s|#[^\n]*\n|:|\[)*[{<]").match(text, at)
    return match is not None


def _continues(text: str, at: int) -> bool:
    """Whether another piece of the same text follows."""
    return re.compile(r"\s*[\"']").match(text, at) is not None


def _note(lines: dict[Location, int], above: Location, counts: dict[str, int], name: str, line: int) -> Location:
    position = counts.get(name, 0)
    counts[name] = position + 1
    location = (*above, (name, position))
    lines[location] = line
    return location
