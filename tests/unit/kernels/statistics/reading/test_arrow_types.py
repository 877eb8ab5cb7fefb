from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.kernels.arrow_types import FeatureType, plain
from assay.kernels.statistics import DatasetStatistics
from assay.schema.inference import infer_schema
from assay.validation.examination import validate_statistics
from raising import raises

_DAY = 86_400


def _feature(*parts: pa.Array) -> statistics_pb2.FeatureNameStatistics:
    accumulator = DatasetStatistics()
    states = [accumulator.add_batch(accumulator.create(), pa.RecordBatch.from_arrays([part], ["x"])) for part in parts]
    for state in states:
        accumulator.extract(state)
    return accumulator.extract(accumulator.merge(states)).datasets[0].features[0]


def _notes(feature: statistics_pb2.FeatureNameStatistics) -> dict[str, str]:
    return {custom.name: custom.str for custom in feature.custom_stats}


@pytest.mark.parametrize(
    ("type_", "value", "first", "domain"),
    [
        (pa.timestamp("s"), _DAY, "1970-01-02T00:00:00", "time_domain {integer_format: 1}"),
        (pa.timestamp("ms", "Europe/Berlin"), 1, "1970-01-01T00:00:00.001Z", "time_domain {integer_format: 2}"),
        (pa.timestamp("us"), -1, "1969-12-31T23:59:59.999999", "time_domain {integer_format: 3}"),
        (pa.timestamp("ns"), 2**60 + 1, "2006-07-14T23:58:24.606846977", "time_domain {integer_format: 4}"),
        (pa.date32(), 3, "1970-01-04", "time_domain {integer_format: 5}"),
        (pa.date64(), _DAY * 1000, "1970-01-02T00:00:00.000", "time_domain {integer_format: 2}"),
        (pa.time32("s"), 61, "00:01:01", None),
        (pa.time64("us"), 1, "00:00:00.000001", None),
        (pa.duration("ms"), 1500, "PT1.5S", None),
        (pa.duration("s"), 10, "PT10S", None),
    ],
)
def test_times_are_integers_of_their_unit_with_text_besides(
    type_: pa.DataType, value: int, first: str, domain: str | None
) -> None:
    later = value + (_DAY * 1000 if pa.types.is_date64(type_) else 5)
    feature = _feature(pa.array([later, None], type_), pa.array([value], type_), pa.nulls(1, type_))
    assert feature.type == FeatureType.INT
    assert (feature.num_stats.min, feature.num_stats.max) == (float(value), float(later))
    assert feature.num_stats.common_stats.num_missing == 2
    notes = _notes(feature)
    assert (notes["arrow_type"], notes["min"], notes.get("domain_info")) == (str(type_), first, domain)


@pytest.mark.parametrize(("type_", "unit"), [(pa.timestamp("us", "UTC"), 3), (pa.date32(), 5)])
def test_a_time_domain_is_inferred_that_the_same_data_then_fits(type_: pa.DataType, unit: int) -> None:
    feature = _feature(pa.array([1, 2], type_))
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=2, features=[feature])
    statistics = statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])
    schema = infer_schema(statistics)
    assert schema.feature[0].type == schema_pb2.INT
    assert schema.feature[0].time_domain.integer_format == unit
    assert not validate_statistics(statistics, schema).anomaly_info


def test_decimals_are_numbers() -> None:
    feature = _feature(pa.array([Decimal("1.25"), None, Decimal("2.75")], pa.decimal128(10, 2)))
    assert (feature.type, feature.num_stats.mean) == (FeatureType.FLOAT, 2.0)
    assert _notes(feature) == {"arrow_type": "decimal128(10, 2)"}


def test_whole_decimals_that_fit_are_integers() -> None:
    assert _feature(pa.array([Decimal(5)], pa.decimal128(18, 0))).type == FeatureType.INT
    assert _feature(pa.array([Decimal(5)], pa.decimal128(19, 0))).type == FeatureType.FLOAT


def test_booleans_are_integers_as_in_tfdv() -> None:
    feature = _feature(pa.array([True, False, None, True]))
    assert (feature.type, feature.num_stats.num_zeros, feature.num_stats.max) == (FeatureType.INT, 1, 1.0)


def test_dictionaries_are_their_values() -> None:
    feature = _feature(pa.array(["a", "b", "a", None]).dictionary_encode())
    assert feature.string_stats.unique == 2
    assert feature == _feature(pa.array(["a", "b", "a", None]))
    nested = plain(pa.array([["a"], ["b", "b"]]).flatten().dictionary_encode())
    assert nested == pa.array(["a", "b", "b"])


def test_what_cannot_be_summarised_is_said() -> None:
    feature = _feature(pa.array([None, (1, 2, 3)], pa.month_day_nano_interval()))
    assert feature.type == FeatureType.BYTES
    assert feature.bytes_stats.common_stats.num_missing == 1
    assert _notes(feature) == {
        "arrow_type": "month_day_nano_interval",
        "not_summarised": "Only presence and valency are known of this type.",
    }


def test_lists_of_times_count_values() -> None:
    feature = _feature(pa.array([[1, 2], [], None], pa.list_(pa.timestamp("s"))))
    assert feature.num_stats.common_stats.max_num_values == 2
    assert _notes(feature)["max"] == "1970-01-01T00:00:02"


def test_times_of_other_units_do_not_fit_together() -> None:
    with raises("statistics.mixed_types", "x", "timestamp[s]", "timestamp[ms]"):
        _feature(pa.array([1], pa.timestamp("s")), pa.array([1], pa.timestamp("ms")))
