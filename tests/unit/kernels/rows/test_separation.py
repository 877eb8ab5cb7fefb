"""Rows go to one of two sides, with their reasons, and the counts add up."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.rows.declared_rules import NotNull, Range, Unique, compile_rules
from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.separation import Separation
from assay.kernels.rows.validation import find_duplicates
from raising import raises

BATCH = pa.RecordBatch.from_pydict(
    {"id": [1, 2, 2, None, 5], "fare": [1.0, -2.0, 3.0, 4.0, 900.0], "kind": ["a", "b", "c", "a", "a"]}
)


def in_one_pass(accumulator: Any) -> Any:
    return accumulator.extract(accumulator.add_batch(accumulator.create(), BATCH))


def test_each_row_is_on_one_side_with_every_rule_it_breaks() -> None:
    schema = schema_pb2.Schema()
    schema.feature.add(name="id", type=schema_pb2.INT)
    schema.feature.add(name="fare", type=schema_pb2.FLOAT).float_domain.min = 0
    schema.feature.add(name="kind", type=schema_pb2.BYTES).string_domain.value.extend(["a", "b"])
    declared = (NotNull(column="id"), Unique(columns=("id",)), Range(column="fare", max=100, severity="warning"))
    rules = schema_rules(schema) + compile_rules(declared)

    parts = Separation(rules, find_duplicates(in_one_pass, rules))(BATCH)

    assert parts.clean.to_pylist() == [
        {"id": 1, "fare": 1.0, "kind": "a"},
        {"id": 5, "fare": 900.0, "kind": "a"},  # a warning does not reject
    ]
    rejected = pa.Table.from_batches([parts.rejected])
    assert rejected.select(["id", "assay_row", "assay_rules", "assay_reasons"]).to_pylist() == [
        {
            "id": 2,
            "assay_row": 1,
            "assay_rules": ["fare.min", "id.unique"],
            "assay_reasons": ["FLOAT_TYPE_SMALL_FLOAT", "DUPLICATE_KEY"],
        },
        {
            "id": 2,
            "assay_row": 2,
            "assay_rules": ["kind.domain", "id.unique"],
            "assay_reasons": ["ENUM_TYPE_UNEXPECTED_STRING_VALUES", "DUPLICATE_KEY"],
        },
        {"id": None, "assay_row": 3, "assay_rules": ["id.not_null"], "assay_reasons": ["NULL_VALUE"]},
    ]
    assert parts.rejected.column("assay_sentence")[0].as_py() == (
        "Expected: fare is at least 0; found -2.0. Expected: no two rows have the same id; found 2."
    )
    assert parts.broken == {"fare.min": 1, "kind.domain": 1, "id.not_null": 1, "id.unique": 2, "fare.range.max": 1}
    assert parts.num_rows == parts.clean.num_rows + parts.rejected.num_rows == 5


def test_a_batch_without_breaches_passes_as_it_is() -> None:
    parts = Separation(compile_rules([NotNull(column="fare")]))(BATCH)
    assert parts.clean is BATCH
    assert parts.rejected.num_rows == 0
    assert parts.broken == {}


def test_a_column_with_the_name_of_a_reason_column_is_refused() -> None:
    batch = pa.RecordBatch.from_pydict({"assay_row": [1]})
    with raises("rows.reserved_column", "assay_row"):
        Separation(compile_rules([NotNull(column="assay_row")]))(batch)
