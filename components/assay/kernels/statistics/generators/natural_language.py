"""Tokens of natural-language features: coverage by a vocabulary, lengths, and where given tokens stand.

What TFDV's `NLStatsGenerator` gives as the custom statistic `nl_statistics`, from which its validation checks the
constraints of a natural-language domain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.arrow_types import FeatureType
from assay.kernels.statistics.categories import (
    NON_UTF8_PLACEHOLDER,
    CategoryState,
    add_categories,
    merge_categories,
    string_statistics,
)
from assay.kernels.statistics.columns import FeatureColumn, leaf_features, row_values
from assay.kernels.statistics.generators.generator import feature_statistics
from assay.kernels.statistics.summaries.histograms import quantiles_histogram
from assay.kernels.statistics.summaries.quantiles import exact_quantiles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, Histogram

    from assay.kernels.statistics.generators.generator import BatchRows
    from assay.kernels.statistics.options import StatisticsOptions

Token = str | int


@dataclass(frozen=True, slots=True)
class TokenRules:
    """The tokens of one feature that are treated apart.

    Attributes:
        vocabulary: Its name; empty where the domain has none.
        excluded: Tokens that do not count for coverage.
        unknown: Texts that stand for tokens outside the vocabulary.
        specified: Tokens that get statistics of their own.
        without_length: Tokens that do not count for the length of a sequence.
    """

    vocabulary: str = ""
    excluded: frozenset[Token] = frozenset()
    unknown: frozenset[str] = frozenset()
    specified: tuple[Token, ...] = ()
    without_length: frozenset[Token] = frozenset()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens and their numbers.

    Attributes:
        numbers: Of each token; of a token that stands there twice the last, as in TFDV.
        tokens: By number.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    tokens: Mapping[int, str] = field(default_factory=dict)


def vocabulary_of(tokens: Sequence[str]) -> Vocabulary:
    """Return the vocabulary of tokens in the order of their numbers."""
    return Vocabulary({token: number for number, token in enumerate(tokens)}, dict(enumerate(tokens)))


@dataclass(frozen=True, slots=True)
class DescribedTokens:
    """The distinct tokens of a column; every array has an entry for each.

    Attributes:
        texts: Where a token has one: of a number, its token in the vocabulary.
        shown: As TFDV's reported sequences show it.
        is_known: Whether it is in the vocabulary, for the coverage of a sequence.
        is_counted: Whether it counts for the coverage of the feature.
        lengths: Characters of its text.
        subtracted: What it takes off the length of a sequence: 2 where its text and its number are excluded.
        hashes: Of what is shown.
        names: Text and number, by which it may be specified.
    """

    texts: list[str | None]
    shown: list[Token]
    is_known: NDArray[np.bool_]
    is_counted: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    subtracted: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    names: list[frozenset[Token]]


def token_rules(schema: Schema | None) -> dict[str, TokenRules]:
    """Return the rules of the columns whose domain asks for statistics of tokens, by TFDV's conditions."""
    result = {}
    for path, feature in () if schema is None else leaf_features(schema.feature):
        domain = feature.natural_language_domain
        if feature.WhichOneof("domain_info") != "natural_language_domain" or len(path) > 1:
            continue
        coverage, length = domain.coverage, domain.sequence_length_constraints
        rules = TokenRules(
            vocabulary=domain.vocabulary,
            excluded=frozenset([*coverage.excluded_string_tokens, *coverage.excluded_int_tokens]),
            unknown=frozenset(coverage.oov_string_tokens),
            specified=tuple(
                each.int_value if each.WhichOneof("value") == "int_value" else each.string_value
                for each in domain.token_constraints
            ),
            without_length=frozenset([*length.excluded_int_value, *length.excluded_string_value]),
        )
        if rules.vocabulary or rules.excluded or rules.unknown:
            result[path[0]] = rules
    return result


def describe_tokens(values: Sequence[bytes | int], rules: TokenRules, vocabulary: Vocabulary | None) -> DescribedTokens:
    """Return what the rules say about each of the distinct tokens, which are texts or numbers."""
    pairs = [_pair(value, vocabulary) for value in values]
    texts = [text for text, _ in pairs]
    names = [frozenset(name for name in pair if name is not None) for pair in pairs]
    shown: list[Token] = [text if text is not None else number or 0 for text, number in pairs]
    are_texts = bool(values) and isinstance(values[0], bytes)
    is_known = [text is not None and text not in rules.unknown for text in texts]
    not_excluded = [not (name & rules.excluded) for name in names]
    return DescribedTokens(
        texts,
        shown,
        np.array(is_known, dtype=bool),
        np.array(not_excluded, dtype=bool),
        np.array([len(text or "") for text in texts], dtype=np.int64),
        np.array([_subtracted(pair, rules, vocabulary, are_texts=are_texts) for pair in pairs], dtype=np.int64),
        np.array([_hash(token) for token in shown], dtype=np.uint64),
        names,
    )


def _pair(value: bytes | int, vocabulary: Vocabulary | None) -> tuple[str | None, int | None]:
    """Return the text and the number of a token, as far as the vocabulary tells the other one."""
    if isinstance(value, int):
        return (None if vocabulary is None else vocabulary.tokens.get(value)), value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = NON_UTF8_PLACEHOLDER
    return text, (None if vocabulary is None else vocabulary.numbers.get(text))


def _subtracted(
    pair: tuple[str | None, int | None], rules: TokenRules, vocabulary: Vocabulary | None, *, are_texts: bool
) -> int:
    """Count in how many of its forms a token is excluded.

    TFDV looks at a sequence as texts and as numbers, and in each a token without the one form keeps the other.
    """
    text, number = pair
    own: Token | None = text if are_texts else number
    other: Token | None = number if are_texts else text
    forms = [own]
    if vocabulary is not None and vocabulary.numbers:
        forms.append(own if other is None else other)
    kind: tuple[type, ...] = (str, int) if are_texts else (int, str)
    return sum(
        form in {each for each in rules.without_length if isinstance(each, of)}
        for form, of in zip(forms, kind, strict=False)
    )


def _hash(token: Token) -> int:
    return int.from_bytes(blake2b(repr(token).encode(), digest_size=8).digest(), "little")


MAX_TOKEN_BYTES = 8 << 20
"""Memory for distinct tokens; of more, the rank histogram is estimated."""

MAX_REPORTED = 5
"""So many sequences of each kind are shown."""

Reported = tuple[float, int, str]
"""A figure, the least of which are shown, a hash of the sequence, which decides between equal ones, and its text."""


@dataclass(slots=True)
class TokenState:
    """Where one token stands; the least and greatest frequency are of a sequence, and `None` before the first."""

    frequency: int = 0
    num_sequences: int = 0
    min_frequency: int | None = None
    max_frequency: int | None = None
    positions: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class LanguageState:
    """The sequences of one feature so far.

    Attributes:
        num_sequences: All, also empty ones.
        num_tokens: Those that count for coverage.
        num_known: Of these, those that the vocabulary covers.
        known_length: Of these, all characters.
        token_lengths: How many of these have each length.
        sequence_lengths: How many sequences that are not empty have each length.
        tokens: The tokens that the vocabulary covers.
        specified: The tokens that the domain names.
        least_covered: The sequences with the least coverage.
        shortest: The sequences with the least mean length of tokens.
        without_vocabulary: The name of the vocabulary that was not given.
    """

    num_sequences: int = 0
    num_tokens: int = 0
    num_known: int = 0
    known_length: int = 0
    token_lengths: Counter[int] = field(default_factory=Counter)
    sequence_lengths: Counter[int] = field(default_factory=Counter)
    tokens: CategoryState = field(default_factory=CategoryState)
    specified: dict[Token, TokenState] = field(default_factory=dict)
    least_covered: list[Reported] = field(default_factory=list)
    shortest: list[Reported] = field(default_factory=list)
    without_vocabulary: str = ""


def least_reported(reported: Iterable[Reported]) -> list[Reported]:
    """Return those that are shown, each once."""
    return sorted({each[1]: each for each in reported}.values())[:MAX_REPORTED]


def merge_tokens(state: TokenState, other: TokenState) -> None:
    """Add the content of `other`."""
    state.frequency += other.frequency
    state.num_sequences += other.num_sequences
    least = [each for each in (state.min_frequency, other.min_frequency) if each is not None]
    most = [each for each in (state.max_frequency, other.max_frequency) if each is not None]
    state.min_frequency, state.max_frequency = min(least, default=None), max(most, default=None)
    state.positions.update(other.positions)


def merge_language(state: LanguageState, other: LanguageState) -> None:
    """Add the content of `other`, which must not be used afterwards."""
    state.num_sequences += other.num_sequences
    state.num_tokens += other.num_tokens
    state.num_known += other.num_known
    state.known_length += other.known_length
    state.token_lengths.update(other.token_lengths)
    state.sequence_lengths.update(other.sequence_lengths)
    merge_categories(state.tokens, other.tokens, MAX_TOKEN_BYTES)
    for token, theirs in other.specified.items():
        merge_tokens(state.specified.setdefault(token, TokenState()), theirs)
    state.least_covered = least_reported([*state.least_covered, *other.least_covered])
    state.shortest = least_reported([*state.shortest, *other.shortest])
    state.without_vocabulary = state.without_vocabulary or other.without_vocabulary


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True, slots=True)
class Sequences:
    """The tokens of one batch, each with its sequence; empty sequences are left out.

    Attributes:
        codes: Of each token.
        starts: Where each sequence begins in `codes`.
        lengths: Of each sequence.
        described: The distinct tokens.
        has_other_form: Whether a vocabulary translates between texts and numbers.
        are_texts: Whether the tokens are texts.
    """

    codes: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    described: DescribedTokens
    has_other_form: bool
    are_texts: bool

    def add_to(self, state: LanguageState, num_sequences: int, rules: TokenRules, num_buckets: int) -> None:
        """Add all sequences of the batch, of which some may be empty."""
        state.num_sequences += num_sequences
        if not len(self.codes):
            return
        tokens, codes = self.described, self.codes
        counted, known = tokens.is_counted[codes], (tokens.is_known & tokens.is_counted)[codes]
        state.num_tokens += int(counted.sum())
        state.num_known += int(known.sum())
        state.known_length += int(tokens.lengths[codes[known]].sum())
        state.token_lengths.update(_counter(tokens.lengths[codes[known]]))
        state.sequence_lengths.update(_counter(self.lengths - np.add.reduceat(tokens.subtracted[codes], self.starts)))
        _add_texts(state.tokens, [tokens.texts[code] for code in codes[known]])
        for token in rules.specified:
            # Texts and their numbers can be converted only by a vocabulary.
            if self.has_other_form or isinstance(token, str) == self.are_texts:
                self._add_specified(state.specified.setdefault(token, TokenState()), token, num_buckets)
        self._report(state)

    def _add_specified(self, state: TokenState, token: Token, num_buckets: int) -> None:
        is_token = np.array([token in names for names in self.described.names], dtype=bool)[self.codes]
        in_sequence = np.add.reduceat(is_token.astype(np.int64), self.starts)
        places = np.arange(len(self.codes)) - np.repeat(self.starts, self.lengths)
        shares = places[is_token] / np.repeat(self.lengths, self.lengths)[is_token]
        added = TokenState(
            int(is_token.sum()),
            int((in_sequence > 0).sum()),
            int(in_sequence.min()),
            int(in_sequence.max()),
            _counter((shares * num_buckets).astype(np.int64)),
        )
        merge_tokens(state, added)

    def _report(self, state: LanguageState) -> None:
        tokens = self.described
        is_known = tokens.is_known[self.codes]
        known = np.add.reduceat(is_known.astype(np.int64), self.starts)
        characters = np.add.reduceat(np.where(is_known, tokens.lengths[self.codes], 0), self.starts)
        places = np.arange(len(self.codes)) - np.repeat(self.starts, self.lengths)
        with np.errstate(over="ignore"):
            mixed = (tokens.hashes[self.codes] ^ (places.astype(np.uint64) * _GOLDEN)) * _MIX
            hashes = np.add.reduceat(mixed ^ (mixed >> np.uint64(29)), self.starts)
        _, distinct = np.unique(hashes, return_index=True)
        figures = (known / self.lengths, characters / np.maximum(known, 1))
        for reported, figure in zip((state.least_covered, state.shortest), figures, strict=True):
            order = distinct[np.lexsort((hashes[distinct], figure[distinct]))][:MAX_REPORTED]
            found = [(float(figure[each]), int(hashes[each]), self._text(int(each))) for each in order]
            reported[:] = least_reported([*reported, *found])

    def _text(self, sequence: int) -> str:
        begin = self.starts[sequence]
        return str([self.described.shown[code] for code in self.codes[begin : begin + self.lengths[sequence]]])


def sequences_of(array: pa.Array, rules: TokenRules, vocabulary: Vocabulary | None) -> Sequences:
    """Split a column of texts or integers, or of lists of them; nulls are left out."""
    values, rows = row_values(array)
    are_texts = not pa.types.is_integer(values.type) and not pa.types.is_boolean(values.type)
    if are_texts:
        is_large = pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)
        values = values.cast(pa.large_binary() if is_large else pa.binary())
    encoded = values.dictionary_encode()
    lengths = np.bincount(rows, minlength=len(array))
    lengths = lengths[lengths > 0]
    return Sequences(
        encoded.indices.to_numpy().astype(np.int64),
        np.cumsum(lengths) - lengths,
        lengths,
        describe_tokens(encoded.dictionary.to_pylist(), rules, vocabulary),
        has_other_form=vocabulary is not None and bool(vocabulary.tokens),
        are_texts=are_texts,
    )


def _add_texts(state: CategoryState, texts: Sequence[str | None]) -> None:
    leaf = pa.array(texts, pa.large_string())
    column = FeatureColumn((), FeatureType.STRING, (), None, leaf, None, nulls_are_values=False)
    add_categories(state, column, MAX_TOKEN_BYTES)


def _counter(values: NDArray[np.int64]) -> Counter[int]:
    distinct, counts = np.unique(values, return_counts=True)
    return Counter(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))


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
        """Return the state of no rows."""
        return {}

    def add(self, state: dict[str, LanguageState], rows: BatchRows) -> dict[str, LanguageState]:
        """Return the state after more rows."""
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
        """Return the state of both."""
        for name, theirs in other.items():
            merge_language(state.setdefault(name, LanguageState()), theirs)
        return state

    def contribute(self, state: dict[str, LanguageState], dataset: DatasetFeatureStatistics) -> None:
        """Add the custom statistic `nl_statistics` to each feature."""
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
