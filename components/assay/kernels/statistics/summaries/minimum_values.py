"""A sketch of K minimum values: how many distinct values there are, from the smallest hashes among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.kernels.row_hash import value_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(slots=True)
class KMinimumValues:
    """Estimates a number of distinct values; exact below `size`.

    Hashes of distinct values are uniform in [0, 2^64). If the K-th smallest is the fraction u of that range, there are
    about (K - 1) / u values, with a relative standard error of 1 / sqrt(K - 2) (Bar-Yossef et al., "Counting distinct
    elements in a data stream", 2002; Beyer et al., "On synopses for distinct-value estimation", 2007). The state is a
    function of the set of values alone, so that no order of additions and merges changes it.

    Attributes:
        size: K, the number of hashes that are kept.
        hashes: The smallest ones, ascending.
    """

    size: int
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    def add(self, values: pa.Array) -> None:
        """Add values of any type that rows are hashed by, none of them null."""
        self._add(value_hashes(values))

    def merge(self, other: KMinimumValues) -> None:
        """Add all that `other` has seen."""
        self._add(other.hashes)

    def estimate(self) -> int:
        """Estimate the number of distinct values."""
        if len(self.hashes) < self.size:
            return len(self.hashes)
        fraction = (float(self.hashes[-1]) + 1) / 2.0**64
        return round((self.size - 1) / fraction)

    def _add(self, hashes: NDArray[np.uint64]) -> None:
        if len(self.hashes) == self.size:
            hashes = hashes[hashes < self.hashes[-1]]  # of many values few are left to sort
        if len(hashes):
            self.hashes = np.unique(np.concatenate([self.hashes, hashes]))[: self.size]
