# ruff: noqa: N802 (components have the names of types)
"""Any condition decides what Python decides on the same values."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from assay.artifacts import Schema
from assay.spec import Output, component
from assay.spec.condition import Combination, Negation, OutputComparison, Predicate


class Values(NamedTuple):
    a: int
    b: int


@component
def Give(schema: Output[Schema]) -> Values:
    raise NotImplementedError


OUTPUTS = [Give().outputs[key] for key in ("a", "b")]
comparisons = st.builds(
    OutputComparison,
    st.sampled_from(OUTPUTS),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    st.integers(0, 3) | st.sampled_from(OUTPUTS),
)
predicates = st.recursive(
    comparisons,
    lambda inner: st.builds(Combination, st.sampled_from(["and", "or"]), inner, inner) | st.builds(Negation, inner),
    max_leaves=6,
)


@given(predicates, st.integers(0, 3), st.integers(0, 3))
def test_a_predicate_means_what_it_reads_as(predicate: Predicate, a: int, b: int) -> None:
    values: dict[str, Any] = {"a": a, "b": b}
    sentence = str(predicate).replace("Give.a", str(a)).replace("Give.b", str(b))
    assert predicate.evaluate(lambda operand: values[operand.key]) == eval(sentence)  # type: ignore[union-attr]  # a value
    assert {operand.key for operand in predicate.operands()} <= {"a", "b"}  # type: ignore[union-attr]  # a value
