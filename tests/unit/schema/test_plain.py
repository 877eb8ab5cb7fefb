from __future__ import annotations

import math
from typing import Any

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import UsageError
from assay.schema.proto_dict import assign, shortest_float, to_plain
from raising import raises


def feature(**plain: Any) -> schema_pb2.Feature:
    made = schema_pb2.Feature()
    assign(made, plain, "feature")
    return made


@pytest.mark.parametrize(
    "plain",
    [
        {"name": "x", "type": "INT", "int_domain": {"min": -(1 << 63), "max": (1 << 63) - 1}},
        {"url_domain": {}},
        {"presence": {"min_fraction": 0.1, "min_count": 0}},
        {"float_domain": {"min": 0.1, "max": math.inf, "disallow_nan": False}},
        {"shape": {"dim": [{"size": 2}, {}]}},
        {"in_environment": ["A", "A"], "annotation": {"extra_metadata": [{"type_url": "t", "value": "AAE="}]}},
    ],
)
def test_plain_values_come_back_as_they_went(plain: dict[str, Any]) -> None:
    assert to_plain(feature(**plain)) == plain


def test_a_map_comes_back_as_it_went() -> None:
    plain: dict[str, Any] = {
        "tensor_representation_group": {"": {"tensor_representation": {"x": {"dense_tensor": {}}}}}
    }
    schema = schema_pb2.Schema()
    assign(schema, plain, "schema")
    assert to_plain(schema) == plain


def test_a_float_has_the_digits_that_a_person_wrote() -> None:
    assert shortest_float(feature(float_domain={"min": 0.1}).float_domain.min) == 0.1


def test_yaml_reads_some_numbers_as_text() -> None:
    assert feature(presence={"min_fraction": "1e-3"}).presence.min_fraction == 0.001


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ({"typ": "INT"}, ("schema.unknown_field", "typ", "type")),
        ({"type": "INTEGER"}, ("schema.unknown_name", "feature.type", "INTEGER", "FeatureType", "INT")),
        ({"presence": 1}, ("schema.value", "feature.presence", "1")),
        ({"presence": {"min_count": True}}, ("schema.value", "feature.presence.min_count")),
        ({"presence": {"min_count": 1 << 63}}, ("schema.value", "9223372036854775808")),
        ({"presence": {"min_fraction": "half"}}, ("schema.value", "feature.presence.min_fraction", "half")),
        ({"float_domain": {"min": 1e39}}, ("schema.value",)),
        ({"in_environment": "A"}, ("schema.value", "feature.in_environment", "A")),
        ({"in_environment": [True]}, ("schema.value", "feature.in_environment[0]")),
        ({"annotation": {"extra_metadata": [{"value": "?"}]}}, ("schema.value", "extra_metadata[0].value", "base64")),
        ({"int_domain": {"is_categorical": 1}}, ("schema.value", "1")),
    ],
)
def test_a_value_of_another_kind_is_refused_where_it_stands(plain: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=UsageError):
        feature(**plain)
