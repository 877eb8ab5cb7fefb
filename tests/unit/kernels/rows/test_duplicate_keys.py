"""Keys whose hashes collide are told apart, and rows that lack part of a key are no duplicates."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from assay.kernels.row_hash import row_hashes
from assay.kernels.rows.declared_rules import Unique, compile_rules
from assay.kernels.rows.duplicate_keys import CandidateKeys, DuplicateKeys, KeyHashes
from assay.kernels.rows.validation import RowValidation, find_duplicates
from raising import raises

RULES = compile_rules([Unique(columns=("k",), id="k")])
(RULE,) = RULES.unique_rules


def batch(*keys: object) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(keys)], ["k"])


def broken(rows: pa.RecordBatch) -> list[bool]:
    def reduce(accumulator: Any) -> Any:
        return accumulator.extract(accumulator.add_batch(accumulator.create(), rows))

    mask = find_duplicates(reduce, RULES)["k"].mask(RULE, rows)
    return [] if mask is None else mask.tolist()


def test_all_rows_of_a_repeated_key_are_duplicates() -> None:
    assert broken(batch("a", "b", "a", None, None)) == [True, False, True, False, False]


def test_nan_and_null_are_no_keys() -> None:
    assert broken(batch(1.0, float("nan"), float("nan"), None, None, 1.0)) == [True, False, False, False, False, True]


def test_lists_are_keys() -> None:
    assert broken(batch([1, 2], [2, 1], [1, 2])) == [True, False, True]


def test_keys_that_share_a_hash_are_told_apart() -> None:
    rows = batch("a", "a", "b")
    candidates = CandidateKeys(RULES.unique_rules, {"k": row_hashes(rows, ["k"])})
    shared = {7: Counter({("a",): 2, ("b",): 1})}
    found = candidates.extract({"k": shared})["k"]
    assert found.hashes.tolist() == [7]
    assert found.ambiguous == {7: frozenset({("a",)})}
    # The mask asks for the exact key where a hash is ambiguous.
    hash_of_b = int(row_hashes(rows, ["k"])[2])
    pretended = DuplicateKeys(np.sort(row_hashes(rows, ["k"])), {hash_of_b: frozenset({("a",)})})
    mask = pretended.mask(RULE, rows)
    assert mask is not None
    assert mask.tolist() == [True, True, False]


def test_a_batch_that_lacks_a_key_column_has_no_keys() -> None:
    hashes = KeyHashes(RULES.unique_rules)
    state = hashes.add_batch(hashes.create(), pa.RecordBatch.from_pydict({"other": [1, 1]}))
    assert hashes.extract(state)["k"].tolist() == []


def test_a_key_column_that_no_batch_has_is_an_error() -> None:
    validation = RowValidation(RULES, {"k": DuplicateKeys(np.zeros(0, np.uint64))})
    state = validation.add_batch(validation.create(), pa.RecordBatch.from_pydict({"kk": [1]}))
    with raises("rows.unknown_column", "k", "kk"):
        validation.extract(state)
