"""Which keys occur in more than one row: hashes of all keys first, then the exact keys of the candidates.

Finding a repeat exactly needs some trace of every key: 8 bytes a row. Only keys whose hash occurs twice are looked at
again, so that memory beyond that grows with the duplicates and not with the rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.kernels.identity import exact_keys, has_whole_key, key_column
from assay.kernels.row_hash import row_hashes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from assay.kernels.rows.batch_columns import Mask
    from assay.kernels.rows.rule import UniqueRule

    Hashes = NDArray[np.uint64]
    Keys = Counter[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class DuplicateKeys:
    """The keys of one rule that occur in more than one row.

    Attributes:
        hashes: Hashes of these keys, sorted.
        ambiguous: Hashes that different keys share, and the keys of each that occur more than once. Almost always
            empty: two of ten million keys share a hash once in 400,000 datasets.
    """

    hashes: Hashes
    ambiguous: Mapping[int, frozenset[tuple[Any, ...]]] = field(default_factory=dict)

    def mask(self, rule: UniqueRule, batch: pa.RecordBatch) -> Mask | None:
        """Return which rows of a batch have such a key; None where none has."""
        if not len(self.hashes):
            return None
        found = _key_hashes(rule, batch)
        broken: Mask = np.isin(found, self.hashes) & has_whole_key(batch, rule.columns)
        if self.ambiguous:
            rows = np.flatnonzero(broken & np.isin(found, np.fromiter(self.ambiguous, np.uint64)))
            for row, key in zip(rows.tolist(), exact_keys(batch, rule.columns, rows), strict=True):
                broken[row] = key in self.ambiguous[int(found[row])]
        return broken


class KeyHashes:
    """First pass: an accumulator that finds the hashes that occur in more than one row, for each rule.

    Args:
        rules: The rules; the result has their ids.
    """

    def __init__(self, rules: Sequence[UniqueRule]) -> None:
        self._rules = rules

    def create(self) -> dict[str, list[Hashes]]:
        """Return the state of no rows."""
        return {rule.id: [] for rule in self._rules}

    def add_batch(self, state: dict[str, list[Hashes]], batch: pa.RecordBatch) -> dict[str, list[Hashes]]:
        """Add a batch to `state`, in place."""
        for rule in self._rules:
            state[rule.id].append(_key_hashes(rule, batch)[has_whole_key(batch, rule.columns)])
        return state

    def merge(self, states: Sequence[dict[str, list[Hashes]]]) -> dict[str, list[Hashes]]:
        """Return the state of all rows, in the first of `states`."""
        result, *others = states
        for other in others:
            for rule_id, hashes in other.items():
                result[rule_id].extend(hashes)
        return result

    def extract(self, state: dict[str, list[Hashes]]) -> dict[str, Hashes]:
        """Return the repeated hashes of each rule, sorted."""
        return {rule_id: _repeated(hashes) for rule_id, hashes in state.items()}


class CandidateKeys:
    """Second pass: an accumulator that counts the exact keys behind repeated hashes.

    Args:
        rules: The rules.
        candidates: What `KeyHashes` gave.
    """

    def __init__(self, rules: Sequence[UniqueRule], candidates: Mapping[str, Hashes]) -> None:
        self._rules = rules
        self._candidates = candidates

    def create(self) -> dict[str, dict[int, Keys]]:
        """Return the state of no rows."""
        return {rule.id: {} for rule in self._rules}

    def add_batch(self, state: dict[str, dict[int, Keys]], batch: pa.RecordBatch) -> dict[str, dict[int, Keys]]:
        """Add a batch to `state`, in place."""
        for rule in self._rules:
            found = _key_hashes(rule, batch)
            rows = np.flatnonzero(np.isin(found, self._candidates[rule.id]) & has_whole_key(batch, rule.columns))
            for row, key in zip(rows.tolist(), exact_keys(batch, rule.columns, rows), strict=True):
                state[rule.id].setdefault(int(found[row]), Counter())[key] += 1
        return state

    def merge(self, states: Sequence[dict[str, dict[int, Keys]]]) -> dict[str, dict[int, Keys]]:
        """Return the state of all rows, in the first of `states`."""
        result, *others = states
        for other in others:
            for rule_id, keys in other.items():
                for found, counts in keys.items():
                    result[rule_id].setdefault(found, Counter()).update(counts)
        return result

    def extract(self, state: dict[str, dict[int, Keys]]) -> dict[str, DuplicateKeys]:
        """Return the duplicate keys of each rule."""
        return {rule_id: _duplicate_keys(keys) for rule_id, keys in state.items()}


def _duplicate_keys(keys: Mapping[int, Keys]) -> DuplicateKeys:
    repeated = {found: frozenset(key for key, count in counts.items() if count > 1) for found, counts in keys.items()}
    hashes = np.array(sorted(found for found, several in repeated.items() if several), np.uint64)
    return DuplicateKeys(hashes, {found: repeated[found] for found, counts in keys.items() if len(counts) > 1})


def _key_hashes(rule: UniqueRule, batch: pa.RecordBatch) -> Hashes:
    keys = [key_column(batch, name) for name in rule.columns]
    return row_hashes(pa.RecordBatch.from_arrays(keys, list(rule.columns)), rule.columns)


def _repeated(parts: list[Hashes]) -> Hashes:
    hashes = np.sort(np.concatenate([np.zeros(0, np.uint64), *parts]))
    repeated: Hashes = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    return repeated
