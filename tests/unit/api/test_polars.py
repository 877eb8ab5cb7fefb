"""A polars data frame, eager or lazy, is data like any other."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import assay


@pytest.fixture
def frame() -> pl.DataFrame:
    return pl.DataFrame({
        "n": [1, 2, None],
        "word": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
        "day": [date(2024, 1, 1)] * 3,
        "list": [[1.5], [2.0, 3.0], []],
        "struct": [{"inner": 1}] * 3,
    })  # fmt: skip


def test_statistics_of_every_kind_of_column(frame: pl.DataFrame) -> None:
    found = {feature.feature: feature for feature in assay.statistics(frame).features}
    assert {name: (feature.type, feature.present) for name, feature in found.items()} == {
        "n": ("INT", 2),
        "word": ("STRING", 3),
        "day": ("INT", 3),
        "list": ("FLOAT", 3),
        "struct": ("STRUCT", 3),
        "struct.inner": ("INT", 3),
    }
    assert (found["word"].unique, found["word"].top) == (2, "x")
    assert found["list"].max == 3.0


def test_a_lazy_frame_is_collected(frame: pl.DataFrame) -> None:
    assert assay.statistics(frame.lazy()).proto == assay.statistics(frame).proto


def test_a_schema_fits_the_frame_that_it_comes_from(frame: pl.DataFrame) -> None:
    assert assay.validate(frame, assay.infer_schema(frame)).ok
