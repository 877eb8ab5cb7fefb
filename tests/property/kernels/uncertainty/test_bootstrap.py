"""Replicates: what scikit-learn gives for the same weights, and the same for any batches, order and threads."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from assay.kernels.metrics import binary, comparison, multiclass, regression
from assay.kernels.metrics.rows import RowColumns
from assay.kernels.metrics.slices import SlicingSpec
from assay.kernels.metrics.view import View
from assay.kernels.uncertainty.bootstrap import Bootstrap, Replicates, replicate_weights
from assay.kernels.uncertainty.delong import delong
from assay.kernels.uncertainty.kept_rows import ordered

SLICING = (SlicingSpec(), SlicingSpec(feature_keys=("x",)), SlicingSpec(feature_keys=("x", "z")))
COLUMNS = RowColumns(label="y", predictions={"candidate": "a", "baseline": "b"}, slicing=SLICING)
WEIGHTED = RowColumns(label="y", predictions={"candidate": "a", "baseline": "b"}, slicing=SLICING, weight="w")


def table_of(size: int, seed: int = 0, digits: int = 2) -> pa.Table:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, size).astype(float)
    a = np.clip(0.3 * y + rng.uniform(0, 0.7, size), 0, 1)
    b = np.clip(a + rng.normal(0, 0.1, size), 0, 1)
    return pa.table(
        {
            "y": y,
            "a": a.round(digits),
            "b": b.round(digits),
            "w": rng.choice([0.0, 0.5, 1.0, 2.0], size),
            "x": rng.choice(["u", "v", "w"], size),
            "z": rng.integers(0, 2, size),
        }
    )


def draw(bootstrap: Bootstrap, table: pa.Table, rows_a_batch: int = 1000) -> Replicates:
    batches = table.combine_chunks().to_batches(max_chunksize=rows_a_batch)
    return bootstrap.extract(bootstrap.merge([bootstrap.add_batch(bootstrap.create(), batch) for batch in batches]))


def in_order(columns: RowColumns, table: pa.Table) -> Any:
    bootstrap = Bootstrap([], columns)
    return ordered(bootstrap.add_batch(bootstrap.create(), table.combine_chunks().to_batches()[0]))


@pytest.mark.parametrize("columns", [COLUMNS, WEIGHTED], ids=["plain", "weighted"])
def test_each_replicate_is_what_scikit_learn_gives_for_its_weights(columns: RowColumns) -> None:
    table = table_of(300)
    metrics = [
        binary.auc(),
        binary.average_precision(),
        binary.rate("f1_score"),
        binary.brier_score(),
        regression.r2_score(),
        *comparison.boolean_flip_rates()[:1],
    ]
    drawn = draw(Bootstrap(metrics, columns, "baseline", num_replicates=70, seed=3), table)
    rows = in_order(columns, table)
    weights = np.concatenate([replicate_weights(3, [stripe], len(rows))[:-1] for stripe in (0, 1)], axis=1)

    def values(chosen: np.ndarray, replicate: np.ndarray) -> list[float]:
        y, a, b = rows.labels[chosen], rows.predictions[0][chosen], rows.predictions[1][chosen]
        w = rows.weights[chosen] * replicate[chosen]
        return [
            sk.roc_auc_score(y, a, sample_weight=w),
            sk.average_precision_score(y, a, sample_weight=w),
            sk.f1_score(y, a > 0.5, sample_weight=w),
            sk.brier_score_loss(y, a, sample_weight=w),
            sk.r2_score(y, a, sample_weight=w),
            np.average((a > 0.5) != (b > 0.5), weights=w),
        ]

    for position, cells in enumerate(rows.slices.values()):
        chosen = rows.rows_of(cells)
        point = values(chosen, np.ones(len(rows)))
        for replicate in (0, 1, 69):
            wanted = np.subtract(values(chosen, weights[:, replicate]), point)
            found = [drawn.changes["candidate", number][position, replicate] for number in range(len(metrics))]
            np.testing.assert_allclose(found, wanted, atol=1e-9)


@given(st.integers(1, 60), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_batches_order_and_merging_do_not_matter(rows_a_batch: int, seed: int, random: Any) -> None:
    table = table_of(60, seed)
    metrics = [binary.auc(), binary.rate("precision"), binary.calibration()]
    bootstrap = Bootstrap(metrics, WEIGHTED, num_replicates=20)
    shuffled = table.take(pa.array(random.sample(range(60), 60)))
    whole, parts = draw(bootstrap, table), draw(bootstrap, shuffled, rows_a_batch)
    assert whole.slices == parts.slices
    for key, changes in whole.changes.items():
        np.testing.assert_allclose(changes, parts.changes[key], rtol=1e-12, atol=1e-12)


def test_threads_and_the_number_of_replicates_do_not_matter() -> None:
    table = table_of(500)
    metrics = [binary.auc(), binary.binary_crossentropy(clip=1e-7), binary.rate("recall")]
    few = draw(Bootstrap(metrics, COLUMNS, num_replicates=100), table)
    for workers, count in itertools.product((1, 3), (100, 700)):
        more = draw(Bootstrap(metrics, COLUMNS, num_replicates=count, workers=workers), table)
        for key, changes in few.changes.items():
            np.testing.assert_allclose(changes, more.changes[key][:, :100], rtol=1e-12, atol=1e-12)


def test_bins_of_many_scores_are_close_to_the_exact_curve() -> None:
    table = table_of(3000, digits=12)
    drawn = draw(Bootstrap([binary.auc(), binary.auc(curve="PR")], COLUMNS, num_replicates=64), table)
    rows = in_order(COLUMNS, table)
    weights = replicate_weights(0, [0], len(rows))[:-1]
    y, a = rows.labels, rows.predictions[0]
    exact = np.array([sk.roc_auc_score(y, a, sample_weight=weights[:, b]) for b in range(64)])
    exact -= sk.roc_auc_score(y, a)
    found = drawn.changes["candidate", 0][0]
    assert np.abs(found - exact).max() < 0.03 * exact.std()


def test_the_spread_of_replicates_is_delongs() -> None:
    table = table_of(2000, digits=6)
    drawn = draw(Bootstrap([binary.auc()], COLUMNS, num_replicates=4000, workers=2), table)
    labels, *scores = (table[name].to_numpy() for name in ("y", "a", "b"))
    areas = delong(labels, scores)
    candidate, baseline = (drawn.changes[model, 0][0] for model in ("candidate", "baseline"))
    # 4,000 replicates give a standard deviation to 1.1 %; four of those.
    assert candidate.std() == pytest.approx(areas.estimate(0).standard_error, rel=0.045)
    assert (candidate - baseline).std() == pytest.approx(areas.difference().standard_error, rel=0.045)


def test_identical_models_differ_in_no_replicate() -> None:
    table = table_of(1000, digits=6)
    table = table.set_column(table.schema.get_field_index("b"), "b", table["a"])
    metrics = [binary.auc(), binary.binary_crossentropy(clip=1e-7), binary.rate("binary_accuracy")]
    drawn = draw(Bootstrap(metrics, WEIGHTED, num_replicates=64), table)
    for position in range(len(metrics)):
        assert np.array_equal(drawn.changes["candidate", position], drawn.changes["baseline", position])


def test_classes() -> None:
    rng = np.random.default_rng(1)
    scores = rng.dirichlet([1, 1, 1], 200).round(3)
    table = pa.table({"y": rng.integers(0, 3, 200), "p": scores.tolist()})
    columns = RowColumns(label="y", predictions={"m": "p"})
    macro = multiclass.macro_average(
        lambda view: binary.auc(view=view), {View(class_id=one): 1.0 for one in range(3)}, by_labels=True
    )
    metrics = [multiclass.categorical_accuracy(), macro, binary.auc(view=View()), binary.rate("recall", view=View(k=1))]
    drawn = draw(Bootstrap(metrics, columns, num_replicates=5), table)
    rows = in_order(columns, table)
    weights = replicate_weights(0, [0], len(rows))[:-1]
    y, p = rows.labels.astype(int), rows.predictions[0]

    def values(w: np.ndarray) -> list[float]:
        areas = [sk.roc_auc_score(y == c, p[:, c], sample_weight=w) for c in range(3)]
        return [
            sk.accuracy_score(y, p.argmax(axis=1), sample_weight=w),
            np.average(areas, weights=[w[y == c].sum() for c in range(3)]),
            sk.roc_auc_score(np.eye(3)[y].ravel(), p.ravel(), sample_weight=np.repeat(w, 3)),
            sk.recall_score(p.argmax(axis=1) == y, p.max(axis=1) > 0.5, sample_weight=w),
        ]

    point = values(np.ones(len(rows)))
    for replicate in range(5):
        found = [drawn.changes["m", number][0, replicate] for number in range(len(metrics))]
        # The micro average has more than 256 distinct scores.
        np.testing.assert_allclose(found, np.subtract(values(weights[:, replicate]), point), atol=2e-4)


def test_a_row_without_a_prediction_makes_its_slices_unknown() -> None:
    table = pa.table(
        {"y": [0.0, 1.0] * 6, "a": [0.1, None, *[0.2, 0.9] * 5], "b": [0.5] * 12, "x": list("uuvv") * 3, "z": [0] * 12}
    )
    drawn = draw(Bootstrap([binary.auc(), binary.rate("recall")], COLUMNS, num_replicates=8), table)
    known = {key: not np.isnan(drawn.changes["candidate", 0][i]).all() for i, key in enumerate(drawn.slices)}
    assert known == {
        (): False,
        (("x", "u"),): False,
        (("x", "v"),): True,
        (("x", "u"), ("z", 0)): False,
        (("x", "v"), ("z", 0)): True,
    }


def test_no_rows() -> None:
    bootstrap = Bootstrap([binary.auc(), binary.rate("recall")], COLUMNS, num_replicates=8)
    assert bootstrap.extract(bootstrap.create()).slices == ()


def test_rows_that_weigh_nothing() -> None:
    table = table_of(4)
    table = table.set_column(table.schema.get_field_index("w"), "w", pa.array(np.zeros(4)))
    drawn = draw(Bootstrap([binary.auc(), binary.rate("recall")], WEIGHTED, num_replicates=8), table)
    assert np.isnan(drawn.changes["candidate", 0]).all()
    assert np.isnan(drawn.changes["candidate", 1]).all()
