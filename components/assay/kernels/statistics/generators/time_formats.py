"""The formats in which text may write a date or a time, by the rules of TFDV's `TimeStatsGenerator`."""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection
from functools import cache
from typing import Final

from tensorflow_metadata.proto.v0 import schema_pb2

_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%y-%m-%d", "%y/%m/%d"),
    *("%m-%d-%Y", "%m/%d/%Y", "%m%d%Y", "%m-%d-%y", "%m/%d/%y"),
    *("%d-%m-%Y", "%d/%m/%Y", "%d%m%Y", "%d-%B-%Y", "%d-%m-%y", "%d/%m/%y", "%d-%B-%y"),
)
_TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")

FORMATS = (
    *_DATES,
    *_TIMES,
    "%a %b %d %H:%M:%S %Y",
    *(f"{date}{delimiter}{time}" for date in _DATES for time in _TIMES for delimiter in "T "),
)
"""In TFDV's order: of formats that fit equally many values, the first is taken."""

_DIRECTIVES = {
    "%a": f"(?:{'|'.join(calendar.day_abbr)})",
    "%b": f"(?:{'|'.join(calendar.month_abbr[1:])})",
    "%B": f"(?:{'|'.join(calendar.month_name[1:])})",
    "%f": r"(?:[0-9]{1,6})",
    "%d": r"(?:3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9])",
    "%H": r"(?:2[0-3]|[0-1]\d|\d)",
    "%y": r"(?:\d\d)",
    "%Y": r"(?:\d\d\d\d)",
    "%m": r"(?:1[0-2]|0[1-9]|[1-9])",
    "%M": r"(?:[0-5]\d|\d)",
    "%S": r"(?:60[0-1]|[0-5]\d|\d)",
}
# The same with every digit written as 0 and every letter as a.
_SHAPES = {
    **dict.fromkeys(("%a", "%b", "%B"), "a+"),
    "%f": "0{1,6}",
    "%d": "(?: 0|00?)",
    **dict.fromkeys(("%H", "%m", "%M"), "00?"),
    "%y": "00",
    "%Y": "0000",
    "%S": "(?:000|00?)",
}
_DIRECTIVE = re.compile("%[a-zA-Z]")
_LONGEST = 64
_NEARLY_ALL = 0.9

_DAY, _MONTH, _YEAR, _NAME = (
    "(?:0?[1-9]|[12][0-9]|3[01])",
    "(?:0?[1-9]|1[0-2])",
    "(?:[12][0-9])?[0-9]{2}",
    "(?i:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})",
)
_CLOCK: Final = (
    r"(?:[T ,]+[0-2]?[0-9]:[0-5][0-9](?::[0-6][0-9](?:\.[0-9]+)?)?(?: ?[AaPp][Mm])?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)?"
)
_WEEKDAY = "(?:(?i:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}),? +)?"
DATE: Final = (
    rf"^\s*{_WEEKDAY}(?:[12][0-9]{{3}}[-/.]{_MONTH}[-/.]{_DAY}|{_DAY}[-/.]{_MONTH}[-/.]{_YEAR}|{_MONTH}[-/]{_DAY}[-/]{_YEAR}"
    rf"|{_DAY}[- .]+{_NAME}[- .,]+{_YEAR}|{_NAME}[. ]+{_DAY},? +{_YEAR}){_CLOCK}\s*$"
)
"""A date as people and programs write it, with a time of day or without, for Python's `re` and for Arrow."""

_DATE: Final = re.compile(DATE)
_PERIOD: Final = re.compile(
    rf"\s*(?:[12][0-9]{{3}}[-/. ]?(?:{_MONTH}|[QqWw][0-9]{{1,2}}|{_NAME})|[12][0-9]{{3}}-W[0-9]{{2}}-[1-7]"
    rf"|(?:{_MONTH}[-/.]|{_NAME}[-/., ]+|[Qq][1-4][-/ ]?)[12][0-9]{{3}})\s*"
)
"""A month, quarter or week of a year."""

UNIX_TIMES = (
    (schema_pb2.TimeDomain.UNIX_DAYS, 7305, 21915),
    (schema_pb2.TimeDomain.UNIX_SECONDS, 631152000, 1893456000),
    (schema_pb2.TimeDomain.UNIX_MILLISECONDS, 631152000 * 10**3, 1893456000 * 10**3),
    (schema_pb2.TimeDomain.UNIX_MICROSECONDS, 631152000 * 10**6, 1893456000 * 10**6),
    (schema_pb2.TimeDomain.UNIX_NANOSECONDS, 631152000 * 10**9, 1893456000 * 10**9),
)
"""Integers that are times from 1990 to 2029, with their format."""


def are_dates(texts: Collection[str]) -> bool:
    """Say whether nearly all texts, and at least one, are dates, or months, quarters or weeks of a year."""
    return 0 < sum(map(_is_date, texts)) >= _NEARLY_ALL * len(texts)


def _is_date(text: str) -> bool:
    if _DATE.match(text) or _PERIOD.fullmatch(text):
        return True
    return any("%d" in format_ for format_ in formats_of(text.strip()))


def formats_of(text: str) -> list[str]:
    """Gives the formats that a text may be written in."""
    if len(text) > _LONGEST or not any("0" <= character <= "9" for character in text):
        return []
    shape = "".join("0" if c.isdigit() else "a" if c.isalpha() else c for c in text)
    return [format_ for format_ in _formats_of_shape(shape) if _pattern(format_).match(text)]


@cache
def _pattern(format_: str) -> re.Pattern[str]:
    return _compiled(format_, _DIRECTIVES)


@cache
def _shape_pattern(format_: str) -> re.Pattern[str]:
    return _compiled(format_.replace("T", "a"), _SHAPES)


_shapes: dict[str, tuple[str, ...]] = {}
_MAX_SHAPES = 10_000


def _formats_of_shape(shape: str) -> tuple[str, ...]:
    """Gives the formats that text of this shape may have; there are few shapes among many texts."""
    found = _shapes.get(shape)
    if found is None:
        found = tuple(format_ for format_ in FORMATS if _shape_pattern(format_).match(shape))
        if len(_shapes) < _MAX_SHAPES:
            _shapes[shape] = found
    return found


def _compiled(format_: str, directives: dict[str, str]) -> re.Pattern[str]:
    # Like TFDV, a dot in a format stands for any character.
    return re.compile(f"^{_DIRECTIVE.sub(lambda match: directives[match.group()], format_)}$")
