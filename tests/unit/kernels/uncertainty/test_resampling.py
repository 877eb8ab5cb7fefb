from __future__ import annotations

import numpy as np
import pytest

from assay.kernels.uncertainty.bootstrap import _OF_256, replicate_weights


def test_weights_have_the_moments_of_a_poisson_variable() -> None:
    chances = np.array(_OF_256) / 256
    values = np.arange(len(_OF_256))
    moments = [float((chances * values**power).sum()) for power in (0, 1, 2)]
    assert moments == [1, 1, 2]
    assert (chances * values**3).sum() == pytest.approx(5, rel=0.002)
    assert (chances * values**4).sum() == pytest.approx(15, rel=0.002)


def test_weights_are_those_of_seed_stripe_and_position() -> None:
    weights = replicate_weights(7, [0, 3], 5000)
    assert weights.shape == (5001, 128)
    assert not weights[-1].any()
    assert np.array_equal(weights[:100], replicate_weights(7, [0, 3], 100)[:-1])
    assert np.array_equal(weights[:, 64:], replicate_weights(7, [3], 5000))
    assert not np.array_equal(weights[:, :64], weights[:, 64:])
    assert not np.array_equal(weights, replicate_weights(8, [0, 3], 5000))


def test_replicates_and_rows_do_not_depend_on_each_other() -> None:
    weights = replicate_weights(1, [0], 20_000)[:-1].astype(float)
    assert weights.mean() == pytest.approx(1, abs=0.004)
    assert weights.var() == pytest.approx(1, abs=0.01)
    between = np.corrcoef(weights.T) - np.eye(64)
    assert np.abs(between).max() < 5 / np.sqrt(20_000)
