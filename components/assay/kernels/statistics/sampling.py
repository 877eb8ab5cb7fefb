"""A sample of rows that depends on their content only: the same on every engine, in any order of rows and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.kernels.row_hash import row_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SALT = np.uint64(0xD6E8FEB86659FD93)
"""An odd number of no meaning: splits are cut by the same hashes, and a sample of a split must not be cut alike."""


def sampled(batch: pa.RecordBatch, rate: float) -> NDArray[np.bool_]:
    """Tells which rows are in a sample of about this share of all rows; equal rows are all in it, or none is."""
    if rate >= 1:
        return np.ones(batch.num_rows, dtype=bool)
    hashes = row_hashes(batch)
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _SALT
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _SALT
    return (hashes >> np.uint64(11)) < np.uint64(rate * 2**53)
