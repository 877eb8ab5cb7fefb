"""`assay.feature_skew` and `assay.shared_rows` on whatever data is at hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.api.skew import feature_skew, shared_rows
from assay.api.statistics import statistics
from assay.errors import UsageError

TRAIN = pa.table({"id": [1, 2, 3], "city": ["a", "b", "c"]})
SERVED = pa.table({"id": [3, 2, 9], "city": ["c", "B", "a"]})


def test_data_of_different_kinds_is_joined(tmp_path: Path) -> None:
    pq.write_table(TRAIN, tmp_path / "train.parquet")
    report = feature_skew(SERVED.to_pandas(), tmp_path / "train.parquet", join_on="id", confusion=["city"])
    assert [(each.feature_name, each.diff_count) for each in report.skewed] == [("city", 1)]
    assert (report.pairs[0].test["city"], report.pairs[0].base["city"]) == ("B", "b")
    assert report.match_stats.ids_missing_in_base_count == 1


def test_rows_that_data_sets_share() -> None:
    (pair,) = shared_rows({"train": TRAIN, "served": pd.DataFrame({"id": [3, 4], "city": ["c", "d"]})})
    assert (pair.splits, pair.num_shared, pair.samples[0].first) == (
        ("train", "served"),
        (1, 1),
        (2, 0),
    )
    (by_id,) = shared_rows({"train": TRAIN, "served": SERVED}, by=["id"])
    assert by_id.num_distinct == 2


def test_statistics_have_no_rows() -> None:
    with pytest.raises(UsageError, match="which have no rows"):
        feature_skew(statistics(TRAIN), TRAIN, join_on="id")
    with pytest.raises(UsageError, match="which have no rows"):
        shared_rows({"train": TRAIN, "eval": statistics(TRAIN)})
