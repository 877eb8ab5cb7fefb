"""`assay.skew` and `assay.leakage` on whatever data is at hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from assay.api.skew import leakage, skew
from assay.api.statistics import statistics
from raising import raises

TRAIN = pa.table({"id": [1, 2, 3], "city": ["a", "b", "c"]})
SERVED = pa.table({"id": [3, 2, 9], "city": ["c", "B", "a"]})


def test_data_of_different_kinds_is_joined(tmp_path: Path) -> None:
    pq.write_table(TRAIN, tmp_path / "train.parquet")
    report = skew(tmp_path / "train.parquet", SERVED.to_pandas(), join_on="id", confusion=["city"])
    assert [(each.feature_name, each.diff_count) for each in report.skewed] == [("city", 1)]
    assert (report.pairs[0].test["city"], report.pairs[0].base["city"]) == ("B", "b")
    assert report.match_stats.ids_missing_in_base_count == 1


def test_rows_that_data_sets_share() -> None:
    (pair,) = leakage({"train": TRAIN, "served": pd.DataFrame({"id": [3, 4], "city": ["c", "d"]})})
    assert (pair.splits, pair.num_shared, pair.samples[0].first) == (
        ("train", "served"),
        (1, 1),
        (2, 0),
    )
    (by_id,) = leakage({"train": TRAIN, "served": SERVED}, by=["id"])
    assert by_id.num_distinct == 2


def test_statistics_have_no_rows() -> None:
    with raises("rows.statistics"):
        skew(TRAIN, statistics(TRAIN), join_on="id")
    with raises("rows.statistics"):
        leakage({"train": TRAIN, "eval": statistics(TRAIN)})


def test_decimals_are_compared_in_all_of_their_digits() -> None:
    """Rules for rows read them as doubles, which cannot tell the first two apart; a scale is no difference."""
    one = ["12345678901234567890.1", "0.50", "1.00"]
    other = ["12345678901234567890.2", "0.5", "1"]
    kinds = (pa.decimal128(30, 2), pa.decimal256(50, 1))
    columns = [pa.array(map(Decimal, each), kind) for each, kind in zip((one, other), kinds, strict=True)]
    serving, training = (pa.table({"id": [1, 2, 3], "price": column}) for column in columns)
    (price,) = skew(training, serving, join_on="id").features
    assert (price.match_count, price.diff_count) == (2, 1)
