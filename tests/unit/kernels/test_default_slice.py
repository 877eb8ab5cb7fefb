from __future__ import annotations

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.default_slice import default_dataset
from raising import raises


def _list(*names: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    for name in names:
        statistics.datasets.add(name=name)
    return statistics


@pytest.mark.parametrize(("names", "expected"), [(("train",), "train"), (("a", "All Examples"), "All Examples")])
def test_the_only_dataset_or_the_one_of_all_examples(names: tuple[str, ...], expected: str) -> None:
    assert default_dataset(_list(*names)).name == expected


@pytest.mark.parametrize(("names", "found"), [((), "none"), (("a", "b"), "'a', 'b'")])
def test_no_dataset_of_all_examples_is_an_error_that_lists_what_there_is(names: tuple[str, ...], found: str) -> None:
    with raises("statistics.no_default_slice", found):
        default_dataset(_list(*names))


def test_features_named_in_two_ways_are_an_error() -> None:
    statistics = _list("")
    statistics.datasets[0].features.add(name="a")
    statistics.datasets[0].features.add().path.step.append("b")
    with raises("statistics.mixed_feature_ids"):
        default_dataset(statistics)
