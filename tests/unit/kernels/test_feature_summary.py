"""A feature in a line, whatever its cells hold."""

from __future__ import annotations

from datetime import date, time, timedelta

import pyarrow as pa
import pytest

from assay.kernels.feature_summary import FeatureSummary, summarise
from assay.kernels.statistics import DatasetStatistics


def test_a_long_value_is_shown_by_its_beginning() -> None:
    feature = FeatureSummary(
        feature="note", type="STRING", present=1, missing=0.0, unique=1, top="x" * 3_000_000, top_count=1
    )
    assert str(feature).endswith("most frequent 'xxx" + "x" * 57 + "… (3,000,000 characters)' (1)")
    assert feature.as_dict()["top"] == "x" * 3_000_000


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        (
            [1704153600_000_000_000, 1704067200_000_000_000],
            pa.timestamp("ns"),
            "2024-01-01T00:00:00 to 2024-01-02T00:00",
        ),
        ([1704067200_500], pa.timestamp("ms", "UTC"), "2024-01-01T00:00:00.500Z to 2024-01-01T00:00:00.500Z"),
        ([date(2024, 1, 1), date(2023, 1, 1)], pa.date32(), "2023-01-01 to 2024-01-01"),
        ([time(12), time(13)], pa.time64("us"), "12:00:00 to 13:00:00"),
        ([timedelta(seconds=1), timedelta(seconds=2)], pa.duration("s"), "PT1S to PT2S"),
    ],
)
def test_times_are_shown_as_times(values: list[object], kind: pa.DataType, said: str) -> None:
    accumulator = DatasetStatistics()
    batch = pa.record_batch([pa.array(values, kind)], ["when"])
    statistics = accumulator.extract(accumulator.add_batch(accumulator.create(), batch))
    [feature] = summarise(statistics.datasets[0])
    assert f"from {said}" in str(feature)
