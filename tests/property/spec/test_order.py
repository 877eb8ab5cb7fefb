# ruff: noqa: N802 (components have the names of types)
"""The order of execution fits every wish, whatever order the author wrote the steps in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.artifacts import Schema
from assay.spec import Output, Pipeline, component


@component
def Step(schema: Output[Schema]) -> None: ...


@given(st.data(), st.integers(1, 8))
def test_each_step_comes_after_what_it_waits_for(data: st.DataObject, count: int) -> None:
    nodes = [Step().with_id(f"s{index}") for index in range(count)]
    pairs = [(earlier, later) for later in range(count) for earlier in range(later)]
    for earlier, later in data.draw(st.lists(st.sampled_from(pairs), max_size=12)) if pairs else []:
        nodes[later].after(nodes[earlier])
    written = data.draw(st.permutations(nodes))
    order = list(Pipeline("p", None, written).nodes)
    assert sorted(node.id for node in order) == sorted(node.id for node in nodes)
    for node in order:
        assert all(order.index(upstream) < order.index(node) for upstream in node.upstream())
    # Free steps keep the author's order.
    free = [node for node in written if not node.upstream()]
    assert [node for node in order if not node.upstream()] == free
