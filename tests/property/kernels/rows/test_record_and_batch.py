"""A record breaks a rule exactly where its row in a batch does."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.rows.declared_rules import Expression, NotNull, Range, Regex, compile_rules
from assay.kernels.rows.record import Record
from assay.kernels.rows.record_validator import RowValidator
from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.validation import judge

TEXTS = st.sampled_from(["a", "b", "c", "", "7", "-3", " 12 ", "1_0", "1.5", "nan", "inf", "0x1p3", "é", "9" * 30])
BYTES = TEXTS.map(str.encode) | st.binary(max_size=3)
WHOLE = st.integers(-20, 20) | st.integers(-(2**63), 2**63 - 1)
REAL = st.floats(width=32) | st.sampled_from([0.0, 1.0, 0.5, 0.1])
CELLS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int64(), WHOLE),
    (pa.bool_(), st.booleans()),
    (pa.float64(), st.floats() | st.sampled_from([0.0, 1.0, 0.1, 10.0])),
    (pa.float32(), REAL),
    (pa.string(), TEXTS),
    (pa.binary(), BYTES),
    (pa.null(), st.none()),
]


@st.composite
def columns(draw: st.DrawFn, num_rows: int) -> pa.Array:
    kind, values = draw(st.sampled_from(CELLS))
    for _ in range(draw(st.integers(0, 2))):
        kind, values = pa.list_(kind), st.lists(values | st.none(), max_size=3)
    cells = draw(st.lists(values | st.none(), min_size=num_rows, max_size=num_rows))
    if draw(st.booleans()) and kind == pa.string():
        return pa.array(cells, kind).dictionary_encode()
    return pa.array([None, *cells], kind)[1:] if draw(st.booleans()) else pa.array(cells, kind)


def records(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows as Python values, with numpy's for numbers of single precision, which Python lacks."""

    def value(cell: Any, kind: pa.DataType) -> Any:
        if isinstance(cell, list):
            return [value(each, kind.value_type) for each in cell]
        return np.float32(cell) if kind == pa.float32() and cell is not None else cell

    kinds = {field.name: field.type for field in batch.schema}
    return [{name: value(cell, kinds[name]) for name, cell in row.items()} for row in batch.to_pylist()]


def add_domain(draw: st.DrawFn, feature: schema_pb2.Feature) -> None:
    match draw(st.sampled_from(["none", "int", "float", "string", "bool"])):
        case "int":
            feature.int_domain.min, feature.int_domain.max = draw(st.integers(-9, 0)), draw(WHOLE)
        case "float":
            feature.float_domain.min, feature.float_domain.max = draw(st.sampled_from([0.1, -1.0])), draw(REAL)
            feature.float_domain.disallow_nan = feature.float_domain.disallow_inf = True
        case "string":
            feature.string_domain.value.extend(["a", "b", "é"])
            if draw(st.booleans()):
                feature.distribution_constraints.min_domain_mass = draw(st.sampled_from([0.5, 0.7]))
        case "bool":
            feature.bool_domain.true_value = "a"


@st.composite
def features(draw: st.DrawFn, name: str) -> schema_pb2.Feature:
    feature = schema_pb2.Feature(name=name, type=draw(st.sampled_from([1, 2, 3])))
    if draw(st.booleans()):
        feature.presence.min_fraction = draw(st.sampled_from([0.5, 1.0]))
    small = st.integers(1, 3)
    match draw(st.sampled_from(["none", "value_count", "value_counts", "shape"])):
        case "value_count":
            feature.value_count.min, feature.value_count.max = draw(small), 2
        case "value_counts":
            for _ in range(draw(small)):
                feature.value_counts.value_count.add(min=draw(small), max=2)
        case "shape":
            feature.shape.dim.add(size=draw(small))
    add_domain(draw, feature)
    return feature


DECLARED = (
    NotNull(column="y"),
    Regex(column="x", pattern=r"[a-c]|\d+"),
    Regex(column="y", pattern="1", search=True, id="finds a one"),
    Range(column="x", min=-2.5, max=10),
    Range(column="y", min=0.1, severity="warning"),
    Expression(holds="x <= y"),
    Expression(holds="x is not None and not (y > 1 or x + y / x < 3) or x in ('a', 7)"),
    Expression(holds="-2 < abs(x) * 2 - y <= 8"),
    Expression(holds="x"),
    Expression(holds="y is None or x == 'a' or absent == 3"),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[pa.RecordBatch, schema_pb2.Schema]:
    num_rows = draw(st.integers(1, 6))
    names = draw(st.lists(st.sampled_from(["x", "y", "z"]), unique=True, min_size=1))
    batch = pa.RecordBatch.from_arrays([draw(columns(num_rows)) for _ in names], names)
    schema = schema_pb2.Schema(feature=[draw(features(name)) for name in ("x", "y")])
    schema.feature.add(name="absent")
    return batch, schema


@settings(max_examples=50)
@given(cases())
def test_a_record_breaks_what_its_row_breaks(case: tuple[pa.RecordBatch, schema_pb2.Schema]) -> None:
    batch, schema = case
    rules = schema_rules(schema) + compile_rules(DECLARED)
    outcome = judge(rules, batch, {})
    validator = pickle.loads(pickle.dumps(RowValidator(schema, DECLARED)))
    for row, record in enumerate(records(batch)):
        in_batch = [
            rule.id for rule, mask in zip(rules.row_rules, outcome.masks, strict=True) if mask is not None and mask[row]
        ]
        assert [breach.rule_id for breach in validator.validate(record)] == in_batch
        assert validator.is_valid(record) == (not outcome.rejected[row])
        for rule in rules.row_rules:
            assert rule.breaks(Record(record)) in {True, False}


@given(st.lists(REAL | st.none(), max_size=4), st.integers(-5, 5), TEXTS)
def test_a_record_of_numpy_values_is_read_as_one_of_python_values(
    floats: list[float | None], whole: int, text: str
) -> None:
    schema = schema_pb2.Schema()
    schema.feature.add(name="f", type=schema_pb2.FLOAT).float_domain.max = 3
    schema.feature.add(name="i", type=schema_pb2.INT).int_domain.max = 3
    schema.feature.add(name="t", type=schema_pb2.BYTES).string_domain.value.append("a")
    validator = RowValidator(schema)
    reals = [each for each in floats if each is not None]
    plain = {"f": reals, "i": whole, "t": text}
    arrays = {"f": np.array(reals, np.float32), "i": np.int32(whole), "t": np.str_(text)}
    assert [b.rule_id for b in validator.validate(plain)] == [b.rule_id for b in validator.validate(arrays)]
