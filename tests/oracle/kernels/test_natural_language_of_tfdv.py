"""Statistics of tokens against TFDV's `NLStatsGenerator`, and what TFDV's validation makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

import assay
from assay.data.vocabulary import read_vocabularies
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

_WORDS = ["the", "fox", "jümps", "over", "a", "lazy", "dog", "[PAD]", "[UNK]"]
_DOMAIN = """natural_language_domain {
    %s
    coverage { excluded_string_tokens: "[PAD]" excluded_int_tokens: 4 oov_string_tokens: "[UNK]" }
    sequence_length_constraints { excluded_int_value: 7 excluded_string_value: "[PAD]" excluded_int_value: 1 }
    token_constraints { string_value: "fox" } token_constraints { int_value: 2 }
    token_constraints { string_value: "no" }
}"""


def _schema(type_: str, vocabulary: str) -> schema_pb2.Schema:
    text = f'feature {{ name: "words" type: {type_} {_DOMAIN % vocabulary} }}'
    return text_format.Parse(text, schema_pb2.Schema())


_TEXTS = [
    ["the", "fox", "jümps", "over", "fox"],
    ["[PAD]", "[PAD]", "dog"],
    [],
    None,
    ["[UNK]", "unheard", "a", "lazy", "dog", "[PAD]"],
    ["fox"],
    ["over", "over", "over", "[UNK]"],
    ["fox"],
    ["a", "the"],
    ["lazy", "[UNK]", "dog"],
]
_NUMBERS = [[3, 1, 2], [7, 7, 5], [], None, [8, 99, 4, 5, 100], [1, 1, 1, 3], [2], [2], [0, 8], [6, 6, 8, 6]]


def _theirs(rows: list[Any], schema: schema_pb2.Schema, paths: dict[str, str]) -> statistics_pb2.FeatureNameStatistics:
    from tensorflow_data_validation import types
    from tensorflow_data_validation.statistics.generators.natural_language_stats_generator import NLStatsGenerator

    generator = NLStatsGenerator(schema, paths, 10, 10, 1000)
    generator.setup()
    return generator.extract_output(
        generator.add_input(generator.create_accumulator(), types.FeaturePath(["words"]), pa.array(rows))
    )


def _language(feature: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.NaturalLanguageStatistics:
    (custom,) = [each for each in feature.custom_stats if each.name == "nl_statistics"]
    result = statistics_pb2.NaturalLanguageStatistics()
    assert custom.any.Unpack(result)
    return result


def _without_order(found: statistics_pb2.NaturalLanguageStatistics) -> statistics_pb2.NaturalLanguageStatistics:
    """Takes out what TFDV orders by chance: equally frequent tokens, and the tokens of the constraints."""
    tokens = sorted(found.token_statistics, key=str)
    buckets = sorted(found.rank_histogram.buckets, key=lambda each: (-each.sample_count, each.label))
    del found.token_statistics[:]
    del found.rank_histogram.buckets[:]
    found.token_statistics.extend(tokens)
    for rank, bucket in enumerate(buckets):
        bucket.low_rank = bucket.high_rank = rank
    found.rank_histogram.buckets.extend(buckets)
    return found


_SMALL = 'vocabulary: "small"'


@pytest.mark.parametrize(
    ("type_", "rows", "vocabulary", "least_covered"),
    [
        ("BYTES", _TEXTS, _SMALL, ["['lazy', '[UNK]', 'dog']"]),
        ("BYTES", _TEXTS, "", ["['lazy', '[UNK]', 'dog']"]),
        ("INT", _NUMBERS, _SMALL, ["['[UNK]', 99, 'a', 'lazy', 100]"]),
        ("INT", _NUMBERS, "", []),  # without a vocabulary all numbers are equally unknown
    ],
    ids=["texts", "texts-alone", "numbers", "numbers-alone"],
)
def test_token_statistics(
    tmp_path: Path, differences: Any, type_: str, rows: list[Any], vocabulary: str, least_covered: list[str]
) -> None:
    path = tmp_path / "small.txt"
    path.write_text("".join(f"{word}\n" for word in _WORDS))
    schema, paths = _schema(type_, vocabulary), {"small": str(path)}
    options = StatisticsOptions(enable_semantic_domain_stats=True, vocab_paths=paths)
    accumulator = DatasetStatistics(options, schema, vocabularies=read_vocabularies(paths))
    states = []
    for part in (rows[:4], rows[4:]):
        batch = pa.RecordBatch.from_arrays([pa.array(part)], ["words"])
        states.append(accumulator.add_batch(accumulator.create(), batch))
        accumulator.extract(states[-1])
    (feature,) = accumulator.extract(accumulator.merge(states)).datasets[0].features
    ours, theirs = _without_order(_language(feature)), _without_order(_language(_theirs(rows, schema, paths)))
    # Which of equally covered sequences are shown is theirs to decide by order, and ours by content.
    for found in (ours, theirs):
        assert len(found.reported_sequences) == 10
        assert found.reported_sequences[: len(least_covered)] == least_covered
    del ours.reported_sequences[:], theirs.reported_sequences[:]
    assert differences(ours, theirs) == []


def test_a_least_length_of_0_is_kept() -> None:
    """On purpose different: TFDV takes a length of 0 for none, and the next length for the least."""
    schema = _schema("INT", "")
    rows = [[7, 7], [7, 2], [2, 3]]
    assert _language(_theirs(rows, schema, {})).min_sequence_length == 1
    accumulator = DatasetStatistics(StatisticsOptions(enable_semantic_domain_stats=True), schema)
    batch = pa.RecordBatch.from_arrays([pa.array(rows)], ["words"])
    (feature,) = accumulator.extract(accumulator.add_batch(accumulator.create(), batch)).datasets[0].features
    found = _language(feature)
    assert (found.min_sequence_length, found.max_sequence_length) == (0, 2)


def test_coverage_that_is_too_low_is_an_anomaly(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_text("the\nfox\n")
    schema = text_format.Parse(
        """feature { name: "words" type: BYTES presence { min_count: 1 } natural_language_domain {
        vocabulary: "small" coverage { min_coverage: 0.9 min_avg_token_length: 9 oov_string_tokens: "[UNK]" } } }""",
        schema_pb2.Schema(),
    )
    table = pa.table({"words": [["the", "[UNK]"], ["fox", "[UNK]"]]})
    options = StatisticsOptions(enable_semantic_domain_stats=True, vocab_paths={"small": str(path)})
    report = assay.validate(table, schema, options=options)
    reasons = {reason.type for reason in report.anomalies.anomaly_info["words"].reason}
    kinds = anomalies_pb2.AnomalyInfo
    assert {kinds.FEATURE_COVERAGE_TOO_LOW, kinds.FEATURE_COVERAGE_TOO_SHORT_AVG_TOKEN_LENGTH} <= reasons
