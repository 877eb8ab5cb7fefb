"""The simulation in `benchmarks/bounds_coverage.py`, in small: bounds cover the truth, or a remark says so."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TRIALS = 300


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "bounds_coverage.py"
    spec = importlib.util.spec_from_file_location("bounds_coverage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bounds_coverage"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    ["5 % positive, accuracy 0.99", "balanced, good, 6 scores", "normal residuals", "t(3) residuals"],
)
@pytest.mark.parametrize("size", [60, 300])
def test_bounds_cover_the_truth_or_have_a_remark(simulation: ModuleType, name: str, size: int) -> None:
    [case] = [case for case in simulation.cases() if case.name == name]
    for place, outcome in simulation.simulate(case, size, TRIALS, seed=1).items():
        assert simulation.passes(outcome, TRIALS), (place, simulation.shown(outcome, TRIALS))


def test_a_heavy_tail_is_told_from_normal_residuals(simulation: ModuleType) -> None:
    found = {}
    for case in simulation.cases():
        if case.name in {"normal residuals", "t(3) residuals"}:
            outcome = simulation.simulate(case, 400, TRIALS, seed=2)["candidate", "root_mean_squared_error"]
            found[case.name] = sum(outcome.remarked) / TRIALS
    assert found["normal residuals"] < 0.05
    assert found["t(3) residuals"] > 0.9
