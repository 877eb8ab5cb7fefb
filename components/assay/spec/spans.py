"""Ranges of spans, with the names and fields of TFX's `RangeConfig`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRange:
    """Spans from a first to a last, both included.

    Attributes:
        start_span_number: The first.
        end_span_number: The last.
    """

    start_span_number: int
    end_span_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingRange:
    """The newest spans.

    Attributes:
        num_spans: How many.
        start_span_number: None below this one is taken.
        skip_num_recent_spans: How many of the very newest are left out first.
    """

    num_spans: int
    start_span_number: int = 0
    skip_num_recent_spans: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeConfig:
    """A range of spans: exactly one of the two.

    Attributes:
        static_range: From a first to a last.
        rolling_range: The newest.
    """

    static_range: StaticRange | None = None
    rolling_range: RollingRange | None = None
