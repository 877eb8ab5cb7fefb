"""Ranges of spans, with the names and fields of TFX's `RangeConfig`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRange:
    """Spans from `start_span_number` to `end_span_number`, both included."""

    start_span_number: int
    end_span_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingRange:
    """The newest `num_spans` spans, none below `start_span_number`, leaving out the newest `skip_num_recent_spans`."""

    num_spans: int
    start_span_number: int = 0
    skip_num_recent_spans: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeConfig:
    """A range of spans: exactly one of the two."""

    static_range: StaticRange | None = None
    rolling_range: RollingRange | None = None
