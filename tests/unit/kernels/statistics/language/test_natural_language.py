from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from assay.kernels.statistics.merging import MergeableStatistics, merge_statistics

_OPTIONS = StatisticsOptions(enable_semantic_domain_stats=True)
_VOCABULARIES = {"small": ("a", "bb", "ccc", "[PAD]")}
_SCHEMA = text_format.Parse(
    """feature { name: "words" type: BYTES natural_language_domain { vocabulary: "small"
        coverage { oov_string_tokens: "?" excluded_string_tokens: "[PAD]" }
        token_constraints { string_value: "bb" } token_constraints { int_value: 2 }
        sequence_length_constraints { excluded_string_value: "[PAD]" excluded_int_value: 3 } } }
    feature { name: "plain" type: BYTES natural_language_domain {} }""",
    schema_pb2.Schema(),
)


def _language(dataset: statistics_pb2.DatasetFeatureStatistics, name: str = "words") -> Any:
    (feature,) = [each for each in dataset.features if list(each.path.step) == [name]]
    found = statistics_pb2.NaturalLanguageStatistics()
    for custom in feature.custom_stats:
        if custom.any.Unpack(found):
            return found
    return None


def _dataset(words: list[Any], **vocabularies: tuple[str, ...]) -> statistics_pb2.DatasetFeatureStatistics:
    accumulator = DatasetStatistics(_OPTIONS, _SCHEMA, vocabularies=vocabularies)
    batch = pa.RecordBatch.from_arrays([pa.array(words), pa.array(["x"] * len(words))], ["words", "plain"])
    return accumulator.extract(accumulator.add_batch(accumulator.create(), batch)).datasets[0]


def test_a_flat_column_has_sequences_of_one_token() -> None:
    found = _language(_dataset(["a", "?", None, "[PAD]"], **_VOCABULARIES))
    assert found.feature_coverage == pytest.approx(1 / 2)
    assert (found.min_sequence_length, found.max_sequence_length) == (-1, 1)  # excluded as text and as number 3


def test_tokens_that_are_not_utf8_have_no_place_in_the_vocabulary() -> None:
    found = _language(_dataset([[b"a", b"\xff"]], **_VOCABULARIES))
    assert [bucket.label for bucket in found.rank_histogram.buckets] == ["a", "__BYTES_VALUE__"]


def test_a_vocabulary_that_is_not_given_is_told() -> None:
    dataset = _dataset([["a"]])
    (feature,) = [each for each in dataset.features if list(each.path.step) == ["words"]]
    (custom,) = [each for each in feature.custom_stats if each.name == "nl_statistics_not_computed"]
    assert "'small' of the schema is not given" in custom.str


def test_a_domain_that_asks_for_nothing_gets_nothing() -> None:
    assert _language(_dataset([["a"]], **_VOCABULARIES), "plain") is None


_SEQUENCES = st.lists(st.none() | st.lists(st.sampled_from(["a", "bb", "ccc", "[PAD]", "?", "é"]), max_size=4))


@given(parts=st.lists(_SEQUENCES, min_size=2, max_size=3), data=st.data())
def test_any_split_and_any_order_give_the_same(parts: list[list[Any]], data: st.DataObject) -> None:
    accumulator = MergeableStatistics(_OPTIONS, _SCHEMA, _VOCABULARIES)

    def state(rows: list[Any]) -> bytes:
        column = pa.array(rows, pa.list_(pa.string()))
        batch = pa.RecordBatch.from_arrays([column], ["words"])
        return accumulator.extract(accumulator.add_batch(accumulator.create(), batch)).state

    whole = merge_statistics([state([row for part in parts for row in part])]).proto
    shuffled = data.draw(st.permutations(parts))
    assert merge_statistics([state(part) for part in shuffled]).proto == whole
