"""The sequences of tokens of one batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.kernels.statistics.features.categories import CategoryState, add_categories
from assay.kernels.statistics.language.state import (
    MAX_REPORTED,
    MAX_TOKEN_BYTES,
    TokenState,
    least_reported,
    merge_tokens,
)
from assay.kernels.statistics.language.token_rules import describe_tokens
from assay.kernels.statistics.reading.arrow_types import FeatureType
from assay.kernels.statistics.reading.columns import FeatureColumn, row_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.kernels.statistics.language.state import LanguageState
    from assay.kernels.statistics.language.token_rules import DescribedTokens, Token, TokenRules, Vocabulary

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
        """Adds all sequences of the batch, of which some may be empty."""
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
            # Of texts, a number can be told only by a vocabulary, and the other way round.
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
    """Takes a column of texts or integers apart, or of lists of them; nulls are left out."""
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
