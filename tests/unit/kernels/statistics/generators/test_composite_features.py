from __future__ import annotations

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.statistics.generators.composite_features import composites
from raising import raises


def test_a_sparse_feature_in_a_struct_is_refused() -> None:
    text = "feature { name: 's' type: STRUCT struct_domain { sparse_feature { name: 'x' } } }"
    with raises("statistics.sparse_feature"):
        composites(text_format.Parse(text, schema_pb2.Schema()))


def test_no_schema_composes_nothing() -> None:
    assert composites(None) == ()
