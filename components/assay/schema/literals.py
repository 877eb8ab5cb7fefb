"""Numbers and texts as TFDV's C++ core converts, reads and writes them."""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING, Final

from google.protobuf import text_format

if TYPE_CHECKING:
    from google.protobuf.message import Message

_SPACE: Final = " \t\n\v\f\r"
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_FLOAT: Final = re.compile(
    r"(?:\+(?!-))?-?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan(?:\([a-z0-9_]*\))?"
    r"|(?P<hex>0x)(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?)",
    re.IGNORECASE | re.ASCII,
)
_NUMBER: Final = re.compile(r"(?<=: )-?[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?$", re.MULTILINE)
_INT64: Final = 2**63
_INT32: Final = 2**31
_ESCAPED: Final = {at: f"\\{at:03o}" for at in (*range(32), 127)} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    ord('"'): '\\"',
    ord("'"): "\\'",
    ord("\\"): "\\\\",
}


def int64_of(value: float) -> int:
    """Return a double cut to 64 bits; what does not fit is the smallest integer, as x86 converts it."""
    return int(value) if -_INT64 <= value < _INT64 else -_INT64


def int32_of(value: float) -> int:
    """Return a double cut to 32 bits; what does not fit is the smallest integer, as x86 converts it."""
    return int(value) if -_INT32 - 1 < value < _INT32 else -_INT32


def wrapped_int32(value: int) -> int:
    """Return the low 32 bits of an integer as a signed number."""
    return (value + _INT32) % (2 * _INT32) - _INT32


def float32_of(value: float) -> float:
    """Return the nearest number of 32 bits; what is beyond them is infinite."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def six_digits(value: float) -> str:
    """Return a number as text with six significant digits."""
    return f"{value:g}"


def message_text(message: Message) -> str:
    """Return a message in protobuf's text format as C++ writes it."""
    return _NUMBER.sub(_number_text, text_format.MessageToString(message, as_utf8=False))


def _number_text(match: re.Match[str]) -> str:
    if match[0].lstrip("-").isdigit():
        return match[0]
    value = float(match[0])
    short = f"{value:.15g}"
    return short if float(short) == value else f"{value:.17g}"


def read_int64(text: str) -> int | None:
    """Return the integer of 64 bits that a text is; white space around it and a sign are allowed."""
    text = text.strip(_SPACE)
    if not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if -_INT64 <= value < _INT64 else None


def read_float32(text: str) -> float | None:
    """Return the number of 32 bits that a text is, decimal or hexadecimal; `inf` and `nan` are numbers."""
    text = text.strip(_SPACE)
    match = _FLOAT.fullmatch(text)
    if match is None:
        return None
    if not match["hex"]:
        return float32_of(float(text.partition("(")[0]))
    try:
        return float32_of(float.fromhex(text))
    except OverflowError:
        return -math.inf if text.startswith("-") else math.inf


def escaped(text: str) -> str:
    """Return a text as inside a literal of C; only what is not ASCII stays as it is."""
    return text.translate(_ESCAPED)
