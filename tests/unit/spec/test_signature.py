# ruff: noqa: N802 (components have the names of types)
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypedDict

import pytest

from assay.artifacts import Artifact, Examples, ExampleStatistics, Model, Schema
from assay.spec import ExecutionContext, FilePath, Input, Inputs, Output, UserFunction, UserModule, component
from assay.spec.annotations import FileMark, UserFunctionMark, UserModuleMark
from assay.spec.signature import REQUIRED
from raising import raises


class Counts(NamedTuple):
    rows: int
    name: str


class Decision(TypedDict):
    blessed: bool


@component(libraries=("numpy",))
def Everything(
    context: ExecutionContext,
    examples: Inputs[Examples],
    statistics: Input[ExampleStatistics],
    model: Output[Model],
    *,
    schema: Input[Schema] | None = None,
    report: Output[Artifact] | None = None,
    module_file: UserModule | None = None,
    run_fn: UserFunction | None = None,
    config: FilePath,
    steps: int = 3,
) -> Counts:
    """Does everything.

    In two paragraphs.

    Args:
        examples: The rows,
            on two lines.
        steps: How many.

    Returns:
        rows: Rows seen.
    """
    raise NotImplementedError


def test_a_signature_is_read_once_into_a_declaration() -> None:
    spec = Everything.spec
    assert (spec.name, spec.context_name, spec.libraries) == ("Everything", "context", ("numpy",))
    assert spec.description == "Does everything.\n\nIn two paragraphs."
    assert {key: (one.artifact, one.many, one.optional) for key, one in spec.inputs.items()} == {
        "examples": (Examples, True, False),
        "statistics": (ExampleStatistics, False, False),
        "schema": (Schema, False, True),
    }
    assert {key: (one.artifact, one.optional) for key, one in spec.outputs.items()} == {
        "model": (Model, False),
        "report": (Artifact, True),
    }
    assert list(spec.parameters) == ["module_file", "run_fn", "config", "steps"]
    assert spec.parameters["steps"].default == 3
    assert spec.parameters["config"].default is REQUIRED
    assert spec.parameters["config"].required


def test_documentation_comes_from_the_docstring() -> None:
    spec = Everything.spec
    assert spec.inputs["examples"].description == "The rows, on two lines."
    assert spec.parameters["steps"].description == "How many."
    assert spec.output_parameters["rows"].description == "Rows seen."


def test_marks_are_found_inside_optional_annotations() -> None:
    parameters = Everything.spec.parameters
    assert isinstance(parameters["module_file"].mark, UserModuleMark)
    assert isinstance(parameters["run_fn"].mark, UserFunctionMark)
    assert isinstance(parameters["config"].mark, FileMark)
    assert parameters["steps"].mark is None


def test_output_parameters_come_from_a_named_tuple_or_a_typed_dict() -> None:
    @component(name="Judge")
    def decide() -> Decision:
        return {"blessed": True}

    assert decide.spec.name == "Judge"
    assert {key: one.type for key, one in decide.spec.output_parameters.items()} == {"blessed": bool}
    assert {key: one.type for key, one in Everything.spec.output_parameters.items()} == {"rows": int, "name": str}


def no_annotation(examples, model: Output[Model]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 (the point)
    ...


def variadic(*, model: Output[Model], **rest: int) -> None: ...


def positional_variadic(*rest: int) -> None: ...


def not_an_artifact(examples: Input[int]) -> None: ...


def not_an_artifact_output(model: Output[str]) -> None: ...


def returns_a_number() -> int:
    return 1


class Clash(NamedTuple):
    model: str


def two_outputs_to_one_key(model: Output[Model]) -> Clash:
    raise NotImplementedError


def undefined(examples: Input[Nowhere]) -> None:  # type: ignore[name-defined]  # noqa: F821 (the point)
    ...


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (no_annotation, ("component.no_annotation", "examples", "no_annotation")),
        (variadic, ("component.variadic", "variadic", "rest")),
        (positional_variadic, ("component.variadic", "positional_variadic", "rest")),
        (not_an_artifact, ("component.not_an_artifact_type", "examples", "not_an_artifact", "int")),
        (not_an_artifact_output, ("component.not_an_artifact_type", "model", "not_an_artifact_output", "str")),
        (returns_a_number, ("component.return_type", "returns_a_number", "int", "NamedTuple", "TypedDict")),
        (two_outputs_to_one_key, ("component.duplicate_output", "model")),
        (undefined, ("component.unknown_annotation", "undefined", "Nowhere")),
    ],
)
def test_a_signature_that_is_no_component_s_is_refused(function: Callable[..., Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        component(function)


def test_a_component_takes_named_arguments_only() -> None:
    with raises("component.positional", "Everything", "here") as caught:
        Everything("here")
    assert caught.value.hint == "Write Everything(examples=…)."


@component(positional=("rate", "old", "limit"), refused={"old": "Use `rate`."})
def Ordered(report: Output[Schema], *, limit: int = 0, rate: float = 1.0) -> None: ...


def test_arguments_by_position_where_an_order_is_declared() -> None:
    assert Ordered(0.5, None, 3).arguments == {"rate": 0.5, "limit": 3}
    assert Ordered(0.5, limit=2).arguments == {"rate": 0.5, "limit": 2}
    with raises("component.refused_argument", "Ordered", "old") as caught:
        Ordered(0.5, "x")
    assert caught.value.hint == "Use `rate`."
    with raises("component.argument_twice", "Ordered", "rate"):
        Ordered(0.5, rate=1.0)
    with raises("component.positional", "Ordered", "3", "1", "2", "4"):
        Ordered(1, 2, 3, 4)
