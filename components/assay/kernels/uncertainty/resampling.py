"""The weights that bootstrap replicates give to rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

STRIPE = 64
"""Replicates that share one random stream; a row has one byte for each, so a row is one cache line."""

# How many of 256 bytes give weight 0, 1, ... 5. Mean and variance are those of Poisson(1) exactly (1 and 1), the third
# and fourth moments to 0.2 % (5.008 for 5, 14.98 for 15). One byte a weight costs an eighth of an exact Poisson draw.
_OF_256 = (94, 94, 49, 13, 5, 1)
_BLOCK = 2048  # rows drawn at a time: all steps stay in the cache
_STEPS = np.cumsum(_OF_256)[:-1].astype(np.uint8)


def replicate_weights(seed: int, stripes: Sequence[int], num_rows: int) -> NDArray[np.uint8]:
    """Gives the weight of each row in the replicates of some stripes.

    Streams are Philox's, a counter-based generator, keyed by seed and stripe: a row's weights depend on nothing but
    seed, stripe and the row's position.

    Args:
        seed: Not negative.
        stripes: Stripe s holds replicates `64 * s` to `64 * s + 63`.
        num_rows: How many rows.

    Returns:
        One row a row, 64 columns a stripe, and at the end a row that weighs nothing.
    """
    weights: NDArray[np.uint8] = np.zeros((num_rows + 1, len(stripes) * STRIPE), dtype=np.uint8)
    for position, stripe in enumerate(stripes):
        stream = np.random.Philox(key=np.array([seed, stripe], dtype=np.uint64))
        columns = weights[:num_rows, position * STRIPE : (position + 1) * STRIPE]
        for start in range(0, num_rows, _BLOCK):
            result = columns[start : start + _BLOCK]
            drawn = stream.random_raw(result.size // 8).astype("<u8", copy=False).view(np.uint8)
            counted = (drawn >= _STEPS[0]).view(np.uint8)
            for step in _STEPS[1:]:
                counted += (drawn >= step).view(np.uint8)
            result[:] = counted.reshape(-1, STRIPE)
    return weights
