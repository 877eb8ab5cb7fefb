from __future__ import annotations

import numpy as np

from assay.kernels.uncertainty.interval import Estimate
from assay.kernels.uncertainty.sample_size import rows_needed


def test_both_errors_are_as_stated_at_the_size_that_is_given() -> None:
    spread, margin, level = 0.4, 0.02, 0.05
    rows = rows_needed(spread, margin, level=level)
    error = spread / np.sqrt(rows)
    rng = np.random.default_rng(0)
    for truth, wrong in ((0.0, False), (-margin, True)):
        shown = [Estimate(value, error).p_value_above(-margin) <= level for value in rng.normal(truth, error, 4000)]
        assert abs(np.mean(np.array(shown) == wrong) - level) < 0.012


def test_more_checks_and_smaller_margins_need_more_rows() -> None:
    assert rows_needed(0.4, 0.02, checks=50) > 2 * rows_needed(0.4, 0.02)
    assert rows_needed(0.4, 0.01) in range(4 * rows_needed(0.4, 0.02) - 4, 4 * rows_needed(0.4, 0.02) + 1)
