"""Slicing specifications as people type them: `city`, `city,hour`, `fare[10,20]`, `start:month`, `fare > 10`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from assay.errors import UsageError
from assay.kernels.statistics.slices.specs import Period, SlicingSpec

_CONDITION = re.compile(r"[<>()]|==|!=|\b(and|or|not|in|is)\b")
_PERIODS = "|".join(get_args(Period))
_PART = re.compile(
    r"(?:`(?P<quoted>[^`]+)`|(?P<word>[^`\[=]+?))\s*"
    rf"(?:\[(?P<edges>[^\]]*)\]|=(?P<values>.*)|:(?P<period>{_PERIODS}))?",
    re.DOTALL,
)
_OPENING, _CLOSING = "([", ")]"
_HINT = "Use for example: city   city,hour   city=Paris|Rome   fare[10,20]   start:month   'fare > 10'"


def slicing_of_text(text: str) -> SlicingSpec:
    """Parse one way to slice a dataset; parts joined by commas are crossed.

    A part is a column (each of its values is a slice), `column=value|value` (these values only), `column[edge,edge]`
    (bins), `column:month` (or another period, of times), or a condition in the language of `kernels.expression`. A
    column with another name than a word is written in backquotes.

    Raises:
        UsageError: The text is none of these.

    >>> slicing_of_text("city=Paris|Rome, fare[10,20]").feature_values
    {'city': ('Paris', 'Rome')}
    """
    keys: list[str] = []
    rest: dict[str, Any] = {"feature_values": {}, "bins": {}, "periods": {}}
    conditions: list[str] = []
    for part in _parts(text):
        found = _PART.fullmatch(part)
        if not part.startswith("`") and _CONDITION.search(part):
            conditions.append(part)
        elif found is None:
            raise UsageError("statistics.slice", f"Expected a slice, found {part!r}.", _HINT)
        else:
            column = found["quoted"] or found["word"].strip()
            if found["edges"] is not None:
                rest["bins"][column] = _edges(found["edges"])
            elif found["values"] is not None:
                rest["feature_values"][column] = tuple(found["values"].split("|"))
            elif found["period"] is not None:
                rest["periods"][column] = found["period"]
            else:
                keys.append(column)
    if len(conditions) > 1:
        raise UsageError("statistics.slice", f"{text!r} holds {len(conditions)} conditions.", "Join them with `and`.")
    return SlicingSpec(feature_keys=tuple(keys), where=conditions[0] if conditions else None, **rest)


def _parts(text: str) -> Iterator[str]:
    """Split at commas outside of brackets and quotes."""
    depth, quote, begin = 0, "", 0
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"`":
            quote = character
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif character == "," and depth == 0:
            yield _part(text, begin, at)
            begin = at + 1
    yield _part(text, begin, len(text))


def _part(text: str, begin: int, end: int) -> str:
    part = text[begin:end].strip()
    if not part:
        raise UsageError("statistics.slice", f"Expected a slice, found nothing in {text!r}.", _HINT)
    return part


def _edges(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(edge) for edge in text.split(","))
    except ValueError:
        raise UsageError("statistics.slice", f"Expected numbers as bin edges, found [{text}].", _HINT) from None
