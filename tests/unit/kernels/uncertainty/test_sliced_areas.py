"""DeLong's areas by slice, and rankings drawn by query."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.metrics.metric import BINARY
from assay.kernels.metrics.ranking import QueryRows, ndcg, ranking_value
from assay.kernels.metrics.rows import RowColumns
from assay.kernels.metrics.slices import SlicingSpec
from assay.kernels.metrics.view import View
from assay.kernels.uncertainty.bootstrap import replicated_ranking
from assay.kernels.uncertainty.delong import delong, sliced_areas
from assay.kernels.uncertainty.kept_rows import KeptRows, OrderedRows, ordered


def rows(table: dict[str, Any], *, weight: str | None = None) -> OrderedRows:
    columns = RowColumns(
        label="label",
        predictions={"new": "new", "old": "old"},
        weight=weight,
        slicing=(SlicingSpec(), SlicingSpec(feature_keys=("side",))),
    )
    kept = KeptRows()
    for batch in pa.table(table).to_batches(max_chunksize=70):
        kept.add(columns.rows(batch))
    return ordered(kept)


def table(size: int = 300) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, size)
    old = np.round(label * 0.3 + rng.uniform(size=size), 1)  # rounded: many rows of one score
    return {
        "label": label,
        "old": old,
        "new": np.round(old + rng.normal(0, 0.1, size), 1),
        "side": rng.choice(["a", "b"], size),
        "weight": rng.uniform(1, 2, size),
    }


def test_each_slice_has_the_areas_of_its_rows() -> None:
    data = table()
    found = sliced_areas(rows(data), BINARY)
    assert found is not None
    for key, areas in zip([None, "a", "b"], found, strict=True):
        chosen = data["side"] == key if key else np.ones(300, dtype=bool)
        wanted = delong(data["label"][chosen], [data["new"][chosen], data["old"][chosen]])
        np.testing.assert_allclose(areas.values, wanted.values, rtol=1e-12)
        np.testing.assert_allclose(areas.covariance, wanted.covariance, rtol=1e-9)
        assert areas.smaller_class == min(np.bincount(data["label"][chosen]))


def test_where_there_is_no_closed_form_there_are_no_areas() -> None:
    data = table()
    assert sliced_areas(rows(data, weight="weight"), BINARY) is None
    assert sliced_areas(rows(data | {"label": data["label"] * 0.5}), BINARY) is None
    classes = np.stack([1 - data["new"], data["new"]], axis=1)
    several = rows(data | {"new": list(classes), "old": list(classes)})
    assert sliced_areas(several, View()) is None
    assert sliced_areas(several, View(class_id=1)) is not None


def test_a_slice_of_one_class_has_no_area() -> None:
    data = table()
    data["label"] = np.where(data["side"] == "a", 0, data["label"])
    found = sliced_areas(rows(data), BINARY)
    assert found is not None
    assert np.isnan(found[1].values).all()
    assert np.isfinite(found[2].values).all()


def test_a_relative_difference_has_the_error_of_the_ratio() -> None:
    data = table(2000)
    areas = delong(data["label"], [data["new"], data["old"]])
    rng = np.random.default_rng(1)
    drawn = rng.multivariate_normal(areas.values, areas.covariance, 20_000)
    found = areas.relative_difference()
    assert found.value == pytest.approx(areas.values[0] / areas.values[1] - 1)
    assert found.standard_error == pytest.approx((drawn[:, 0] / drawn[:, 1]).std(), rel=0.02)


def test_rankings_vary_as_means_of_queries_do() -> None:
    rng = np.random.default_rng(3)
    queries, size = 400, 8
    gains = rng.integers(0, 3, queries * size).astype(float)
    of = np.repeat(np.arange(queries), size)
    one = QueryRows(of, gains + rng.normal(0, 2, len(gains)), gains, gains, np.ones(len(gains)))
    single = [
        ranking_value(ndcg(), QueryRows(of[:size] * 0, *(getattr(one, name)[place : place + size]
                                                        for name in ("predictions", "labels", "gains", "weights"))))
        for place in range(0, queries * size, size)
    ]  # fmt: skip
    values = np.array(single)
    values = values[np.isfinite(values)]
    changes = replicated_ranking(ndcg(), one, 2000, seed=0)
    assert changes.std() == pytest.approx(values.std() / np.sqrt(len(values)), rel=0.1)
    assert abs(changes.mean()) < changes.std() / 10
    np.testing.assert_array_equal(changes[:64], replicated_ranking(ndcg(), one, 64, seed=0))
    nothing = QueryRows(of[:0], *(np.zeros(0) for _ in range(4)))
    assert np.isnan(replicated_ranking(ndcg(), nothing, 10, seed=0)).all()
