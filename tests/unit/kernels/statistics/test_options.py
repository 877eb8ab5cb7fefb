from __future__ import annotations

from typing import Any

import pytest

from assay.kernels.statistics.options import StatisticsOptions, exact_bytes_per_feature
from raising import raises


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"num_histogram_buckets": 0}, ("statistics.option", "num_histogram_buckets", "1", "0")),
        ({"num_values_histogram_buckets": -1}, ("statistics.option", "num_values_histogram_buckets", "1")),
        ({"num_top_values": -1}, ("statistics.option", "num_top_values")),
        ({"epsilon": 0.0}, ("statistics.option", "0", "1")),
        ({"epsilon": 1.0}, ("statistics.option", "0", "1")),
    ],
)
def test_options_without_a_meaning_are_refused(options: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        StatisticsOptions(**options)


def test_the_memory_for_distinct_values_is_shared_between_limits() -> None:
    options = StatisticsOptions(max_exact_bytes=256 << 20)
    assert exact_bytes_per_feature(options, 0) == 8 << 20
    assert exact_bytes_per_feature(options, 18) == 8 << 20
    assert exact_bytes_per_feature(options, 256) == 1 << 20
    assert exact_bytes_per_feature(options, 1_000_000) == 256 << 10
    assert exact_bytes_per_feature(StatisticsOptions(max_exact_bytes=10), 5) == 10
