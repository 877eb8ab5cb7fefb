"""Uniques and top values of a feature that has too many distinct values to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay import native
from assay.kernels.statistics.summaries.heavy_hitters import HeavyHitters

if TYPE_CHECKING:
    from assay.kernels.statistics.summaries.value_counts import Counted

_KMV_BUCKETS = 16384
"""TFDV's size (`stats_impl.py`): estimates of the number of distinct values are off by about 0.8 %."""


class CategorySketch:
    """Estimates the number of distinct values (tfx_bsl's K minimum values), and keeps the most frequent ones."""

    def __init__(self, *, weighted: bool) -> None:
        self._distinct = native.sketches().KmvSketch(_KMV_BUCKETS)
        self._frequent = HeavyHitters(by_weight=False)
        self._heavy = HeavyHitters(by_weight=True) if weighted else None

    def add(self, part: Counted, max_bytes: int) -> None:
        """Adds counted values, keeping as many of the most frequent ones as take `max_bytes`."""
        self._distinct.AddValues(part.values)
        self._frequent.add(part, max_bytes)
        if self._heavy is not None:
            self._heavy.add(part, max_bytes)

    def merge(self, other: CategorySketch, max_bytes: int) -> None:
        """Adds all that `other` has seen."""
        self._distinct.Merge(other._distinct)
        self._frequent.merge(other._frequent, max_bytes)
        if self._heavy is not None and other._heavy is not None:
            self._heavy.merge(other._heavy, max_bytes)

    def num_distinct(self) -> int:
        """Estimates the number of distinct values."""
        return int(self._distinct.Estimate())

    def frequent(self) -> Counted | None:
        """Estimates the counts of the most frequent values."""
        return self._frequent.estimate()

    def heavy(self) -> Counted | None:
        """Estimates the weights of the values that weigh most; `None` without weights."""
        return None if self._heavy is None else self._heavy.estimate()

    def __getstate__(self) -> tuple[bytes, HeavyHitters, HeavyHitters | None]:
        # Not pickle's own way, which would import the package tfx_bsl in the process that reads it.
        return self._distinct.Serialize(), self._frequent, self._heavy

    def __setstate__(self, state: tuple[bytes, HeavyHitters, HeavyHitters | None]) -> None:
        serialized, self._frequent, self._heavy = state
        self._distinct = native.sketches().KmvSketch.Deserialize(serialized)
