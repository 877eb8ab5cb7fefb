"""What is kept of the sequences of tokens of a natural-language feature."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.kernels.statistics.features.categories import CategoryState, merge_categories

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.kernels.statistics.language.token_rules import Token

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
    """Gives those that are shown, each once."""
    return sorted({each[1]: each for each in reported}.values())[:MAX_REPORTED]


def merge_tokens(state: TokenState, other: TokenState) -> None:
    """Adds all that `other` holds."""
    state.frequency += other.frequency
    state.num_sequences += other.num_sequences
    least = [each for each in (state.min_frequency, other.min_frequency) if each is not None]
    most = [each for each in (state.max_frequency, other.max_frequency) if each is not None]
    state.min_frequency, state.max_frequency = min(least, default=None), max(most, default=None)
    state.positions.update(other.positions)


def merge_language(state: LanguageState, other: LanguageState) -> None:
    """Adds all that `other` holds, which must not be used afterwards."""
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
