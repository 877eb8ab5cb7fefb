# ruff: noqa: N802 (components have the names of types)
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from assay.artifacts import Examples, Schema
from assay.spec import Cond, Inputs, Output, Pipeline, RuntimeParameter, component
from assay.spec.node import Node
from assay.spec.pipeline import ExecutionMode
from raising import raises


class Found(NamedTuple):
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    steps: int = 1


@component
def Make(examples: Output[Examples], *, rows: int = 1, options: Options | None = None) -> Found:
    raise NotImplementedError


@component
def Use(examples: Inputs[Examples], schema: Output[Schema], *, rows: int = 1) -> None: ...


@component
def Gate(examples: Inputs[Examples], schema: Output[Schema], *, fail_on: str = "error") -> None: ...


def pipeline(*nodes: Any, **options: Any) -> Pipeline:
    return Pipeline("p", None, nodes, **options)


def order(*nodes: Node) -> list[str]:
    return [node.id for node in pipeline(*nodes).nodes]


def test_order_follows_data_whatever_the_author_wrote_first() -> None:
    make = Make()
    use = Use(examples=make.outputs["examples"])
    assert order(use, make) == ["Make", "Use"]


def test_ties_keep_the_author_s_order_and_a_gate_comes_first() -> None:
    make = Make()
    examples = make.outputs["examples"]
    a, b = Use(examples=examples).with_id("a"), Use(examples=examples).with_id("b")
    gate = Gate(examples=examples)
    assert order(make, b, a) == ["Make", "b", "a"]
    assert order(make, b, a, gate) == ["Make", "Gate", "b", "a"]


def test_after_and_conditions_and_values_order_steps_without_data() -> None:
    first, second, third = Make().with_id("first"), Make().with_id("second"), Make().with_id("third")
    first.after(second)
    with Cond(third.outputs["rows"] > 0):
        fourth = Make(rows=first.outputs["rows"]).with_id("fourth")
    assert order(fourth, first, second, third) == ["second", "first", "third", "fourth"]


def test_the_same_step_given_twice_is_one_step() -> None:
    make = Make()
    assert order(make, make) == ["Make"]


@pytest.mark.parametrize("name", ["", ".p", "a b", "a/b", None])
def test_a_pipeline_needs_a_name(name: Any) -> None:
    with raises("pipeline.name"):
        Pipeline(name, None, [Make()])


def test_a_cycle_is_named() -> None:
    a, b, c = Make().with_id("a"), Make().with_id("b"), Make().with_id("c")
    a.after(c), b.after(a), c.after(b)
    with raises("pipeline.cycle"):
        pipeline(a, b, c)
    lonely = Make()
    with raises("pipeline.cycle", "Make"):
        pipeline(lonely.after(lonely))


def test_two_steps_of_one_id_would_share_their_outputs() -> None:
    with raises("pipeline.duplicate_id", "Make", "with_id", "Make_2"):
        pipeline(Make(), Make())


def test_a_step_that_waits_for_one_outside_is_refused() -> None:
    use = Use(examples=Make().outputs["examples"])
    with raises("pipeline.foreign_step", "Use", "Make"):
        pipeline(use)
    with raises("pipeline.foreign_step", "Use", "Make"):
        pipeline(use, Make())


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ((), ("pipeline.empty",)),
        ((Make,), ("pipeline.not_called", "Make")),
        (("Make",), ("pipeline.not_a_step", "Make")),
    ],
)
def test_what_is_no_step_is_refused(nodes: tuple[Any, ...], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        pipeline(*nodes)


def test_runtime_parameters_are_found_inside_configuration() -> None:
    steps, rows = RuntimeParameter("steps", int), RuntimeParameter("rows", int, 5)
    make = Make(rows=rows, options=Options(steps=steps))  # type: ignore[arg-type]  # a placeholder
    again = Make(rows=rows).with_id("again")
    found = pipeline(make, again)
    assert found.parameters == {"steps": steps, "rows": rows}
    assert found.parameter_values({"steps": "7"}) == {"steps": 7, "rows": 5}


def test_parameter_values_are_checked() -> None:
    found = pipeline(Make(rows=RuntimeParameter("rows", int)))
    with raises("pipeline.unknown_parameter", "p", "row", "rows"):
        found.parameter_values({"row": 1})
    with raises("parameter.value", "rows", "many"):
        found.parameter_values({"rows": "many"})
    with raises("pipeline.missing_parameter", "p", "--param"):
        found.parameter_values({})


def test_one_name_for_two_parameters_is_refused() -> None:
    first = Make(rows=RuntimeParameter("rows", int, 1))
    with raises("pipeline.parameter_conflict", "rows"):
        pipeline(first, Make(rows=RuntimeParameter("rows", int, 2)).with_id("second"))


def test_tfx_s_other_arguments_are_accepted_where_they_change_nothing() -> None:
    pipeline = Pipeline("p", None, [Make()], execution_mode=ExecutionMode.SYNC, platform_config=None)
    assert [node.id for node in pipeline.nodes] == ["Make"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"execution_mode": ExecutionMode.ASYNC},
            ("pipeline.execution_mode", "ExecutionMode.SYNC", "ExecutionMode.ASYNC"),
        ),
        ({"platform_config": object()}, ("pipeline.refused_argument", "platform_config")),
        ({"outputs": {}}, ("pipeline.refused_argument", "outputs")),
        ({"enable_cahce": True}, ("pipeline.unknown_argument", "enable_cahce", "enable_cache")),
    ],
)
def test_arguments_that_a_pipeline_does_not_have(arguments: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        Pipeline("p", None, [Make()], **arguments)
