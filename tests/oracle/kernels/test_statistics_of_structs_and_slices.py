"""Structs and slices against TFDV's."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics import DatasetStatistics, SlicingSpec, StatisticsOptions
from assay.kernels.statistics.slices.keys import Slicer, slice_name

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

_INTS, _TEXTS, _BYTES, _FLOATS = (pa.list_(type_) for type_ in (pa.int64(), pa.string(), pa.binary(), pa.float32()))

_STRUCTS = pa.RecordBatch.from_arrays(
    [
        pa.array([[1], [2], [3], [4], [5]], _INTS),
        pa.array(
            [
                [{"a": [1, 2], "b": [{"c": ["x"]}]}, {"a": None, "b": [{"c": None}, {"c": ["y", "z"]}]}],
                None,
                [],
                [{"a": [3], "b": None}],
                [{"a": [], "b": []}],
            ],
            pa.list_(pa.struct([("a", _INTS), ("b", pa.list_(pa.struct([("c", _TEXTS)])))])),
        ),
        pa.array([{"p": [1.5]}, None, {"p": None}, {"p": [2.5, 3.5]}, {"p": []}], pa.struct([("p", _FLOATS)])),
    ],
    ["weight", "structs", "struct"],
)


def _sorted(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> statistics_pb2.DatasetFeatureStatistics:
    dataset: statistics_pb2.DatasetFeatureStatistics = statistics.datasets[0]
    features = sorted(dataset.features, key=lambda feature: list(feature.path.step))
    del dataset.features[:]
    dataset.features.extend(features)
    return dataset


@pytest.mark.parametrize("weight", [None, "weight"])
def test_structs_and_their_fields(differences: Any, weight: str | None) -> None:
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl

    theirs = stats_impl.generate_statistics_in_memory(_STRUCTS, tfdv.StatsOptions(weight_feature=weight))
    accumulator = DatasetStatistics(StatisticsOptions(weight_feature=weight))
    states = [accumulator.add_batch(accumulator.create(), _STRUCTS.slice(row, 1)) for row in range(5)]
    for state in states:
        accumulator.extract(state)
    ours = accumulator.extract(accumulator.merge(states))
    assert differences(_sorted(ours), _sorted(theirs)) == []


_ROWS = pa.RecordBatch.from_arrays(
    [
        pa.array([[1], [2], None, [1, 2, 2], [3]], _INTS),
        pa.array([["a"], ["b"], ["a", "b"], None, ["ü"]], _TEXTS),
        pa.array([[0.1], [1.0], [float("nan")], None, [1e30]], _FLOATS),
        pa.array([[b"a"], [b"b"], [b"a", b"b"], None, [b"c"]], _BYTES),
    ],
    ["int", "text", "float", "bytes"],
)


def _as_float32(name: str) -> str:
    return re.sub(r"(?<=float_)[0-9.e+]+", lambda found: str(np.float32(found[0])), name)


@pytest.mark.parametrize(
    "features",
    [
        {"int": None},
        {"text": None},
        {"bytes": None},
        {"float": None},
        {"int": None, "text": None, "float": None},
        {"text": ["a", "b", "nowhere"]},
        {"int": ["1", 2]},
        {"text": ["a"], "int": None},
    ],
)
def test_the_same_rows_in_slices_of_the_same_names(features: dict[str, list[str | int] | None]) -> None:
    from tensorflow_data_validation.utils import slicing_util

    found = slicing_util.get_feature_value_slicer(dict(features))(_ROWS)
    # On purpose: TFDV names a float32 by the double that is nearest to it, we by its shortest decimal.
    theirs = {_as_float32(name): rows.to_pydict() for name, rows in found}
    spec = SlicingSpec(
        feature_keys=tuple(name for name, values in features.items() if values is None),
        feature_values={name: tuple(values) for name, values in features.items() if values is not None},
    )
    ours = {slice_name(key): rows.to_pydict() for key, rows in Slicer([spec], None).slices(_ROWS)}
    assert repr(sorted(ours.items())) == repr(sorted(theirs.items()))


def test_values_of_bytes_are_found_by_their_text() -> None:
    from tensorflow_data_validation.utils import slicing_util

    # On purpose: TFDV compares text with bytes, which is what it reads from CSV, and finds none.
    assert list(slicing_util.get_feature_value_slicer({"bytes": ["a"]})(_ROWS)) == []
    spec = SlicingSpec(feature_values={"bytes": ("a",)})
    assert [slice_name(key) for key, _ in Slicer([spec], None).slices(_ROWS)] == ["bytes_a"]


def test_a_slice_asked_for_twice_is_not_counted_twice() -> None:
    from tensorflow_data_validation.utils import slicing_util

    twice = [slicing_util.get_feature_value_slicer({"int": values}) for values in (None, [3])]
    names = [name for name, _ in slicing_util.generate_slices(_ROWS, twice)]
    # On purpose: TFDV adds up both, so that the slice has more rows than there are.
    assert names.count("int_3") == 2
    specs = [SlicingSpec(feature_keys=("int",)), SlicingSpec(feature_values={"int": (3,)})]
    assert [slice_name(key) for key, _ in Slicer(specs, None).slices(_ROWS)].count("int_3") == 1


@pytest.mark.network
def test_taxi_slices(taxi_trips: pa.Table, taxi_csv: Any, differences: Any) -> None:
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.utils import slicing_util

    theirs = tfdv.generate_statistics_from_csv(
        str(taxi_csv),
        stats_options=tfdv.StatsOptions(
            experimental_slice_functions=[slicing_util.get_feature_value_slicer({"trip_start_hour": [3, 4]})],
            feature_allowlist=["fare", "payment_type", "trip_start_hour"],
        ),
    )
    options = StatisticsOptions(
        slices=(SlicingSpec(feature_values={"trip_start_hour": (3, 4)}),),
        feature_allowlist=("fare", "payment_type", "trip_start_hour"),
    )
    accumulator = DatasetStatistics(options)
    batches = taxi_trips.to_batches(max_chunksize=3000)
    ours = accumulator.extract(
        accumulator.merge([accumulator.add_batch(accumulator.create(), batch) for batch in batches])
    )
    expected = {dataset.name: dataset for dataset in theirs.datasets}
    assert [dataset.name for dataset in ours.datasets] == sorted(expected)
    for dataset in ours.datasets:
        other = expected[dataset.name]
        by_name = {feature.path.step[0]: feature for feature in other.features}
        del other.features[:]
        other.features.extend(by_name[feature.path.step[0]] for feature in dataset.features)
        assert differences(dataset, other) == []
