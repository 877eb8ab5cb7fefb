"""Metrics of spread do not depend on how far the numbers are from 0, nor on how rows were cut into batches."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from assay.kernels.metrics import regression
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.rows import RowColumns
from assay.kernels.metrics.slices import SlicingSpec
from assay.kernels.uncertainty.bootstrap import Bootstrap, replicate_weights
from assay.kernels.uncertainty.kept_rows import ordered

METRICS = (regression.r2_score(), regression.pearson_correlation(), regression.squared_pearson_correlation())
COLUMNS = RowColumns(
    label="label",
    predictions={"model": "score"},
    weight="weight",
    slicing=(SlicingSpec(), SlicingSpec(feature_keys=("group",))),
)
# Whole multiples of 1/1024 stay what they are when 1e12 is added.
NUMBERS = st.integers(-4096, 4096).map(lambda number: number / 1024)
ROWS = st.lists(
    st.tuples(NUMBERS, NUMBERS, st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.sampled_from("ab")), min_size=1, max_size=30
)
OFFSETS = st.sampled_from([0.0, 1e6, -1e9, 1e9, 1e12, -1e12])
Row = tuple[float, float, float, str]


def _batches(rows: list[Row], size: int, label: float, score: float) -> list[pa.RecordBatch]:
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [
        pa.RecordBatch.from_pydict(
            {
                "label": [row[0] + label for row in part],
                "score": [row[1] + score for row in part],
                "weight": [row[2] for row in part],
                "group": [row[3] for row in part],
            }
        )
        for part in parts
    ]


def _exact(rows: list[Row], apart: float) -> tuple[float, float]:
    """Return R² of predictions that are `apart` farther, and the correlation, in exact arithmetic."""
    labels, scores, weights = ([Fraction(row[at]) for row in rows] for at in range(3))
    weight = sum(weights)
    if not weight:
        return np.nan, np.nan

    def product(ones: list[Fraction], others: list[Fraction]) -> Fraction:
        first, second = (sum(w * x for w, x in zip(weights, xs, strict=True)) / weight for xs in (ones, others))
        return sum((w * (x - first) * (y - second) for w, x, y in zip(weights, ones, others, strict=True)), Fraction(0))

    errors = [w * (x - y - Fraction(apart)) ** 2 for w, x, y in zip(weights, labels, scores, strict=True)]
    spread, other = product(labels, labels), product(scores, scores)
    r2 = float(1 - sum(errors) / spread) if spread else np.nan
    return r2, float(product(labels, scores)) / np.sqrt(float(spread * other)) if spread * other else np.nan


@given(ROWS, OFFSETS, OFFSETS, st.integers(1, 30), st.randoms(use_true_random=False))
@example([(0.0, 0.0, 1.0, "a"), (1.0, 0.5, 1.0, "a"), (1.0, 0.25, 1.0, "b")], 1e12, 1e12, 1, None)
def test_spread_is_exact_at_any_offset(rows: list[Row], label: float, score: float, size: int, random: object) -> None:
    metrics = SlicedMetrics(METRICS, COLUMNS)
    states = [metrics.add_batch(metrics.create(), batch) for batch in _batches(rows, size, label, score)]
    if random is not None:
        random.shuffle(states)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    values = metrics.extract(metrics.merge(states))
    for key in values.slices:
        chosen = [row for row in rows if not key or row[3] == key[0][1]]
        r2, correlation = _exact(chosen, score - label)
        expected = [r2, correlation, correlation**2]
        found = [float(values.value("model", position, key)) for position in range(3)]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@given(ROWS, OFFSETS)
def test_replicates_are_exact_at_any_offset(rows: list[Row], offset: float) -> None:
    bootstrap = Bootstrap(METRICS[:2], COLUMNS, num_replicates=4)
    state = bootstrap.create()
    for batch in _batches(rows, 7, offset, offset):
        bootstrap.add_batch(state, batch)
    kept = ordered(state)
    drawn = replicate_weights(0, [0], len(kept))[:-1, :4]
    found = bootstrap.extract(state)
    for at, (key, cells) in enumerate(kept.slices.items()):
        of_slice = kept.rows_of(cells)
        numbers = (kept.labels - offset, kept.predictions[0] - offset, kept.weights)
        plain = [(*(float(column[row]) for column in numbers), "") for row in of_slice]
        once = _exact(plain, 0.0)
        for replicate in range(4):
            weighed = [
                (one[0], one[1], one[2] * float(drawn[row, replicate]), "")
                for one, row in zip(plain, of_slice, strict=True)
            ]
            expected = np.subtract(_exact(weighed, 0.0), once)
            changes = [found.changes["model", position][at, replicate] for position in range(2)]
            np.testing.assert_allclose(changes, expected, rtol=1e-6, atol=1e-6, err_msg=str(key))


@pytest.mark.parametrize("offset", [0.0, 1e6, 1.7e9, 1e12])
def test_r2_is_that_of_scikit_learn(offset: float) -> None:
    generator = np.random.default_rng(3)
    labels = np.round(offset + generator.normal(size=3000), 3)
    scores = labels + generator.normal(scale=0.3, size=3000)
    columns = RowColumns(label="label", predictions={"model": "score"})
    metrics = SlicedMetrics(METRICS, columns)
    state = metrics.create()
    for start in range(0, 3000, 700):
        part = slice(start, start + 700)
        metrics.add_batch(state, pa.RecordBatch.from_pydict({"label": labels[part], "score": scores[part]}))
    values = metrics.extract(state)
    assert values.value("model", 0) == pytest.approx(r2_score(labels, scores), rel=1e-8)
    assert values.value("model", 1) == pytest.approx(np.corrcoef(labels, scores)[0, 1], rel=1e-7)
