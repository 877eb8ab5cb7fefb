from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics import DatasetStatistics, SlicingSpec, StatisticsOptions
from raising import raises


class _Negative:
    """Counts negative fares."""

    def __init__(self, result: Any = None) -> None:
        self._result = result

    def create(self) -> int:
        return 0

    def add_batch(self, state: int, batch: pa.RecordBatch) -> int:
        return state + int(pc.sum(pc.less(batch["fare"], 0)).as_py() or 0)

    def merge(self, state: int, other: int) -> int:
        return state + other

    def extract(self, state: int) -> Any:
        return {"fare": {"num_negative": state}} if self._result is None else self._result


def _batch(*fares: float) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(fares, pa.float64())], ["fare"])


def _statistics(custom: _Negative, *batches: pa.RecordBatch, **options: Any) -> Any:
    accumulator = DatasetStatistics(StatisticsOptions(**options), custom=[custom])
    return accumulator.extract(
        accumulator.merge([accumulator.add_batch(accumulator.create(), batch) for batch in batches])
    ).datasets


def test_results_stand_with_the_feature() -> None:
    (dataset,) = _statistics(_Negative(), _batch(-1, 2), _batch(-3))
    assert [(custom.name, custom.num) for custom in dataset.features[0].custom_stats] == [("num_negative", 2.0)]


def test_slices_have_their_own() -> None:
    _, dear = _statistics(_Negative(), _batch(-1, 2), _batch(-30, 40), slices=(SlicingSpec(where="abs(fare) > 9"),))
    assert dear.features[0].custom_stats[0].num == 1.0


def test_results_are_numbers_text_or_protos() -> None:
    histogram = statistics_pb2.Histogram(num_nan=1)
    ranks = statistics_pb2.RankHistogram()
    other = statistics_pb2.StringStatistics(unique=3)
    results = {("fare", "child"): {"text": "x", "histogram": histogram, "ranks": ranks, "other": other}}
    (dataset,) = _statistics(_Negative(results), _batch(1))
    fare, child = dataset.features
    assert list(child.path.step) == ["fare", "child"]
    assert [custom.WhichOneof("val") for custom in child.custom_stats] == ["str", "histogram", "rank_histogram", "any"]
    assert not fare.custom_stats


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ([], ("statistics.custom", "_Negative")),
        ({"fare": {"x": None}}, ("statistics.custom", "x", "fare", "NoneType")),
    ],
)
def test_other_results_are_refused(result: Any, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        _statistics(_Negative(result), _batch(1))


def test_an_error_in_the_users_code_shows_where() -> None:
    with raises("statistics.custom", "_Negative", "add_batch", "KeyError") as caught:
        _statistics(_Negative(), pa.RecordBatch.from_arrays([pa.array([1])], ["other"]))
    assert 'batch["fare"]' in caught.value.user_traceback
    assert "custom.py" not in caught.value.user_traceback.splitlines()[1].replace("test_custom.py", "")
