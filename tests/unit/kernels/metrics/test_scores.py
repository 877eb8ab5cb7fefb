from __future__ import annotations

import numpy as np
import pytest

from assay.kernels.metrics.matrices import bucket_edges, exact_matrices, interpolated_thresholds
from assay.kernels.metrics.scores import ScoreTable, of_slices


def test_a_table_stays_as_small_as_its_distinct_scores() -> None:
    rng = np.random.default_rng(0)
    table, other = ScoreTable(), ScoreTable()
    scores = rng.integers(0, 50, 1_500_000) / 50
    labels, cells = rng.integers(0, 2, len(scores)).astype(float), rng.integers(0, 3, len(scores))
    for start in range(0, len(scores), 100_000):
        rows = slice(start, start + 100_000)
        target = table if start < 1_200_000 else other
        target.add(cells[rows], scores[rows], labels[rows], np.ones(100_000))
    table.merge(other, np.array([0, 1, 2]))
    assert sum(len(part) for part in table.parts) < 600_000
    weights = table.weights()
    assert len(weights) == 150
    whole, second = of_slices(weights, [np.array([0, 1, 2]), np.array([1])], 3)
    assert whole.scores.tolist() == sorted(set(scores))
    assert whole.positives.sum() == labels.sum()
    chosen = (cells == 1) & (labels == 0)
    assert second.negatives.tolist() == np.bincount((scores[chosen] * 50).round().astype(int)).tolist()


def test_matrices_stand_at_every_score_and_below_all() -> None:
    matrices = exact_matrices(np.array([0.2, 0.6]), np.array([1.0, 2.0]), np.array([4.0, 8.0]))
    assert matrices.thresholds.tolist() == [-np.inf, 0.2, 0.6]
    assert matrices.tp.tolist() == [3, 2, 0]
    assert matrices.fp.tolist() == [12, 8, 0]
    assert (matrices.positives, matrices.negatives) == (3, 12)


def test_buckets_are_tfmas() -> None:
    edges = bucket_edges(np.array([-np.inf, -0.5, 0.0, 0.00015, 0.5, 1.0, 2.0, np.nan]))
    np.testing.assert_allclose(edges, [-np.inf, -np.inf, 0, 0.0001, 0.5, np.inf, np.inf, np.nan])


def test_thresholds_are_tfmas() -> None:
    assert interpolated_thresholds(5).tolist() == pytest.approx([-1e-7, 0.25, 0.5, 0.75, 1 + 1e-7], abs=1e-15)
