"""Means of losses over rows: their errors by definition, and bounds by Hall's transformation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import skew

from assay.kernels.metrics import binary, multiclass, regression
from assay.kernels.metrics.metric import SumsMetric
from assay.kernels.metrics.rows import RowColumns
from assay.kernels.metrics.slices import SlicingSpec
from assay.kernels.uncertainty.intervals import Estimate
from assay.kernels.uncertainty.kept_rows import KeptRows, ordered
from assay.kernels.uncertainty.row_means import RowMeans, SkewedMean, is_mean, row_means

SIZE = 300


def table(**columns: Any) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    label = rng.normal(10, 3, SIZE)
    drawn = {"new": label + rng.normal(0, 1, SIZE), "old": label + rng.laplace(0, 1, SIZE)}
    return {
        "label": label,
        "weight": rng.integers(1, 5, SIZE),
        "side": ["a", "b", "a"] * (SIZE // 3),
        **drawn,
        **columns,
    }


def means(metric: SumsMetric, data: dict[str, Any], *, weight: str | None = None) -> list[RowMeans]:
    columns = RowColumns(
        label="label",
        predictions={"new": "new", "old": "old"},
        weight=weight,
        slicing=(SlicingSpec(), SlicingSpec(feature_keys=("side",))),
    )
    kept = KeptRows()
    for batch in pa.table(data).to_batches(max_chunksize=70):
        kept.add(columns.rows(batch))
    return row_means(ordered(kept), metric)


def test_errors_are_those_of_the_rows_in_every_slice() -> None:
    data = table()
    found = means(regression.mean_squared_error(), data)
    side = np.array(data["side"])
    for chosen, one in zip([np.ones(SIZE, dtype=bool), side == "a", side == "b"], found, strict=True):
        ours, theirs = ((data[name] - data["label"])[chosen] ** 2 for name in ("new", "old"))
        for values, estimate in [(ours, one.estimate()), (theirs, one.estimate(1)), (ours - theirs, one.difference())]:
            assert estimate.value == pytest.approx(values.mean())
            assert estimate.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(len(values)))
            assert estimate.skewness == pytest.approx(skew(values) / np.sqrt(len(values)))
        assert one.effective[0] == pytest.approx(ours.sum() ** 2 / (ours**2).sum())
        assert one.rows == chosen.sum()


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("form", ["estimate", "difference", "relative_difference"])
def test_errors_of_a_root_are_the_delta_methods(weight: str | None, form: str) -> None:
    # The spread over many samples of the same rows is the standard error, and nothing is left of it for equal models.
    data = table()
    rng = np.random.default_rng(2)
    [one, *_] = means(regression.root_mean_squared_error(), data, weight=weight)
    weights = np.ones(SIZE) if weight is None else data["weight"]
    squares = np.stack([(data[name] - data["label"]) ** 2 for name in ("new", "old")]) * weights
    drawn = rng.poisson(1, (SIZE, 4000))
    ours, theirs = np.sqrt(squares @ drawn / (weights @ drawn))
    samples = {"estimate": ours**2, "difference": ours - theirs, "relative_difference": ours / theirs - 1}[form]
    estimate = getattr(one, form)()
    assert estimate.standard_error == pytest.approx(samples.std(), rel=0.05)
    assert estimate.value == pytest.approx(samples.mean(), abs=estimate.standard_error / 5)


def test_without_skewness_bounds_and_tests_are_normal() -> None:
    plain, straight = Estimate(0.3, 0.1), SkewedMean(value=0.3, standard_error=0.1, skewness=0.0)
    assert straight.interval(0.9).lower == pytest.approx(plain.interval(0.9).lower)
    assert straight.p_value_above(0.2) == pytest.approx(plain.p_value_above(0.2))
    assert straight.p_value_below(0.2) == pytest.approx(plain.p_value_below(0.2))


def test_bounds_of_a_skewed_mean_reach_further_up_and_never_below_zero() -> None:
    bounds = SkewedMean(value=1.0, standard_error=0.4, skewness=0.5, positive=True).interval()
    assert bounds.upper - 1 > 1.96 * 0.4 > 1 - bounds.lower
    assert SkewedMean(value=1.0, standard_error=2.0, skewness=0.0, positive=True).interval().lower == 0


def test_what_does_not_vary() -> None:
    data = table(new=table()["label"] + 1.0)
    constant, *_ = means(regression.root_mean_squared_error(), data)
    assert constant.estimate().value == pytest.approx(1.0)
    same, *_ = means(regression.root_mean_squared_error(), table(old=table()["new"]))
    assert (same.difference().interval().lower, same.difference().interval().upper) == (0.0, 0.0)
    assert same.difference().p_value_above(-0.01) == 0.0
    assert same.difference().p_value_above(0.0) == 1.0
    perfect, *_ = means(regression.root_mean_squared_error(), table(new=table()["label"], old=table()["label"]))
    assert math.isnan(perfect.estimate().interval().lower)
    assert math.isnan(perfect.relative_difference().interval().lower)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_not_known_has_no_bounds(wrong: float) -> None:
    data = table()
    data["new"][3] = wrong
    unknown, *_ = means(regression.mean_absolute_error(), data)
    assert math.isnan(unknown.estimate().interval().upper)
    assert math.isnan(unknown.difference().p_value_below(0.0))
    assert unknown.estimate(1).interval().lower > 0


def test_which_metrics_are_means_of_losses() -> None:
    losses = [
        regression.root_mean_squared_error(),
        regression.mean_absolute_percentage_error(),
        binary.binary_crossentropy(),
        binary.brier_score(),
        multiclass.categorical_crossentropy(),
    ]
    assert all(is_mean(metric) for metric in losses)
    others = [regression.r2_score(), binary.auc(), binary.mean_label(), multiclass.categorical_accuracy()]
    assert not any(is_mean(metric) for metric in others)
