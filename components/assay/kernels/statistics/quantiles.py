"""Quantiles of weighted values: exact from a sorted table, or from tfx_bsl's sketch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay import native

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MAX_NUM_ELEMENTS = 1 << 32
"""TFDV's own bound on the number of values of a sketch."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Boundaries of buckets of nearly equal weight, from the least value to the greatest.

    Attributes:
        boundaries: One more than there are buckets, ascending, not necessarily distinct.
        cumulative: The weight of all values up to each boundary.
    """

    boundaries: Floats
    cumulative: Floats

    @property
    def median(self) -> float:
        """The middle boundary, or the mean of the two in the middle."""
        middle = len(self.boundaries) // 2
        if len(self.boundaries) % 2:
            return float(self.boundaries[middle])
        return float((self.boundaries[middle - 1] + self.boundaries[middle]) / 2.0)

    def rebin(self, factor: int) -> Quantiles:
        """Gives every `factor`-th boundary; `factor` must divide the number of buckets."""
        return Quantiles(self.boundaries[::factor], self.cumulative[::factor])


def exact_quantiles(values: Floats, weights: Floats, num_buckets: int) -> Quantiles:
    """Gives the quantiles that tfx_bsl's sketch gives before it compresses anything.

    The rule is `GenerateQuantilesAndCumulativeWeights` of tfx_bsl's `weighted_quantiles_summary.h` for a summary whose
    ranks are exact: the boundary at rank `r` is the value whose range of ranks lies nearest.

    Args:
        values: Distinct, ascending, at least one.
        weights: Positive, one for each value.
        num_buckets: At least 1.
    """
    after = np.cumsum(weights, dtype=np.float64)
    before = after - weights
    wanted = 2 * (np.arange(num_buckets + 1) * after[-1] / num_buckets)
    current = np.maximum(np.searchsorted(before + after, wanted, side="right") - 1, 0)
    following = np.minimum(current + 1, len(values) - 1)
    # In an exact summary the next value's least rank is this value's greatest.
    index = np.where(wanted < 2 * after[current], current, following)
    return Quantiles(values[index], after[index])


class QuantilesSketch:
    """tfx_bsl's quantiles sketch, as TFDV sets it up; copies and pickles by its own serialisation."""

    def __init__(self, epsilon: float) -> None:
        self._sketch = native.sketches().QuantilesSketch(epsilon, _MAX_NUM_ELEMENTS, 1)

    def add(self, values: Floats, weights: Floats | None = None) -> None:
        """Adds values without NaN; those whose weight is not positive do not count."""
        if weights is None:
            self._sketch.AddValues(pa.array(values))
        else:
            self._sketch.AddValues(pa.array(values), pa.array(weights, type=pa.float64()))

    def merge(self, other: QuantilesSketch) -> None:
        """Adds all that `other` has seen."""
        self._sketch.Merge(other._sketch)

    def quantiles(self, num_buckets: int) -> Quantiles | None:
        """Gives the quantiles of at least 2 buckets, or `None` where nothing has weight."""
        # Asking a sketch for quantiles finalises it, so a copy is asked.
        copy = _restored(self._sketch.__getstate__())
        boundaries, cumulative = copy.GetQuantilesAndCumulativeWeights(num_buckets)
        if not len(boundaries):
            return None
        return Quantiles(
            boundaries.flatten().to_numpy(zero_copy_only=False), cumulative.flatten().to_numpy(zero_copy_only=False)
        )

    def __getstate__(self) -> bytes:
        state: bytes = self._sketch.__getstate__()
        return state

    def __setstate__(self, state: bytes) -> None:
        self._sketch = _restored(state)


def _restored(state: bytes) -> Any:
    # Not pickle's own way, which would import the package tfx_bsl in the process that reads it.
    sketch_type = native.sketches().QuantilesSketch
    sketch = sketch_type.__new__(sketch_type)
    sketch.__setstate__(state)
    return sketch
