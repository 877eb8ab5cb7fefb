from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.row_hash import row_hashes
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from assay.kernels.statistics.dataset import sampled
from raising import raises

_ROWS = pa.RecordBatch.from_arrays([pa.array(range(20_000)), pa.array(np.arange(20_000) % 7)], ["x", "y"])


def test_a_sample_has_about_its_share_of_rows() -> None:
    assert sampled(_ROWS, 0.1).mean() == pytest.approx(0.1, abs=0.01)
    assert sampled(_ROWS, 1.0).all()


def test_a_sample_depends_on_content_only() -> None:
    order = np.random.default_rng(0).permutation(_ROWS.num_rows)
    moved = pa.RecordBatch.from_arrays([column.take(pa.array(order)) for column in _ROWS.columns][::-1], ["y", "x"])
    assert (sampled(moved, 0.3) == sampled(_ROWS, 0.3)[order]).all()


def test_a_smaller_sample_is_part_of_a_larger() -> None:
    assert not (sampled(_ROWS, 0.1) & ~sampled(_ROWS, 0.2)).any()


def test_a_sample_of_a_split_is_a_fair_share_of_it() -> None:
    in_split = row_hashes(_ROWS) % np.uint64(3) == 0
    lower = row_hashes(_ROWS) < np.uint64(2**63)
    for part in (in_split, lower):
        assert sampled(_ROWS, 0.25)[part].mean() == pytest.approx(0.25, abs=0.02)


def test_statistics_are_of_the_sample() -> None:
    accumulator = DatasetStatistics(StatisticsOptions(sample_rate=0.25))
    states = [accumulator.add_batch(accumulator.create(), _ROWS.slice(n, 5000)) for n in range(0, 20_000, 5000)]
    (dataset,) = accumulator.extract(accumulator.merge(states)).datasets
    assert dataset.num_examples == sampled(_ROWS, 0.25).sum()


@pytest.mark.parametrize("rate", [0.0, 1.5, -1.0])
def test_other_shares_are_refused(rate: float) -> None:
    with raises("statistics.option", "sample_rate", "0", "1"):
        StatisticsOptions(sample_rate=rate)
