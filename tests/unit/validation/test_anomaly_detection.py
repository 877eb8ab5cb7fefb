from __future__ import annotations

from typing import Any

import pytest
from anomaly_cases import CASES, statistics_of, types_in
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay.validation.anomaly_detection import find_anomalies

Kind = statistics_pb2.FeatureNameStatistics
_COUNTS = "common_stats { num_non_missing: 10 min_num_values: 1 max_num_values: 1 tot_num_values: 10 }"


def _schema(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def _dataset(text: str) -> statistics_pb2.DatasetFeatureStatistics:
    return text_format.Parse(f"num_examples: 10 {text}", statistics_pb2.DatasetFeatureStatistics())


def _numbers(name: str, more: str = "", kind: str = "INT") -> str:
    return f'features {{ path {{ step: "{name}" }} type: {kind} num_stats {{ {_COUNTS} {more} }} }}'


def _reasons(anomalies: anomalies_pb2.Anomalies) -> dict[str, list[str]]:
    name = anomalies_pb2.AnomalyInfo.Type.Name
    return {path: [name(reason.type) for reason in info.reason] for path, info in anomalies.anomaly_info.items()}


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind != "MULTIPLE_REASONS"])
def test_each_type_is_found_where_data_has_it(kind: str) -> None:
    case = CASES[kind]
    schema = _schema(case.schema)
    now = statistics_of(case.data, schema if case.with_schema else None).proto.datasets[0]
    before = None if case.previous is None else statistics_of(case.previous, None).proto.datasets[0]
    assert kind in types_in(find_anomalies(now, schema, previous_span=before))


def test_several_reasons_make_one_title_and_one_description() -> None:
    schema = _schema('feature { name: "x" type: INT presence { min_count: 99 } int_domain { max: 1 } }')
    info = find_anomalies(_dataset(_numbers("x", "max: 2")), schema).anomaly_info["x"]
    assert info.short_description == "Multiple errors"
    assert info.description == " ".join(reason.description for reason in info.reason)
    assert len(info.reason) == 2


def test_the_schema_stays_as_it_is() -> None:
    schema = _schema('feature { name: "s" type: BYTES domain: "d" } string_domain { name: "d" value: "a" }')
    before = schema_pb2.Schema()
    before.CopyFrom(schema)
    strings = f'rank_histogram {{ buckets {{ label: "b" sample_count: 10 }} }} {_COUNTS}'
    features = (f'features {{ path {{ step: "{name}" }} type: STRING string_stats {{ {strings} }} }}' for name in "st")
    assert set(find_anomalies(_dataset(" ".join(features)), schema).anomaly_info) == {"s", "t"}
    assert schema == before


def test_a_new_struct_and_its_fields_are_one_anomaly() -> None:
    struct = 'features { path { step: "s" } type: STRUCT struct_stats {} }'
    inner = 'features { path { step: "s" step: "x" } type: INT num_stats {} }'
    anomalies = find_anomalies(_dataset(struct + inner), _schema(""))
    assert _reasons(anomalies) == {"s": ["SCHEMA_NEW_COLUMN"]}


def test_an_unknown_severity_silences_an_anomaly_of_a_known_feature() -> None:
    schema, dataset = _schema('feature { name: "x" type: FLOAT }'), _dataset(_numbers("x"))
    assert set(find_anomalies(dataset, schema).anomaly_info) == {"x"}
    info = anomalies_pb2.AnomalyInfo
    assert not find_anomalies(dataset, schema, severities={info.UNEXPECTED_DATA_TYPE: info.UNKNOWN}).anomaly_info


def test_data_without_examples_is_missing() -> None:
    anomalies = find_anomalies(statistics_pb2.DatasetFeatureStatistics(), _schema('feature { name: "x" type: INT }'))
    assert anomalies.data_missing
    assert not anomalies.anomaly_info


# What TFDV's core aborts its process on.
@pytest.mark.parametrize(
    ("schema", "dataset", "expected"),
    [
        ("", 'features { path { step: "s" step: "x" } type: INT num_stats {} }', {"s.x": ["SCHEMA_NEW_COLUMN"]}),
        (
            'feature { name: "x" type: FLOAT float_domain { max: 1 } }',
            f'features {{ path {{ step: "x" }} type: STRUCT struct_stats {{ {_COUNTS} }} }}',
            {"x": ["UNEXPECTED_DATA_TYPE"]},
        ),
        ("", 'features { path { step: "pair" } custom_stats { name: "missing_value" num: 3 } }', {}),
        (
            'feature { name: "x" type: INT presence { min_count: 1 } }',
            'features { path { step: "x" } custom_stats { name: "other" num: 3 } }',
            {"x": ["FEATURE_TYPE_NOT_PRESENT"]},
        ),
        (
            'feature { name: "x" type: INT int_domain { max: 5 } }',
            _numbers("x", "max: 1") + _numbers("x", "max: 9"),
            {"x": ["INT_TYPE_BIG_INT"]},
        ),
    ],
)
def test_hostile_statistics_are_validated(schema: str, dataset: str, expected: dict[str, list[str]]) -> None:
    assert _reasons(find_anomalies(_dataset(dataset), _schema(schema))) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "distance"),
    [
        ([(0, 1, 5)], [(1, 2, 5)], 1.0),
        ([(0, 1, 5)], [(0, 1, 9)], 0.0),
        ([(0, 1, 5), (2, 3, 5)], [(0, 1, 5), (1, 2, 0), (2, 3, 5)], 0.0),  # the same edges, and a bucket in between
        ([(0, 2, 5), (1, 3, 5)], [(0, 2, 5), (1, 3, 5)], 0.0),  # overlapping
        ([(0, 2, 6)], [(0, 1, 3), (1, 2, 3)], 0.0),
        ([(0, 0, 6)], [(0, 1, 3)], 1.0),
    ],
)
def test_histograms_are_compared_over_all_edges(
    ours: list[tuple[int, int, int]], theirs: list[tuple[int, int, int]], distance: float
) -> None:
    comparator = "drift_comparator { jensen_shannon_divergence { threshold: 0 } }"
    bucket = "buckets {{ low_value: {} high_value: {} sample_count: {} }}"
    now, before = (
        _dataset(_numbers("x", f"histograms {{ {' '.join(bucket.format(*each) for each in side)} }}", "FLOAT"))
        for side in (ours, theirs)
    )
    anomalies = find_anomalies(now, _schema(f'feature {{ name: "x" type: FLOAT {comparator} }}'), previous_span=before)
    (measured,) = anomalies.drift_skew_info[0].drift_measurements
    assert measured.value == pytest.approx(distance, abs=1e-12)
    assert _reasons(anomalies) == ({"x": ["COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"]} if distance else {})


def test_the_largest_difference_names_the_last_of_equal_values() -> None:
    strings: Any = 'features {{ path {{ step: "x" }} type: STRING string_stats {{ rank_histogram {{ {} }} {} }} }}'
    bucket = 'buckets {{ label: "{}" sample_count: {} }}'
    now = _dataset(strings.format("".join(bucket.format(each, 5) for each in "ba"), _COUNTS))
    before = _dataset(strings.format(bucket.format("c", 10), _COUNTS))
    schema = _schema(
        'feature { name: "x" type: BYTES drift_comparator { normalized_abs_difference { threshold: 0.1 } } }'
    )
    (reason,) = find_anomalies(now, schema, previous_span=before).anomaly_info["x"].reason
    assert reason.description.endswith(
        "is 0.5 (up to six significant digits), above the threshold 0.1. "
        "The feature value with maximum difference is: c"
    )
