"""What a schema's natural-language domain says about tokens, and what that means for each token of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.statistics.features.categories import NON_UTF8_PLACEHOLDER
from assay.kernels.statistics.reading.claims import leaf_features

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

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
    """Gives the vocabulary of tokens in the order of their numbers."""
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
    """Gives the rules of the columns whose domain asks for statistics of tokens, by TFDV's conditions."""
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
    """Tells what the rules say about each of the distinct tokens, which are texts or numbers."""
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
    """Gives the text and the number of a token, as far as the vocabulary tells the other one."""
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
    """Counts in how many of its forms a token is excluded.

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
