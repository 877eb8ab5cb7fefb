from __future__ import annotations

import pickle

import numpy as np
import pytest

from assay.kernels.statistics.quantiles import Quantiles, QuantilesSketch, exact_quantiles


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
def test_exact_quantiles_are_those_of_a_sketch_that_compresses_nothing(num_values: int, num_buckets: int) -> None:
    rng = np.random.default_rng(num_values)
    values = np.sort(rng.normal(size=num_values))
    weights = rng.integers(1, 9, num_values).astype(np.float64)
    sketch = QuantilesSketch(0.01)
    sketch.add(values, weights)
    theirs = sketch.quantiles(num_buckets)
    ours = exact_quantiles(values, weights, num_buckets)
    assert theirs is not None
    np.testing.assert_array_equal(ours.boundaries, theirs.boundaries)
    np.testing.assert_array_equal(ours.cumulative, theirs.cumulative)


def test_a_sketch_can_be_asked_added_to_merged_and_pickled() -> None:
    sketch, other = QuantilesSketch(0.01), QuantilesSketch(0.01)
    sketch.add(np.array([1.0]))
    assert sketch.quantiles(2) is not None
    other.add(np.array([3.0, 2.0]))
    sketch.merge(other)
    restored = pickle.loads(pickle.dumps(sketch))
    assert restored.quantiles(2).boundaries.tolist() == [1.0, 2.0, 3.0]


def test_a_sketch_of_nothing_has_no_quantiles() -> None:
    sketch = QuantilesSketch(0.01)
    sketch.add(np.array([1.0]), np.array([0.0]))
    assert sketch.quantiles(10) is None
