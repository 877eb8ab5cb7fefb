from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay.api.merging import merge_statistics
from assay.api.statistics import statistics_of
from assay.kernels.statistics import StatisticsOptions
from assay.kernels.statistics.merging import estimated_features
from raising import raises


def _state(**columns: list[object]) -> assay.Statistics:
    return assay.statistics(pa.table(columns), mergeable=True)


def test_a_state_file_is_read_again_with_its_statistics(tmp_path: Path) -> None:
    found = _state(x=[1, 2, 2])
    found.save(tmp_path / "one.state")
    again = statistics_of(tmp_path / "one.state")
    assert again == found
    assert merge_statistics([again, again]).num_examples == 6


def test_a_finished_proto_has_no_state(tmp_path: Path) -> None:
    finished = assay.statistics(pa.table({"x": [1]}))
    with raises("statistics.no_state"):
        finished.save(tmp_path / "one.state")
    with raises("stats.merge_kinds", "1", "2"):
        merge_statistics([finished, _state(x=[1])])
    with raises("stats.merge"):
        merge_statistics([])


def test_a_damaged_state_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "one.state"
    path.write_bytes(b"something else")
    with raises("statistics.not_mergeable"):
        statistics_of(path)


@pytest.mark.parametrize("whole", [[1, 2], [2**53 - 1, -5]])
def test_whole_numbers_merge_with_fractions(whole: list[object]) -> None:
    merged = merge_statistics([_state(x=whole), _state(x=[0.5])])
    assert [(each.type, each.present) for each in merged.features] == [("FLOAT", 3)]


def test_whole_numbers_that_a_float_would_round_do_not_merge_with_fractions() -> None:
    with raises("statistics.mixed_types", "x", "FLOAT"):
        merge_statistics([_state(x=[2**53 + 1]), _state(x=[0.5])])


def test_numbers_and_text_do_not_merge() -> None:
    with raises("statistics.mixed_types", "x"):
        merge_statistics([_state(x=[1]), _state(x=["a"])])


def test_the_label_keeps_its_type() -> None:
    options = StatisticsOptions(label_feature="y")
    parts = [
        assay.statistics(pa.table({"x": ["a", "b"], "y": y}), options=options, mergeable=True)
        for y in ([0, 1], [None, None])
    ]
    assert merge_statistics(parts).num_examples == 4


def test_what_is_estimated_is_told() -> None:
    rng = np.random.default_rng(0)
    table = pa.table({"few": [1] * 5000, "many": rng.random(5000), "words": rng.random(5000).astype(str)})
    options = StatisticsOptions(max_exact_bytes=30_000)
    parts = [assay.statistics(table, options=options, mergeable=True) for _ in range(2)]
    merged = merge_statistics(parts)
    assert merged.state is not None
    assert estimated_features(merged.state) == ["many", "words"]
    whole = assay.statistics(pa.concat_tables([table, table]), options=options)
    for ours, theirs in zip(merged.features, whole.features, strict=True):
        assert (ours.present, ours.min, ours.max) == (theirs.present, theirs.min, theirs.max)
        assert ours.unique == theirs.unique  # the sketch of distinct values merges without a difference
