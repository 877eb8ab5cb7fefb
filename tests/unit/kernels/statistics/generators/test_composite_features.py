from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import UsageError
from assay.kernels.statistics.generators.composite_features import composites


def test_a_sparse_feature_in_a_struct_is_refused() -> None:
    text = "feature { name: 's' type: STRUCT struct_domain { sparse_feature { name: 'x' } } }"
    with pytest.raises(UsageError, match="do not cover sparse features inside structs"):
        composites(text_format.Parse(text, schema_pb2.Schema()))


def test_no_schema_composes_nothing() -> None:
    assert composites(None) == ()
