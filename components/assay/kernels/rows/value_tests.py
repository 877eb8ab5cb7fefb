"""Tests of single values: domains, limits, patterns.

A test of numbers is one formula that reads a Python number and a numpy array alike, which is why it uses `|` and `!=`.
A test of text reads one text; a batch asks it once for each distinct text.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, Literal

from assay.errors import UsageError

_FLOAT32_MAX = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_INT64 = range(-(2**63), 2**63)
_INTEGER = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+[ \t\n\v\f\r]*")


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Text is one of a set of values.

    Attributes:
        values: The set.
        undecodable: Whether text that is not UTF-8 is another value; else it is left to `ValidText`.
    """

    values: frozenset[str]
    undecodable: bool = False

    def integer(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def real(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def text(self, value: str) -> bool:
        """Return whether the text is not in the domain."""
        return value not in self.values and (self.undecodable or is_valid_text(value))


@dataclass(frozen=True, slots=True)
class ValidText:
    """Text is UTF-8."""

    def integer(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def real(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def text(self, value: str) -> bool:
        """Return whether some byte is not UTF-8."""
        return not is_valid_text(value)


@dataclass(frozen=True, slots=True)
class NumberText:
    """Text spells a number, as `absl::SimpleAtoi` and `SimpleAtof` read it."""

    of: Literal["INT", "FLOAT"]

    def integer(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def real(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def text(self, value: str) -> bool:
        """Return whether the text does not spell a number."""
        return (integer_text(value) if self.of == "INT" else real_text(value)) is None


@dataclass(frozen=True, slots=True)
class NumberBound:
    """A number keeps a limit; NaN keeps every limit.

    A number with decimals may miss the limit by the rounding of float32, in which `tf.Example` stores it: 0.1 as
    float32 is at least 0.1 and at most 0.1, whether the limit is written in a schema (float32) or in a file.

    Attributes:
        side: Whether the limit is the least or the greatest value.
        whole: The limit for whole numbers.
        decimal: The limit for numbers with decimals; None where it does not apply to them.
        text_family: What text spells that has to keep the limit too; None where text is not read.
        whole_applies: Whether the limit applies to whole numbers.
    """

    side: Literal["min", "max"]
    whole: int
    decimal: float | None
    text_family: Literal["INT", "FLOAT"] | None = None
    whole_applies: bool = True

    def integer(self, value: Any) -> Any:
        """Return whether a whole number is beyond the bound."""
        if not self.whole_applies:
            return False
        return value < self.whole if self.side == "min" else value > self.whole

    def real(self, value: Any) -> Any:
        """Return whether a number with decimals is beyond the bound."""
        if self.decimal is None:
            return False
        return value < self.decimal if self.side == "min" else value > self.decimal

    def text(self, value: str) -> bool:
        """Return whether text spells a number beyond the bound; other text is left to `NumberText`."""
        if self.text_family == "INT":
            whole = integer_text(value)
            return whole is not None and (whole < self.whole if self.side == "min" else whole > self.whole)
        number = real_text(value) if self.text_family == "FLOAT" else None
        return number is not None and bool(self.real(number))


@dataclass(frozen=True, slots=True)
class NotNan:
    """A number is not NaN."""

    def integer(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def real(self, value: Any) -> Any:
        """Return whether it is NaN."""
        return value != value  # noqa: PLR0124 (NaN is what differs from itself, in an array as well)

    def text(self, value: str) -> bool:
        """Return whether text spells NaN."""
        number = real_text(value)
        return number is not None and math.isnan(number)


@dataclass(frozen=True, slots=True)
class Finite:
    """A number is not infinite."""

    def integer(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def real(self, value: Any) -> Any:
        """Return whether it is infinite."""
        return (value == math.inf) | (value == -math.inf)

    def text(self, value: str) -> bool:
        """Return whether text spells an infinite number, or one beyond float32."""
        number = real_text(value)
        return number is not None and (math.isinf(number) or abs(number) > _FLOAT32_MAX)


@dataclass(frozen=True, slots=True)
class ZeroOrOne:
    """A number with decimals is 0 or 1; of whole numbers, two `NumberBound`s tell the too small from the too large."""

    def integer(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def real(self, value: Any) -> Any:
        """Return whether it is neither, NaN included."""
        return (value != 0.0) & (value != 1.0)

    def text(self, _value: str) -> bool:
        """Ignore values of this family."""
        return False


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text matches a regular expression of Python's, from end to end unless `search`; other values never do.

    Attributes:
        pattern: The expression.
        search: Whether a match anywhere is enough.
    """

    pattern: str
    search: bool = False

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except (re.error, RecursionError, OverflowError) as error:  # nested too deeply, or with too many repetitions
            shown = shorten(repr(self.pattern), 200, placeholder=" …")
            raise UsageError(
                "rows.bad_pattern", f"The pattern {shown} is not a regular expression: {error}."
            ) from error

    def integer(self, value: Any) -> Any:
        """Reject every number."""
        return value == value  # noqa: PLR0124 (true for each)

    def real(self, value: Any) -> Any:
        """Reject every number, including NaN."""
        return (value == value) | True  # noqa: PLR0124

    def text(self, value: str) -> bool:
        """Return whether the text does not match."""
        compiled = re.compile(self.pattern)  # cached by the standard library
        return (compiled.search(value) if self.search else compiled.fullmatch(value)) is None


def float_limit(side: Literal["min", "max"], limit: float) -> float:
    """Return a threshold that survives rounding to float32."""
    if not math.isfinite(limit) or abs(limit) > _FLOAT32_MAX:
        return limit
    rounded = float32(limit)
    candidates = (limit, rounded, shortest(rounded))
    return min(candidates) if side == "min" else max(candidates)


def whole_limit(side: Literal["min", "max"], limit: float) -> int:
    """Return the whole number that is a limit for whole numbers."""
    if math.isnan(limit):  # no value is below or above it, as TFDV has it
        return 2**64 if side == "max" else -(2**64)
    if math.isinf(limit):
        return 2**64 if limit > 0 else -(2**64)
    return math.ceil(limit) if side == "min" else math.floor(limit)


def float32(value: float) -> float:
    """Round to the nearest float32."""
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


def shortest(value: float) -> float:
    """Return the decimal of the fewest digits that rounds to the float32 `value`: what somebody wrote into a schema."""
    return next(
        (
            decimal
            for digits in range(6, 10)
            if abs(decimal := float(f"{value:.{digits}g}")) <= _FLOAT32_MAX and float32(decimal) == value
        ),
        value,
    )


def integer_text(value: str) -> int | None:
    """Read a 64-bit integer as `absl::SimpleAtoi` does; None if the text is not one."""
    if not _INTEGER.fullmatch(value) or len(value) > 4000:
        return None
    number = int(value)
    return number if number in _INT64 else None


def real_text(value: str) -> float | None:
    """Read a number as `absl::SimpleAtof` does; None if the text is not a number."""
    if not value.isascii() or "_" in value:
        return None
    try:
        return float.fromhex(value) if "x" in value.lower() else float(value)
    except (ValueError, OverflowError):
        return None


def is_valid_text(value: str) -> bool:
    """Return whether text was UTF-8: `record.decoded` writes invalid bytes as lone surrogates."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
