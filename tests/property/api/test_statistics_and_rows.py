"""Statistics and row rules agree on each constraint of a schema, or statistics say that they cannot decide."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from google.protobuf import text_format
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

import assay
from assay.kernels.statistics import StatisticsOptions

TEXT = st.sampled_from(["a", "b", "c", "d", "e"])
INTS = st.integers(-3, 6)
FLOATS = st.one_of(st.sampled_from([-1.0, 0.0, 0.5, 2.0, float("nan")]), st.integers(-3, 6).map(float))


def columns(values: st.SearchStrategy[Any], of: pa.DataType) -> st.SearchStrategy[pa.Array]:
    cells = st.lists(st.one_of(st.none(), values, values, values), min_size=1, max_size=12)
    lists = st.lists(st.one_of(st.none(), st.lists(values, min_size=1, max_size=3)), min_size=1, max_size=12)
    return st.one_of(
        cells.map(lambda found: pa.array(found, of)), lists.map(lambda found: pa.array(found, pa.list_(of)))
    )


def constraints(kind: str) -> st.SearchStrategy[str]:
    small = st.integers(-2, 4)
    bounds = {
        "BYTES": st.sampled_from(
            [
                'string_domain { value: "a" value: "b" value: "c" }',
                'string_domain { value: "a" value: "b" } distribution_constraints { min_domain_mass: 0.7 }',
                "int_domain { min: 0 max: 3 }",
                "unique_constraints { min: 2 max: 3 }",
            ]
        ),
        "INT": small.map(lambda low: f"int_domain {{ min: {low} max: {low + 4} }}"),
        "FLOAT": st.one_of(
            small.map(lambda low: f"float_domain {{ min: {low} max: {low + 3} }}"),
            st.just("float_domain { disallow_nan: true }"),
        ),
    }[kind]
    presence = st.sampled_from(["", "presence { min_fraction: 1 }", "presence { min_fraction: 0.5 min_count: 2 }"])
    valency = st.sampled_from(["", "value_count { min: 1 max: 2 }", "shape { dim { size: 1 } }"])
    return st.tuples(st.one_of(st.just(""), bounds), presence, valency).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_statistics_and_rows_reach_one_verdict(data: st.DataObject) -> None:
    column = data.draw(
        st.one_of(columns(TEXT, pa.string()), columns(INTS, pa.int64()), columns(FLOATS, pa.float64())), label="column"
    )
    kind = data.draw(st.sampled_from(["BYTES", "INT", "FLOAT"]), label="type")
    text = f'feature {{ name: "x" type: {kind} {data.draw(constraints(kind), label="constraints")} }}'
    # A column without any value under a fixed shape: only rows reject it, as the core has no type to judge.
    assume(column.null_count < len(column) or "shape" not in text)
    schema = text_format.Parse(text, schema_pb2.Schema())
    table = pa.table({"x": column})
    options = StatisticsOptions(num_rank_histogram_buckets=data.draw(st.sampled_from([2, 1000]), label="buckets"))
    by_statistics = assay.validate(assay.statistics(table, schema=schema, options=options), schema)
    both = assay.validate(table, schema, options=options, rows=True)
    undecided = [each for each in by_statistics.findings if each.type == "STATS_NOT_AVAILABLE"]
    assert all("--rows" in each.description for each in undecided)
    of_data = assay.validate(table, schema, options=options).ok
    assert by_statistics.ok == of_data or undecided
    assert of_data == both.ok
