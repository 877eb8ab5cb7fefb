"""Uniques and top values of a feature with too many distinct values, by the sketches that TFDV uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay import native
from assay.kernels.statistics.value_counts import Counted

if TYPE_CHECKING:
    from assay.kernels.statistics.options import StatisticsOptions

# TFDV's sizes (stats_impl.py, top_k_uniques_sketch_stats_generator.py).
_KMV_BUCKETS = 16384
_MISRA_GRIES_BUCKETS = 1024
_LARGE_STRING_THRESHOLD = 1024
_LARGE_STRING_PLACEHOLDER = "__LARGE_BYTES__"
_NON_UTF8_PLACEHOLDER = "__BYTES_VALUE__"

_EXACT_IN_FLOAT32 = 1 << 24
"""The Misra-Gries sketch takes weights as 32-bit floats; greater counts are added in parts."""


class CategorySketch:
    """Estimates the number of distinct values (K minimum values) and the most frequent ones (Misra-Gries)."""

    def __init__(self, options: StatisticsOptions) -> None:
        module = native.sketches()
        buckets = max(_MISRA_GRIES_BUCKETS, options.num_top_values, options.num_rank_histogram_buckets)

        def misra_gries() -> Any:
            return module.MisraGriesSketch(
                num_buckets=buckets,
                invalid_utf8_placeholder=_NON_UTF8_PLACEHOLDER,
                large_string_threshold=_LARGE_STRING_THRESHOLD,
                large_string_placeholder=_LARGE_STRING_PLACEHOLDER,
            )

        self._distinct = module.KmvSketch(_KMV_BUCKETS)
        self._frequent = misra_gries()
        self._heavy = None if options.weight_feature is None else misra_gries()

    def add(self, part: Counted) -> None:
        """Adds counted values."""
        self._distinct.AddValues(part.values)
        counts = part.counts
        while len(counts):
            taken = np.minimum(counts, _EXACT_IN_FLOAT32)
            self._frequent.AddValues(part.values, pa.array(taken, type=pa.float32()))
            left = counts > taken
            part, counts = part.select(left), (counts - taken)[left]
        if self._heavy is not None and part.weights is not None:
            self._heavy.AddValues(part.values, pa.array(part.weights, type=pa.float32()))

    def merge(self, other: CategorySketch) -> None:
        """Adds all that `other` has seen."""
        self._distinct.Merge(other._distinct)
        self._frequent.Merge(other._frequent)
        if self._heavy is not None:
            self._heavy.Merge(other._heavy)

    def num_distinct(self) -> int:
        """Estimates the number of distinct values."""
        return int(self._distinct.Estimate())

    def frequent(self) -> Counted:
        """Estimates the most frequent values and their counts."""
        estimate = self._frequent.Estimate()
        return Counted(estimate.field(0), estimate.field(1).to_numpy().round().astype(np.int64), None)

    def heavy(self) -> Counted | None:
        """Estimates the values that weigh most, and their weights; `None` without weights."""
        if self._heavy is None:
            return None
        estimate = self._heavy.Estimate()
        weights = estimate.field(1).to_numpy().astype(np.float64)
        return Counted(estimate.field(0), np.ones(len(weights), dtype=np.int64), weights)

    def __getstate__(self) -> tuple[bytes | None, ...]:
        sketches = (self._distinct, self._frequent, self._heavy)
        return tuple(None if sketch is None else sketch.Serialize() for sketch in sketches)

    def __setstate__(self, state: tuple[bytes | None, ...]) -> None:
        # Not pickle's own way, which would import the package tfx_bsl in the process that reads it.
        module = native.sketches()
        self._distinct = module.KmvSketch.Deserialize(state[0])
        self._frequent = module.MisraGriesSketch.Deserialize(state[1])
        self._heavy = None if state[2] is None else module.MisraGriesSketch.Deserialize(state[2])
