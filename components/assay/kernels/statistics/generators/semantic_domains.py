"""What the values of a feature seem to be: images, natural language or times, by the rules of TFDV's generators.

The domain that is found stands in the custom statistic `domain_info`, from which TFDV's inference takes it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from assay.errors import DataError, UsageError
from assay.kernels.arrow_types import FeatureType
from assay.kernels.statistics.generators.generator import feature_statistics
from assay.kernels.statistics.generators.time_formats import FORMATS, UNIX_TIMES, formats_of
from assay.kernels.statistics.summaries.value_counts import count_values

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, FeatureNameStatistics

    from assay.kernels.statistics.columns import FeatureColumn, Path
    from assay.kernels.statistics.generators.generator import Rows

_SIGNATURES = {
    "bmp": b"BM",
    "gif": b"GIF8",
    "jpeg": b"\xff\xd8\xff",
    "png": b"\x89PNG\r\n\x1a\n",
}
"""The first bytes of each format that TFDV knows (https://en.wikipedia.org/wiki/List_of_file_signatures)."""


def format_of(value: bytes) -> str:
    """Gives the image's format, told by its first bytes; empty if it is none."""
    return next((name for name, signature in _SIGNATURES.items() if value.startswith(signature)), "")


def size_of(value: bytes) -> tuple[int, int]:
    """Gives the width and height of an image, in pixels; only its header is read.

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
        not_times: Some values are floats, not UTF-8 or empty, so that the feature is no time.
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
        """Gives the state of no rows."""
        return {}

    def add(self, state: dict[Path, DomainState], rows: Rows) -> dict[Path, DomainState]:
        """Gives the state after more rows."""
        for column in rows.features:
            # A type that says what the numbers mean needs no guess.
            if column.type not in {None, FeatureType.STRUCT} and column.meaning is None:
                _merge(state.setdefault(column.path, DomainState()), self._describe(column))
        return state

    def merge(self, state: dict[Path, DomainState], other: dict[Path, DomainState]) -> dict[Path, DomainState]:
        """Gives the state of both."""
        for path, domain in other.items():
            _merge(state.setdefault(path, DomainState()), domain)
        return state

    def contribute(self, state: dict[Path, DomainState], dataset: DatasetFeatureStatistics) -> None:
        """Adds the custom statistics of the domains that were found, with TFDV's names."""
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
