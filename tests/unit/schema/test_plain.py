from __future__ import annotations

import math
from typing import Any

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import UsageError
from assay.schema.proto_dict import assign, shortest_float, to_plain


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
    ("plain", "message"),
    [
        ({"typ": "INT"}, r"feature: Feature has no field 'typ'. Did you mean 'type'\?"),
        ({"type": "INTEGER"}, r"feature.type: 'INTEGER' is no FeatureType. Did you mean 'INT'\?"),
        ({"presence": 1}, "feature.presence: expected a mapping of field names to values, got 1"),
        ({"presence": {"min_count": True}}, "feature.presence.min_count: expected a whole number, got True"),
        ({"presence": {"min_count": 1 << 63}}, "expected a number from .*, got 9223372036854775808"),
        ({"presence": {"min_fraction": "half"}}, "feature.presence.min_fraction: expected a number, got 'half'"),
        ({"float_domain": {"min": 1e39}}, "expected a number that fits 32-bit floats"),
        ({"in_environment": "A"}, "feature.in_environment: expected a list, got 'A'"),
        ({"in_environment": [True]}, r"feature.in_environment\[0\]: expected text \(in quotes"),
        ({"annotation": {"extra_metadata": [{"value": "?"}]}}, r"extra_metadata\[0\].value: expected bytes in base64"),
        ({"int_domain": {"is_categorical": 1}}, "expected true or false, got 1"),
    ],
)
def test_a_value_of_another_kind_is_refused_where_it_stands(plain: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        feature(**plain)
