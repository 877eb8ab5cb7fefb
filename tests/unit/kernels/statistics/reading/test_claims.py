from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.arrow_types import FeatureType
from assay.kernels.statistics.columns import SchemaClaims, schema_claims


def _claims(feature: str) -> SchemaClaims:
    return schema_claims(text_format.Parse(f'feature {{ name: "x" {feature} }}', schema_pb2.Schema()))


def test_no_schema_claims_nothing() -> None:
    assert schema_claims(None) == SchemaClaims()


def test_an_image_domain_makes_opaque_bytes() -> None:
    assert _claims("type: BYTES image_domain {}").is_bytes(("x",))
    assert not _claims("type: BYTES").is_bytes(("x",))


@pytest.mark.parametrize(
    ("feature", "type_", "categorical"),
    [
        ("type: INT int_domain { is_categorical: true }", FeatureType.INT, True),
        ("type: INT int_domain { is_categorical: true }", FeatureType.FLOAT, False),
        ("type: INT int_domain { min: 1 }", FeatureType.INT, False),
        ("type: INT bool_domain {}", FeatureType.INT, True),
        ("type: INT", FeatureType.INT, False),
        ("type: FLOAT float_domain { is_categorical: true }", FeatureType.FLOAT, True),
        ("type: FLOAT float_domain { min: 1 }", FeatureType.FLOAT, False),
    ],
)
def test_numbers_are_categories_where_their_domain_says_so(feature: str, type_: int, categorical: bool) -> None:
    assert _claims(feature).is_categorical(("x",), type_) is categorical


def test_fields_of_structs_are_found_by_their_path() -> None:
    claims = _claims("type: STRUCT struct_domain { feature { name: 'y' type: BYTES image_domain {} } }")
    assert claims.is_bytes(("x", "y"))
    assert not claims.is_bytes(("y",))
