from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest

from assay import native
from assay.kernels.statistics.summaries.quantiles import Quantiles, QuantilesSketch, exact_quantiles


def test_boundaries_are_the_values_at_equal_steps_of_weight() -> None:
    quantiles = exact_quantiles(np.arange(1.0, 101.0), np.ones(100), 4)
    assert quantiles.boundaries.tolist() == [1.0, 26.0, 51.0, 76.0, 100.0]
    assert quantiles.cumulative.tolist() == [1.0, 26.0, 51.0, 76.0, 100.0]
    assert quantiles.median == 51.0


def test_a_single_value_fills_all_boundaries() -> None:
    assert exact_quantiles(np.array([7.0]), np.array([3.0]), 2).boundaries.tolist() == [7.0, 7.0, 7.0]


def test_the_median_of_an_even_number_of_boundaries_is_the_mean_of_the_middle() -> None:
    assert Quantiles(np.array([1.0, 2.0, 4.0, 9.0]), np.ones(4)).median == 3.0


def test_rebinning_keeps_every_nth_boundary() -> None:
    quantiles = Quantiles(np.arange(7.0), np.arange(7.0)).rebin(3)
    assert quantiles.boundaries.tolist() == [0.0, 3.0, 6.0]


@pytest.mark.parametrize("num_values", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("num_buckets", [2, 10, 1000])
def test_exact_quantiles_are_those_of_tfdvs_sketch_before_it_compresses(num_values: int, num_buckets: int) -> None:
    rng = np.random.default_rng(num_values)
    values = np.sort(rng.normal(size=num_values))
    weights = rng.integers(1, 9, num_values).astype(np.float64)
    sketch = native.sketches().QuantilesSketch(0.01, 1 << 32, 1)
    sketch.AddValues(pa.array(values), pa.array(weights))
    boundaries, cumulative = sketch.GetQuantilesAndCumulativeWeights(num_buckets)
    ours = exact_quantiles(values, weights, num_buckets)
    assert ours.boundaries.tolist() == boundaries.flatten().to_pylist()
    assert ours.cumulative.tolist() == cumulative.flatten().to_pylist()


def _error(sketch: QuantilesSketch, values: np.ndarray, weights: np.ndarray) -> float:  # type: ignore[type-arg]
    """The greatest error in rank of a hundred quantiles, as a share of all weight."""
    quantiles = sketch.quantiles(100)
    assert quantiles is not None
    order = np.argsort(values)
    after = np.concatenate([[0.0], np.cumsum(weights[order])])
    low, high = (
        after[np.searchsorted(values[order], quantiles.boundaries, side)] / after[-1] for side in ("left", "right")
    )
    wanted = np.arange(101) / 100
    return float(np.maximum(low - wanted, wanted - high).max())


@pytest.mark.parametrize("chunk", [1, 100, 7000, 100_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_no_rank_is_off_by_more_than_epsilon(chunk: int, weighted: bool) -> None:
    size = 2000 if chunk == 1 else 100_000
    rng = np.random.default_rng(chunk)
    values = np.where(rng.random(size) < 0.3, 5.0, np.sort(rng.lognormal(sigma=4.0, size=size)))
    weights = rng.exponential(size=size) if weighted else np.ones(size)
    halves = [QuantilesSketch(0.02), QuantilesSketch(0.02)]
    for i, start in enumerate(range(0, size, chunk)):
        halves[i % 2].add(values[start : start + chunk], weights[start : start + chunk])
    halves[0].merge(halves[1])
    sketch: QuantilesSketch = pickle.loads(pickle.dumps(halves[0]))
    assert _error(sketch, values, weights) <= 0.02 / 2
    assert sum(len(level[0]) for level in sketch.levels if level is not None) <= 800 * 18


def test_what_weighs_nothing_is_left_out() -> None:
    sketch = QuantilesSketch(0.01)
    sketch.add(np.array([1.0]), np.array([0.0]))
    assert sketch.quantiles(10) is None
    sketch.add(np.array([2.0, 1.0]), np.array([1.0, 0.0]))
    quantiles = sketch.quantiles(2)
    assert quantiles is not None
    assert quantiles.between(0.0, 3.0).boundaries.tolist() == [0.0, 2.0, 3.0]
