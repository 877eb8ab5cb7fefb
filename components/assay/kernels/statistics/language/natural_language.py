"""Tokens of natural-language features: coverage by a vocabulary, lengths, and where given tokens stand.

What TFDV's `NLStatsGenerator` gives as the custom statistic `nl_statistics`, from which its validation checks the
constraints of a natural-language domain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics.features.categories import string_statistics
from assay.kernels.statistics.generators.generator import feature_statistics
from assay.kernels.statistics.language.sequences import sequences_of
from assay.kernels.statistics.language.state import LanguageState, merge_language
from assay.kernels.statistics.language.token_rules import token_rules, vocabulary_of
from assay.kernels.statistics.reading.arrow_types import FeatureType
from assay.kernels.statistics.summaries.histograms import quantiles_histogram
from assay.kernels.statistics.summaries.quantiles import exact_quantiles

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, Histogram

    from assay.kernels.statistics.generators.generator import Rows
    from assay.kernels.statistics.language.state import TokenState
    from assay.kernels.statistics.language.token_rules import Token
    from assay.kernels.statistics.options import StatisticsOptions


class NaturalLanguage:
    """Describes the tokens of the columns whose natural-language domain has a vocabulary or names tokens.

    Args:
        schema: Has the domains.
        vocabularies: The tokens of each vocabulary, in the order of their numbers.
        options: The sizes of histograms.
    """

    def __init__(
        self, schema: Schema | None, vocabularies: Mapping[str, Sequence[str]], options: StatisticsOptions
    ) -> None:
        self.rules = token_rules(schema)
        self._vocabularies = {name: vocabulary_of(tokens) for name, tokens in vocabularies.items()}
        self._options = options

    def create(self) -> dict[str, LanguageState]:
        """Gives the state of no rows."""
        return {}

    def add(self, state: dict[str, LanguageState], rows: Rows) -> dict[str, LanguageState]:
        """Gives the state after more rows."""
        for column in rows.features:
            name = column.path[0]
            is_token = column.type in {FeatureType.INT, FeatureType.STRING}
            if name not in self.rules or len(column.path) > 1 or not is_token:
                continue
            of_feature = state.setdefault(name, LanguageState())
            rules = self.rules[name]
            vocabulary = self._vocabularies.get(rules.vocabulary)
            if rules.vocabulary and vocabulary is None:
                of_feature.without_vocabulary = rules.vocabulary
            array = rows.batch.column(rows.batch.schema.get_field_index(name))
            sequences = sequences_of(array, rules, vocabulary)
            sequences.add_to(of_feature, column.levels[0].num_present, rules, self._options.num_histogram_buckets)
        return state

    def merge(self, state: dict[str, LanguageState], other: dict[str, LanguageState]) -> dict[str, LanguageState]:
        """Gives the state of both."""
        for name, theirs in other.items():
            merge_language(state.setdefault(name, LanguageState()), theirs)
        return state

    def contribute(self, state: dict[str, LanguageState], dataset: DatasetFeatureStatistics) -> None:
        """Adds the custom statistic `nl_statistics` to each feature."""
        for name, of_feature in state.items():
            custom = feature_statistics(dataset, (name,)).custom_stats
            if of_feature.without_vocabulary:
                missing = f"The vocabulary '{of_feature.without_vocabulary}' of the schema is not given: vocab_paths."
                custom.add(name="nl_statistics_not_computed", str=missing)
                continue
            custom.add(name="nl_statistics").any.Pack(self._proto(of_feature))

    def _proto(self, state: LanguageState) -> statistics_pb2.NaturalLanguageStatistics:
        result = statistics_pb2.NaturalLanguageStatistics()
        if state.num_tokens:
            result.feature_coverage = state.num_known / state.num_tokens
        if state.num_known:
            result.avg_token_length = state.known_length / state.num_known
            result.token_length_histogram.CopyFrom(self._histogram(state.token_lengths))
            top = string_statistics(state.tokens, state.num_known, self._options).rank_histogram
            result.rank_histogram.CopyFrom(top)
        if state.sequence_lengths:
            result.min_sequence_length = min(state.sequence_lengths)
            result.max_sequence_length = max(state.sequence_lengths)
            result.sequence_length_histogram.CopyFrom(self._histogram(state.sequence_lengths))
        for token in sorted(state.specified, key=lambda each: (isinstance(each, str), each)):
            self._add_token(result, token, state.specified[token], state.num_sequences)
        result.reported_sequences.extend(text for *_, text in [*state.least_covered, *state.shortest])
        return result

    def _histogram(self, counts: Counter[int]) -> Histogram:
        lengths = sorted(counts)
        weights = np.array([counts[length] for length in lengths], dtype=np.float64)
        buckets = self._options.num_quantiles_histogram_buckets
        return quantiles_histogram(exact_quantiles(np.array(lengths, dtype=np.float64), weights, buckets))

    def _add_token(
        self, result: statistics_pb2.NaturalLanguageStatistics, token: Token, state: TokenState, num_sequences: int
    ) -> None:
        proto = result.token_statistics.add()
        if isinstance(token, str):
            proto.string_token = token
        else:
            proto.int_token = token
        if not state.num_sequences or state.min_frequency is None or state.max_frequency is None:
            return
        proto.frequency = state.frequency
        proto.fraction_of_sequences = state.num_sequences / num_sequences
        proto.per_sequence_min_frequency, proto.per_sequence_max_frequency = state.min_frequency, state.max_frequency
        proto.per_sequence_avg_frequency = state.frequency / state.num_sequences
        buckets = self._options.num_histogram_buckets
        for position in sorted(state.positions):
            low, high = position / buckets, (position + 1) / buckets
            proto.positions.buckets.add(low_value=low, high_value=high, sample_count=state.positions[position])
