"""An expression has one truth: in a batch, in a record, as a row rule, as a slice, and in SQLite where types allow."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assay.errors import DataError, UsageError
from assay.kernels.expression import compile_expression
from assay.kernels.rows.batch_columns import BatchColumns
from assay.kernels.rows.declared_rules import Expression, compile_rules
from assay.kernels.rows.record import Record
from assay.kernels.statistics import SlicingSpec
from assay.kernels.statistics.slices.keys import Slicer

TEXTS = st.sampled_from(["", "a", "A", "ab", "é", "ß", "7", "2024-03-01", "2024-03-01T12:30:00", "1e400", "\U0001f600"])
TIMES = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - some types have no zone
WHOLE = st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1, 2**53 + 1])
SINGLE = st.sampled_from([0.0, 0.1, 1.0, 16777216.0, 3e38, float("nan")]) | st.floats(width=32)
FUNCTIONS = ["abs", "is_nan", "length", "lower", "upper", "year", "month", "day", "hour", "minute", "weekday"]
CELLS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int64(), WHOLE),
    (pa.int8(), st.integers(-128, 127)),
    (pa.uint64(), st.integers(0, 3) | st.sampled_from([2**63, 2**64 - 1])),
    (pa.bool_(), st.booleans()),
    (pa.float64(), st.floats() | st.sampled_from([0.0, -0.0, 1.0, 0.1, 2.0**53])),
    (pa.float32(), SINGLE),
    (pa.string(), TEXTS),
    (pa.binary(), TEXTS.map(str.encode) | st.binary(max_size=2)),
    (pa.timestamp("s"), TIMES.map(lambda time: time.replace(microsecond=0))),
    (pa.timestamp("us", "Europe/Berlin"), TIMES),
    (pa.timestamp("ns"), TIMES),
    (pa.date32(), st.dates(date(1700, 1, 1), date(2200, 1, 1))),
    (pa.duration("s"), st.just(timedelta(seconds=1))),
    (pa.decimal128(10, 2), st.sampled_from([Decimal("0.10"), Decimal("1.00")])),
    (pa.struct([("a", pa.int64())]), st.just({"a": 1})),
    (pa.null(), st.none()),
]
NAMES = ("x", "y", "a b")


@st.composite
def columns(draw: st.DrawFn, num_rows: int) -> pa.Array:
    kind, values = draw(st.sampled_from(CELLS))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        kind, values = pa.list_(kind), st.lists(values | st.none(), max_size=2)
    cells = draw(st.lists(values | st.none(), min_size=num_rows, max_size=num_rows))
    if draw(st.booleans()) and kind == pa.string():
        return pa.array(cells, kind).dictionary_encode()
    return pa.array([None, *cells], kind)[1:] if draw(st.booleans()) else pa.array(cells, kind)


@st.composite
def batches(draw: st.DrawFn) -> pa.RecordBatch:
    num_rows = draw(st.integers(1, 4))
    return pa.RecordBatch.from_arrays([draw(columns(num_rows)) for _ in NAMES], NAMES)


def records(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows as Python values, with numpy's for numbers of single precision, which Python lacks."""

    def value(cell: Any, kind: pa.DataType) -> Any:
        if isinstance(cell, list):
            return [value(each, kind.value_type) for each in cell]
        return np.float32(cell) if kind == pa.float32() and cell is not None else cell

    kinds = {field.name: field.type for field in batch.schema}
    return [{name: value(cell, kinds[name]) for name, cell in row.items()} for row in batch.to_pylist()]


CONSTANTS = st.one_of(
    WHOLE.map(str),
    st.sampled_from(["0.1", "1.5", "1e300", "18446744073709551616", "True"]),
    TEXTS.map(repr),
)
NAMED = st.sampled_from(["x", "y", "x", "y", "col('a b')", "absent"])
ATOMS = st.one_of(NAMED, NAMED, CONSTANTS)
ONE = st.sampled_from(FUNCTIONS)
TWO = st.sampled_from(["contains", "starts_with", "ends_with", "matches"])
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, COMPARISONS, inner),
        st.builds("({} {} {} {} {})".format, inner, COMPARISONS, inner, COMPARISONS, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "and", "or"]), inner),
        st.builds("({} {} ({}, {}))".format, inner, st.sampled_from(["in", "not in"]), inner, inner),
        st.builds("({} {} None)".format, inner, st.sampled_from(["is", "is not"])),
        st.builds("(not {})".format, inner),
        st.builds("(-{})".format, inner),
        st.builds("{}({})".format, ONE, inner),
        st.builds("{}({}, {})".format, TWO, inner, inner),
    )


@settings(max_examples=300)
@given(batches(), st.recursive(ATOMS, _wider, max_leaves=6))
def test_batches_records_rules_and_slices_agree(batch: pa.RecordBatch, text: str) -> None:
    try:
        condition = compile_expression(text)
    except UsageError:  # it names no column, or its constants do not go together
        assume(False)
    truth = BatchColumns(batch).truth(condition)
    (rule,) = compile_rules([Expression(holds=text)]).row_rules
    mask = rule.mask(BatchColumns(batch))
    assert mask is not None
    for row, record in enumerate(records(batch)):
        assert rule.breaks(Record(record)) == mask[row] == (truth.false[row] or truth.unreadable[row])
        opposite = compile_rules([Expression(holds=f"not ({text})")]).row_rules[0]
        assert opposite.breaks(Record(record)) == (truth.true[row] or truth.unreadable[row])
    try:
        sliced = [rows for _, rows in Slicer([SlicingSpec(where=text)], None).slices(batch)]
    except DataError as error:
        assert error.code == "expression.unreadable"  # noqa: PT017 - slices or an error
        assert truth.unreadable.any()
    else:
        assert not truth.unreadable.any()
        assert sum(rows.num_rows for rows in sliced) == truth.true.sum()


Pair = tuple[str, str]
"""An expression of ours, and of SQL."""


def _same(form: str, sql: str = "") -> Any:
    return lambda *pairs: (form.format(*(one for one, _ in pairs)), (sql or form).format(*(two for _, two in pairs)))


SMALL = st.integers(-3, 3).map(lambda number: (f"({number})",) * 2)
REALS = st.sampled_from([0.5, -2.5, 1e6, 0.1]).map(lambda number: (f"({number})",) * 2)
QUOTED = st.sampled_from(["", "a", "b", "é", "\U0001f600"]).map(lambda text: (f"'{text}'",) * 2)
PLAIN_NUMBERS: st.SearchStrategy[Pair] = st.one_of(
    SMALL, REALS, st.sampled_from([("i", "i"), ("j", "j"), ("r", "r"), ("absent", "NULL")])
)
BIG: st.SearchStrategy[Pair] = st.sampled_from([("n", "n"), (str(2**53),) * 2, (str(2**63 - 1),) * 2, ("m", "m")])
WORDS: st.SearchStrategy[Pair] = QUOTED | st.sampled_from([("t", "t"), ("u", "u")])
NUMBERS: st.SearchStrategy[Pair] = st.recursive(
    PLAIN_NUMBERS,
    lambda inner: st.one_of(
        *(st.builds(_same(f"({{}} {symbol} {{}})"), inner, inner) for symbol in "+-*"),
        st.builds(_same("({} / {})", "(CAST({} AS REAL) / {})"), inner, inner),
        st.builds(_same("abs({})"), inner),
        st.builds(_same("(-{})"), inner),
        st.builds(_same("length({})"), WORDS),
    ),
    max_leaves=4,
)
SQL_SYMBOLS = {"==": "=", "!=": "<>"}


def _comparisons(values: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return st.one_of(
        *(
            st.builds(_same(f"({{}} {symbol} {{}})", f"({{}} {SQL_SYMBOLS.get(symbol, symbol)} {{}})"), values, values)
            for symbol in ("==", "!=", "<", "<=", ">", ">=")
        ),
        st.builds(_same("({} in ({}, {}))"), values, values, values),
        st.builds(_same("({} not in ({}, {}))"), values, values, values),
        st.builds(_same("({} < {} <= {})", "({0} < {1} AND {1} <= {2})"), values, values, values),
        st.builds(_same("({} is None)", "({} IS NULL)"), values),
        st.builds(_same("({} is not None)", "({} IS NOT NULL)"), values),
    )


CONDITIONS: st.SearchStrategy[Pair] = st.recursive(
    _comparisons(NUMBERS) | _comparisons(BIG) | _comparisons(WORDS),
    lambda inner: st.one_of(
        st.builds(_same("({} and {})"), inner, inner),
        st.builds(_same("({} or {} or {})"), inner, inner, inner),
        st.builds(_same("(not {})"), inner),
    ),
    max_leaves=4,
)
CELLS_OF_SQL: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "i": (pa.int32(), st.integers(-3, 3)),
    "j": (pa.int64(), st.integers(-3, 3)),
    "r": (pa.float64(), st.sampled_from([0.0, 0.5, -2.5, 0.1, 1e6])),
    "n": (pa.int64(), st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, -(2**63)])),
    "m": (pa.int64(), st.sampled_from([2**53, 2**63 - 2])),
    "t": (pa.string(), st.sampled_from(["", "a", "b", "é", "\U0001f600"])),
    "u": (pa.string(), st.sampled_from(["a", "\uffff"])),
}


@settings(max_examples=300)
@given(st.tuples(*(values | st.none() for _, values in CELLS_OF_SQL.values())), CONDITIONS)
def test_the_truth_is_that_of_sql(row: tuple[Any, ...], pair: Pair) -> None:
    text, sql = pair
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        names = ", ".join(f"? AS {name}" for name in CELLS_OF_SQL)
        (expected,) = connection.execute(f"SELECT {sql} FROM (SELECT {names})", row).fetchone()
    try:
        condition = compile_expression(text)
    except UsageError:  # it names no column
        assume(False)
    arrays = [pa.array([cell], kind) for cell, (kind, _) in zip(row, CELLS_OF_SQL.values(), strict=True)]
    batch = pa.RecordBatch.from_arrays(arrays, list(CELLS_OF_SQL))
    truth = BatchColumns(batch).truth(condition)
    found = True if truth.true[0] else False if truth.false[0] else None
    assert not truth.unreadable[0]
    assert found == (None if expected is None else bool(expected))
