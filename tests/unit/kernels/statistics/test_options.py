from __future__ import annotations

from typing import Any

import pytest

from assay.errors import UsageError
from assay.kernels.statistics.options import StatisticsOptions, exact_bytes_per_feature


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_histogram_buckets": 0}, "num_histogram_buckets must be at least 1, not 0"),
        ({"num_values_histogram_buckets": -1}, "num_values_histogram_buckets must be at least 1"),
        ({"num_top_values": -1}, "num_top_values must not be negative"),
        ({"epsilon": 0.0}, "epsilon must lie between 0 and 1"),
        ({"epsilon": 1.0}, "epsilon must lie between 0 and 1"),
    ],
)
def test_options_without_a_meaning_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        StatisticsOptions(**options)


def test_the_memory_for_distinct_values_is_shared_between_limits() -> None:
    options = StatisticsOptions(max_exact_bytes=256 << 20)
    assert exact_bytes_per_feature(options, 0) == 8 << 20
    assert exact_bytes_per_feature(options, 18) == 8 << 20
    assert exact_bytes_per_feature(options, 256) == 1 << 20
    assert exact_bytes_per_feature(options, 1_000_000) == 256 << 10
    assert exact_bytes_per_feature(StatisticsOptions(max_exact_bytes=10), 5) == 10
