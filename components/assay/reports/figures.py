"""Figures as people read them: thousands apart, four significant digits, units that fit."""

from __future__ import annotations

import math

NONE = "\u2013"  # an en dash
MINUS = "\u2212"
INFINITY = "\u221e"
_UNITS = ("B", "kB", "MB", "GB", "TB")


def number(value: float | None) -> str:
    """Return a number in at most five significant digits; a dash if there is none."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return INFINITY if value > 0 else MINUS + INFINITY
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", MINUS)
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.2e}".replace("-", MINUS)
    digits = max(0, 4 - max(0, math.floor(math.log10(abs(value)))))
    text = f"{value:,.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", MINUS)


def change(value: float | None) -> str:
    """Return a difference with its sign; a dash if there is none."""
    if value is None or math.isnan(value):
        return NONE
    return f"+{number(value)}" if value > 0 else number(value)


def share(value: float | None) -> str:
    """Return a share in per cent; a small one is never shown as 0 %."""
    if value is None or math.isnan(value):
        return NONE
    if 0 < value < 0.0001:
        return "<0.01%"
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%"


def seconds(value: float | None) -> str:
    """Return a duration: milliseconds, seconds, or minutes and seconds."""
    if value is None:
        return NONE
    if value < 1:
        return f"{1000 * value:.0f} ms"
    if value < 120:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def size(count: float) -> str:
    """Return a number of bytes as text."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


def plural(count: int, singular: str, several: str = "") -> str:
    """`1 feature`, `12 features`."""
    return f"{count:,} {singular if count == 1 else several or singular + 's'}"


def short_digest(digest: str) -> str:
    """Return the first characters of a digest, which tell artifacts apart."""
    return digest.removeprefix("sha256:")[:12]
