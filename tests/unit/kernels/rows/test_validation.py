"""The report of a validation: outcomes, samples and sentences."""

from __future__ import annotations

import pickle
from typing import Any

import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.rows.data_schema import DataSchema
from assay.kernels.rows.declared_rules import Expression, NotNull, Range, compile_rules
from assay.kernels.rows.row_report import RowReport, SampleRow
from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.validation import RowValidation, validate_rows
from raising import raises

BATCH = pa.RecordBatch.from_pydict(
    {"fare": [1.0, -2.0, -3.0, None], "tips": [2.0, 0.0, None, 1.0], "new": [1, None, 2, 3]}
)


def in_one_pass(accumulator: Any) -> Any:
    state = pickle.loads(pickle.dumps(accumulator.add_batch(accumulator.create(), BATCH)))
    return accumulator.extract(state)


def report(*declared: Any, sample_rows: int = 5) -> RowReport:
    schema = schema_pb2.Schema()
    feature = schema.feature.add(name="fare", type=schema_pb2.FLOAT)
    feature.float_domain.min = 0
    feature.unique_constraints.max = 2
    schema.feature.add(name="tips", type=schema_pb2.FLOAT)
    return validate_rows(in_one_pass, schema_rules(schema) + compile_rules(declared), sample_rows)


def test_counts_samples_and_sentences() -> None:
    found = report(Expression(holds="tips <= fare", severity="warning"), sample_rows=1)
    assert (found.num_rows, found.num_rejected, found.num_clean, found.ok) == (4, 4, 0, False)
    fare, unknown, tips, distinct = found.broken
    assert fare.samples == (SampleRow(row=1, found=-2.0, record={"fare": -2.0, "tips": 0.0, "new": None}),)
    assert fare.sentence == "fare is at least 0: broken in 2 of 4 rows (50.00%), row 1 with -2.0 for one."
    assert (unknown.num_broken, unknown.samples[0].found) == (3, {"new": 1})
    assert (tips.severity, tips.samples[0].found) == ("warning", {"fare": 1.0, "tips": 2.0})
    assert (distinct.num_broken, distinct.observed) == (None, 3)
    assert distinct.sentence == "fare has at most 2 distinct values: broken, found 3."
    assert next(each for each in found.outcomes if each.ok).sentence == "fare is a number with decimals (FLOAT): kept."


def test_warnings_alone_are_ok() -> None:
    found = validate_rows(in_one_pass, compile_rules([NotNull(column="fare", severity="warning")]))
    assert (found.ok, found.num_rejected, len(found.broken)) == (True, 0, 1)


def test_a_small_share_is_not_rounded_to_nothing() -> None:
    rules = compile_rules([Range(column="n", max=1)])
    validation = RowValidation(rules)
    state = validation.add_batch(validation.create(), pa.RecordBatch.from_pydict({"n": [2] + [1] * 99_999}))
    outcome = validation.extract(state).broken[0]
    assert "1 of 100,000 rows (under 0.01%)" in outcome.sentence


def test_no_rows() -> None:
    validation = RowValidation(compile_rules([NotNull(column="n")]))
    empty = validation.extract(validation.create())
    assert (empty.ok, empty.outcomes[0].share) == (True, 0.0)


def test_a_rule_on_a_column_that_there_is_not_is_an_error() -> None:
    with raises("rows.unknown_column", "fair.range.max", "fair"):
        report(Range(column="fair", max=1))


def test_the_schema_of_data_whose_batches_differ() -> None:
    columns = DataSchema()
    state = columns.create()
    for batch in ({"b": [None], "a": [1]}, {"c": pa.array([[]])}, {"b": ["x"], "c": [[1]]}):
        state = columns.add_batch(state, pa.RecordBatch.from_pydict(batch))
    assert columns.extract(state) == pa.schema([("b", pa.string()), ("a", pa.int64()), ("c", pa.list_(pa.int64()))])
    with raises("rows.different_types", "a", "int64", "string"):
        columns.add_batch(state, pa.RecordBatch.from_pydict({"a": ["x"]}))
