"""A test of text that writes times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TimeText:
    """Text is a time in a format.

    Attributes:
        format: With the directives of `strptime`.
    """

    format: str

    def integer(self, _value: Any) -> Any:
        """Does not apply."""
        return False

    def real(self, _value: Any) -> Any:
        """Does not apply."""
        return False

    def text(self, value: str) -> bool:
        """Whether the text is no time in this format."""
        try:
            datetime.strptime(value, self.format)  # noqa: DTZ007 (the time itself is of no interest)
        except ValueError:
            return True
        return False
