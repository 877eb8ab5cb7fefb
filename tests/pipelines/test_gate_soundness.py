"""The simulation in `benchmarks/gate_soundness.py`, in small: how often the gate errs at its designed size."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from assay.kernels.uncertainty.intervals import Estimate

pytestmark = pytest.mark.slow

TRIALS = 60
MOST = 0.05 + 3 * (0.05 * 0.95 / TRIALS) ** 0.5  # 5 %, and three standard errors of a share of 60


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "gate_soundness.py"
    spec = importlib.util.spec_from_file_location("gate_soundness", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gate_soundness"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def simulated(simulation: Any, metric: int, slices: int, share: int = 1) -> Any:
    one = simulation.metrics()[metric]
    rows = simulation.rows_needed(one.spread, simulation.MARGIN, level=simulation.LEVEL, checks=slices)
    return simulation.simulate(one, slices, rows // share, TRIALS)


def test_both_errors_of_a_comparison_are_as_stated_at_the_designed_size(simulation: ModuleType) -> None:
    spread, margin, level = 0.4, 0.02, 0.05
    error = spread / np.sqrt(simulation.rows_needed(spread, margin, level=level))
    rng = np.random.default_rng(0)
    for truth, wrong in ((0.0, False), (-margin, True)):
        shown = [Estimate(value, error).p_value_above(-margin) <= level for value in rng.normal(truth, error, 4000)]
        assert abs(np.mean(np.array(shown) == wrong) - level) < 0.012


def test_more_checks_and_smaller_margins_need_more_rows(simulation: ModuleType) -> None:
    rows = simulation.rows_needed
    assert rows(0.4, 0.02, checks=50) > 2 * rows(0.4, 0.02)
    assert rows(0.4, 0.01) in range(4 * rows(0.4, 0.02) - 4, 4 * rows(0.4, 0.02) + 1)


@pytest.mark.parametrize("metric", [0, 1], ids=["accuracy", "auc"])
def test_both_errors_are_rare_at_the_designed_size(simulation: ModuleType, metric: int) -> None:
    found = simulated(simulation, metric, 1)
    for rule, (blocked, blessed) in found.items():
        if not rule.startswith("point"):
            assert blocked <= MOST, rule
            assert blessed <= MOST, rule
    # Where a point estimate decides, one of the two errors is near a half.
    assert found["point, no drop"][0] > 0.25
    assert found["point, drop of margin"][1] > 0.25


def test_each_rule_keeps_its_own_error_with_too_few_rows(simulation: ModuleType) -> None:
    found = simulated(simulation, 0, 1, share=4)
    assert found["regression, no drop (holm)"][0] <= MOST
    assert found["not_worse, drop of margin"][1] <= MOST


def test_many_slices_are_no_more_chances_to_err(simulation: ModuleType) -> None:
    found = simulated(simulation, 1, 12)
    for rule, (blocked, blessed) in found.items():
        if not rule.startswith("point"):
            assert blocked <= MOST, rule
            assert blessed <= MOST, rule
    assert found["point, no drop"][0] > 0.9
