"""Schemas that are inferred and updated, against TFDV's core, field by field."""

from __future__ import annotations

import pytest
import tfdv_core
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from schema_pairs import SEEDS, Pair, examples
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.schema.statistics_view import StatisticsView
from assay.schema.widening import SchemaDraft

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@examples(400)
@given(SEEDS, st.sampled_from([100, 3, 0]), st.booleans())
def test_an_inferred_schema(seed: int, max_size: int, infer_shape: bool) -> None:
    dataset = Pair(seed).dataset
    described = [feature for feature in dataset.features if feature.WhichOneof("stats")]
    del dataset.features[:]  # the core aborts where there are custom statistics only
    dataset.features.extend(described)
    draft = SchemaDraft(schema_pb2.Schema(), max_string_domain_size=max_size, infer_feature_shape=infer_shape)
    draft.widen(StatisticsView(dataset))
    theirs = tfdv_core.infer_schema(dataset, max_size, infer_feature_shape=infer_shape)
    assert theirs is None or text_format.MessageToString(draft.schema) == text_format.MessageToString(theirs), dataset


@examples(400)
@given(SEEDS, st.sampled_from([100, 3]))
def test_an_updated_schema(seed: int, max_size: int) -> None:
    pair = Pair(seed)
    theirs = tfdv_core.update_schema(pair.schema, pair.dataset, max_size)
    draft = SchemaDraft(pair.schema, max_string_domain_size=max_size)
    draft.widen(StatisticsView(pair.dataset))
    assert theirs is None or text_format.MessageToString(draft.schema) == text_format.MessageToString(theirs), pair
