from __future__ import annotations

import numpy as np
import pytest

from assay.kernels.metrics.rates import PROPORTIONS, RATES

COUNTS = {"tp": 5.0, "tn": 11.0, "fp": 3.0, "fn": 2.0}


@pytest.mark.parametrize("name", PROPORTIONS)
def test_a_proportion_is_what_is_counted_over_what_it_is_counted_out_of(name: str) -> None:
    counted, out_of = (sum(COUNTS[part] for part in parts) for parts in PROPORTIONS[name])
    assert RATES[name](*(np.array(COUNTS[part]) for part in ("tp", "tn", "fp", "fn"))) == counted / out_of


@pytest.mark.parametrize("name", RATES)
def test_a_rate_of_nothing_is_no_number(name: str) -> None:
    zero = np.array([0.0])
    value = RATES[name](zero, zero, zero, zero)
    counts = {"tp", "tn", "fp", "fn"}
    assert (value == 0 if name in counts or name.endswith(("positives", "negatives")) else np.isnan(value)).all()
