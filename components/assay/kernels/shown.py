"""Texts from the data as a line can show them: a cell may hold a whole document."""

from __future__ import annotations


def shortened(text: str, most: int) -> str:
    """Gives the text; of one that is longer than `most` its beginning, and how long it is.

    Example:
        >>> shortened("a" * 5000, 3)
        'aaa… (5,000 characters)'
    """
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"
