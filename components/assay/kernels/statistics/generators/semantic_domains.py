"""What the values of a feature seem to be: images, natural language or times, by the rules of TFDV's generators.

The detected domain is in the custom statistic `domain_info`, from which TFDV's inference reads it.
"""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError, UsageError
from assay.kernels.arrow_types import FeatureType
from assay.kernels.statistics.generators.generator import feature_statistics
from assay.kernels.statistics.summaries.value_counts import count_values

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, FeatureNameStatistics

    from assay.kernels.statistics.columns import FeatureColumn, Path
    from assay.kernels.statistics.generators.generator import BatchRows

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
_SIGNATURES = {
    "bmp": b"BM",
    "gif": b"GIF8",
    "jpeg": b"\xff\xd8\xff",
    "png": b"\x89PNG\r\n\x1a\n",
}
"""The first bytes of each format that TFDV knows (https://en.wikipedia.org/wiki/List_of_file_signatures)."""


def format_of(value: bytes) -> str:
    """Return the image's format by its first bytes; empty if it is not an image."""
    return next((name for name, signature in _SIGNATURES.items() if value.startswith(signature)), "")


def size_of(value: bytes) -> tuple[int, int]:
    """Return the width and height of an image, in pixels; only its header is read.

    Raises:
        UsageError: Pillow is not installed.
        DataError: The bytes begin like an image, but are none.
    """
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  # only where images are asked for
    except ImportError as error:
        raise UsageError(
            "statistics.pillow", "The sizes of images need the package Pillow.", "Run: pip install pillow"
        ) from error
    try:
        with Image.open(BytesIO(value)) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError) as error:
        raise DataError("statistics.image", f"A value of {len(value)} bytes begins like an image: {error}.") from error
    return int(width), int(height)


_MIN_RATIO = 0.8
_MIN_VALUES = 100
_MIN_WORDS, _MIN_WORD_LENGTH, _MAX_WORD_LENGTH, _CROP = 3, 2.5, 8, 100
_ORDER = {format_: i for i, format_ in enumerate([*(unix[0] for unix in UNIX_TIMES), *FORMATS])}


@dataclass(slots=True)
class DomainState:
    """A feature's values so far.

    Attributes:
        considered: All values.
        natural: Values that look like natural language.
        times: How many values fit each format of times.
        images: How many values are images of each format; none is the empty text.
        width: Of the widest image, where sizes are asked for.
        height: Of the highest.
        not_text: Some values are numbers.
        not_utf8: Some values are not UTF-8, which no natural language and no time is.
        not_times: Some values are floats, not UTF-8 or empty, so that the feature is not a time.
    """

    considered: int = 0
    natural: int = 0
    times: Counter[int | str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    width: int = 0
    height: int = 0
    not_text: bool = False
    not_utf8: bool = False
    not_times: bool = False


@dataclass(frozen=True, slots=True)
class SemanticDomains:
    """Finds features that are images, natural language or times in at least 80 % of at least 100 values.

    TFDV looks at the first 100 values of each batch for natural language; this looks at all.

    Attributes:
        image_sizes: Whether to decode images to find the greatest width and height; this needs Pillow.
    """

    image_sizes: bool = False

    def create(self) -> dict[Path, DomainState]:
        """Return the state of no rows."""
        return {}

    def add(self, state: dict[Path, DomainState], rows: BatchRows) -> dict[Path, DomainState]:
        """Return the state after more rows."""
        for column in rows.features:
            # A type that says what the numbers mean needs no guess.
            if column.type not in {None, FeatureType.STRUCT} and column.meaning is None:
                _merge(state.setdefault(column.path, DomainState()), self._describe(column))
        return state

    def merge(self, state: dict[Path, DomainState], other: dict[Path, DomainState]) -> dict[Path, DomainState]:
        """Return the state of both."""
        for path, domain in other.items():
            _merge(state.setdefault(path, DomainState()), domain)
        return state

    def contribute(self, state: dict[Path, DomainState], dataset: DatasetFeatureStatistics) -> None:
        """Add the custom statistics of the domains that were found, with TFDV's names."""
        for path, domain in state.items():
            if domain.considered >= _MIN_VALUES:
                feature = feature_statistics(dataset, path)
                self._add_image(feature, domain)
                _add_natural_language(feature, domain)
                _add_time(feature, domain)

    def _describe(self, column: FeatureColumn) -> DomainState:
        if column.leaf is None:
            return DomainState()
        state = DomainState(considered=len(column.leaf) - (0 if column.nulls_are_values else column.leaf.null_count))
        counted = count_values(column.leaf, None)
        if column.type != FeatureType.STRING:
            state.not_text = True
            state.not_times = column.type != FeatureType.INT
            if column.type == FeatureType.INT:
                values = counted.values.to_numpy()
                for format_, begin, end in UNIX_TIMES:
                    inside = int(counted.counts[(values >= begin) & (values < end)].sum())
                    if inside:
                        state.times[format_] += inside
            return state
        state.not_utf8 = state.not_times = bool(column.leaf.null_count and column.nulls_are_values)
        for value, count in zip(counted.values.to_pylist(), counted.counts.tolist(), strict=True):
            self._describe_text(state, value.encode() if isinstance(value, str) else value, count)
        return state

    def _describe_text(self, state: DomainState, value: bytes, count: int) -> None:
        image = format_of(value)
        state.images[image] += count
        if image:
            state.not_utf8 |= not _is_utf8(value)
            if self.image_sizes:
                width, height = size_of(value)
                state.width, state.height = max(state.width, width), max(state.height, height)
        try:
            text = value.decode()
        except UnicodeDecodeError:
            state.not_utf8 = state.not_times = True
            return
        state.not_times |= not text
        if _is_natural(value):
            state.natural += count
        for format_ in formats_of(text):
            state.times[format_] += count

    def _add_image(self, feature: FeatureNameStatistics, state: DomainState) -> None:
        if state.not_text or 1 - state.images[""] / state.considered < _MIN_RATIO:
            return
        feature.custom_stats.add(name="domain_info", str="image_domain {}")
        histogram = feature.custom_stats.add(name="image_format_histogram").rank_histogram
        for format_ in sorted(state.images):
            if state.images[format_]:
                histogram.buckets.add(label=format_ or "UNKNOWN", sample_count=state.images[format_])
        if self.image_sizes:
            feature.custom_stats.add(name="image_max_width", num=state.width)
            feature.custom_stats.add(name="image_max_height", num=state.height)


def _merge(state: DomainState, other: DomainState) -> None:
    state.considered += other.considered
    state.natural += other.natural
    state.times.update(other.times)
    state.images.update(other.images)
    state.width, state.height = max(state.width, other.width), max(state.height, other.height)
    state.not_text |= other.not_text
    state.not_utf8 |= other.not_utf8
    state.not_times |= other.not_times


def _add_natural_language(feature: FeatureNameStatistics, state: DomainState) -> None:
    ratio = state.natural / state.considered
    if not state.not_text and not state.not_utf8 and ratio >= _MIN_RATIO:
        feature.custom_stats.add(name="domain_info", str="natural_language_domain {}")
        feature.custom_stats.add(name="natural_language_match_rate", num=ratio)


def _add_time(feature: FeatureNameStatistics, state: DomainState) -> None:
    if state.not_times or not state.times:
        return
    best = min(state.times, key=lambda format_: (-state.times[format_], _ORDER[format_]))
    ratio = state.times[best] / state.considered
    if ratio >= _MIN_RATIO:
        domain = f"string_format: '{best}'" if isinstance(best, str) else f"integer_format: {best}"
        feature.custom_stats.add(name="domain_info", str=f"time_domain {{{domain}}}")
        feature.custom_stats.add(name="time_match_ratio", num=ratio)


def _is_natural(value: bytes) -> bool:
    """Tells natural language by the number and the mean length of words, in bytes, at the beginning of a value."""
    words = value[:_CROP].split()
    if len(words) < _MIN_WORDS:
        return False
    return bool(_MIN_WORD_LENGTH <= np.mean([len(word) for word in words]) <= _MAX_WORD_LENGTH)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def are_dates(texts: Collection[str]) -> bool:
    """Say whether nearly all texts, and at least one, are dates, or months, quarters or weeks of a year."""
    return 0 < sum(map(_is_date, texts)) >= _NEARLY_ALL * len(texts)


def _is_date(text: str) -> bool:
    if _DATE.match(text) or _PERIOD.fullmatch(text):
        return True
    return any("%d" in format_ for format_ in formats_of(text.strip()))


def formats_of(text: str) -> list[str]:
    """Return the formats that a text may be written in."""
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
    """Return the formats that text of this shape may have; there are few shapes among many texts."""
    found = _shapes.get(shape)
    if found is None:
        found = tuple(format_ for format_ in FORMATS if _shape_pattern(format_).match(shape))
        if len(_shapes) < _MAX_SHAPES:
            _shapes[shape] = found
    return found


def _compiled(format_: str, directives: dict[str, str]) -> re.Pattern[str]:
    # Like TFDV, a dot in a format stands for any character.
    return re.compile(f"^{_DIRECTIVE.sub(lambda match: directives[match.group()], format_)}$")
