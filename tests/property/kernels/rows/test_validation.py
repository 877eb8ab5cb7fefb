"""A report depends on the rows and their order, not on how they are cut, merged or spread over threads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.engines.embedded import EmbeddedEngine
from assay.kernels.rows.declared_rules import Expression, NotNull, Unique, compile_rules
from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.separation import Separation
from assay.kernels.rows.validation import RowValidation, find_duplicates, validate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEMA = schema_pb2.Schema()
SCHEMA.feature.add(name="n", type=schema_pb2.INT).int_domain.max = 3
SCHEMA.feature[0].unique_constraints.max = 4
SCHEMA.feature.add(name="t", type=schema_pb2.BYTES).string_domain.value.extend(["a", "b"])
DECLARED = (
    NotNull(column="n"),
    Unique(columns=("n", "t")),
    Unique(columns=("t",), severity="warning"),
    Expression(holds="n < 5 or t == 'a'"),
)
RULES = schema_rules(SCHEMA) + compile_rules(DECLARED)
TYPES = pa.schema([("n", pa.int64()), ("t", pa.string())])
ROWS = st.lists(st.tuples(st.none() | st.integers(0, 6), st.none() | st.sampled_from("abc")), max_size=20)


@dataclass
class Batches:
    """Batches in shards, as a source has them."""

    parts: Sequence[Sequence[pa.RecordBatch]]
    bounded: bool = False

    @property
    def shards(self) -> list[Shard]:
        return [Shard(part) for part in self.parts]


@dataclass
class Shard:
    part: Sequence[pa.RecordBatch]

    def batches(self, columns: Any = None) -> Iterator[pa.RecordBatch]:
        return iter(self.part)


def batch(rows: Sequence[tuple[int | None, str | None]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([r[at] for r in rows], TYPES.types[at]) for at in (0, 1)], schema=TYPES)


@st.composite
def cut(draw: st.DrawFn) -> tuple[pa.RecordBatch, Batches]:
    rows = draw(ROWS)
    bounds = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    pieces = [batch(rows[low:high]) for low, high in zip([0, *bounds], [*bounds, len(rows)], strict=True)]
    turn = draw(st.integers(0, len(pieces)))
    return batch(rows), Batches([pieces[:turn], pieces[turn:]], draw(st.booleans()))


@given(cut(), st.integers(1, 3))
def test_any_cut_and_any_number_of_threads_give_one_report(case: tuple[pa.RecordBatch, Batches], threads: int) -> None:
    whole, source = case
    expected = validate_rows(partial(EmbeddedEngine(1).reduce, Batches([[whole]])), RULES)
    assert validate_rows(partial(EmbeddedEngine(threads).reduce, source), RULES) == expected


@given(cut())
def test_merging_is_associative(case: tuple[pa.RecordBatch, Batches]) -> None:
    whole, source = case
    duplicates = find_duplicates(partial(EmbeddedEngine(1).reduce, Batches([[whole]])), RULES)
    validation = RowValidation(RULES, duplicates)

    def states() -> list[Any]:
        pieces = [each for part in source.parts for each in part]
        return [validation.add_batch(validation.create(), piece) for piece in pieces]

    left, *rest = states()
    for state in rest:
        left = validation.merge([left, state])
    *front, right = states()
    for state in reversed(front):
        right = validation.merge([state, right])
    assert validation.extract(left) == validation.extract(right) == validation.extract(validation.merge(states()))


@given(ROWS)
def test_duplicates_are_the_rows_whose_whole_key_occurs_again(rows: list[tuple[int | None, str | None]]) -> None:
    report = validate_rows(partial(EmbeddedEngine(1).reduce, Batches([[batch(rows)]])), RULES)
    outcome = {each.rule_id: each for each in report.outcomes}
    counts = Counter(row for row in rows if None not in row)
    assert outcome["n, t.unique"].num_broken == sum(count for count in counts.values() if count > 1)
    distinct = len({n for n, _ in rows} - {None})
    assert outcome["n.unique.max"].observed == distinct
    assert outcome["n.unique.max"].ok == (distinct <= 4)


@given(cut())
def test_separated_rows_are_the_rows_that_the_report_counts(case: tuple[pa.RecordBatch, Batches]) -> None:
    whole, source = case
    engine = EmbeddedEngine(2)
    reduce = partial(engine.reduce, source)
    report = validate_rows(reduce, RULES)
    parts = list(engine.map(source, Separation(RULES, find_duplicates(reduce, RULES))))
    broken = sum((Counter(part.broken) for part in parts), Counter[str]())
    assert broken == {each.rule_id: each.num_broken for each in report.broken if each.num_broken}
    assert sum(part.rejected.num_rows for part in parts) == report.num_rejected
    assert sum(part.clean.num_rows for part in parts) == report.num_clean
    kept = [row for part in parts for side in (part.clean, part.rejected) for row in side.to_pylist()]
    assert Counter((row["n"], row["t"]) for row in kept) == Counter((r["n"], r["t"]) for r in whole.to_pylist())
