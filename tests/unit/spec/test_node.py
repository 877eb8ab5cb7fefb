# ruff: noqa: N802 (components have the names of types)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest

from assay.artifacts import Examples, ExampleStatistics, Model, ModelBlessing, Schema
from assay.spec import Channel, Importer, Input, Inputs, Output, ParsedBy, RuntimeParameter, component
from assay.spec.channel import ArtifactProperty, OutputParameter
from assay.spec.node import ComponentNode
from raising import raises


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    steps: int = 1
    splits: list[str] = field(default_factory=list)


def parse_pairs(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return dict(value)
    return dict(pair.split("=") for pair in value.split(","))


class Verdict(NamedTuple):
    blessed: bool
    score: float


@component
def Make(examples: Output[Examples]) -> None: ...


@component
def Count(examples: Inputs[Examples], statistics: Output[ExampleStatistics], *, rate: float = 1.0) -> None: ...


@component
def Train(
    examples: Input[Examples],
    model: Output[Model],
    *,
    schema: Input[Schema] | None = None,
    options: Options | None = None,
    pairs: Annotated[dict[str, str], ParsedBy(parse_pairs)] | None = None,
    module: Path | None = None,
    limit: int | None = 5,
) -> None: ...


@component
def Judge(model: Input[Model], blessing: Output[ModelBlessing], *, bound: float) -> Verdict:
    raise NotImplementedError


def made() -> Any:
    return Make().outputs["examples"]


def test_outputs_are_channels_and_values_by_key() -> None:
    judge = Judge(model=Train(examples=made()).outputs["model"], bound=0.5)
    assert list(judge.outputs) == ["blessing", "blessed", "score"]
    assert len(judge.outputs) == 3
    assert repr(judge.outputs["blessing"]) == "Judge.outputs['blessing']"
    assert isinstance(judge.outputs["blessed"], OutputParameter)
    with raises("node.unknown_output", "blesing", "blessing"):
        judge.outputs["blesing"]


def test_tfx_s_notation_for_futures() -> None:
    judge = Judge(model=Train(examples=made()).outputs["model"], bound=0.5)
    assert judge.outputs["blessed"].future()[0].value is judge.outputs["blessed"]
    future = judge.outputs["blessing"].future()[0]
    assert isinstance(future.property("blessed"), ArtifactProperty)
    assert str(future.custom_property("blessed")) == "Judge.blessing[0].blessed"
    with raises("channel.unknown_property", "ModelBlessing", "blest", "blessed"):
        future.property("blest")


def test_a_channel_needs_an_artifact_class() -> None:
    with raises("channel.type", "Model"):
        Channel(type="Model")  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"exmples": 1}, ("component.unknown_argument", "exmples", "examples")),
        ({}, ("component.missing_argument", "examples")),
        ({"examples": None}, ("component.missing_argument", "examples")),
        ({"examples": Path("x")}, ("node.not_a_channel", "Train.examples", "PosixPath")),
        ({"examples": Channel(type=Examples)}, ("node.no_producer",)),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        Train(**arguments)


def test_wiring_is_checked_by_type_and_number() -> None:
    model = Train(examples=made()).outputs["model"]
    with raises("node.channel_type", "Count.examples", "Model"):
        Count(examples=model)
    with raises("node.one_channel", "Train.examples", "2"):
        Train(examples=[made(), made()])
    with raises("node.one_channel", "Train.examples", "0"):
        Train(examples=[])
    both = Count(examples=[made(), Make().with_id("Make_2").outputs["examples"]])
    assert [channel.node.id for channel in both.input_channels()["examples"]] == ["Make", "Make_2"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"options": Options(steps="many")}, ("parameter.value", "Train.options", "int", "str", "$.steps")),  # type: ignore[arg-type]  # the point
        ({"options": {"stepps": 1, "steps": [1]}}, ("parameter.value", "Train.options", "int", "array")),
        ({"options": {"stepps": 1}}, ("parameter.unknown_field", "Train.options", "stepps", "steps")),
        ({"options": object()}, ("parameter.not_json", "Train.options", "object")),
        ({"limit": "five"}, ("parameter.value", "Train.limit", "int | null", "str")),
    ],
)
def test_parameters_are_checked_when_they_are_declared(arguments: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        Train(examples=made(), **arguments)


def arguments(**given: Any) -> Mapping[str, Any]:
    node: ComponentNode = Train(examples=made(), **given)
    return node.arguments


def test_parameters_are_kept_in_their_json_form() -> None:
    assert arguments(options=Options(steps=2, splits=["train"]), module=Path("a/b.py")) == {
        "options": {"steps": 2, "splits": ["train"]},
        "module": "a/b.py",
    }
    assert arguments(pairs="a=1,b=2") == {"pairs": {"a": "1", "b": "2"}}


def test_none_leaves_an_argument_out_unless_it_is_a_value_of_its_own() -> None:
    assert arguments(schema=None, options=None) == {}
    assert arguments(limit=None) == {"limit": None}
    with raises("component.missing_argument", "bound"):
        Judge(model=Train(examples=made()).outputs["model"], bound=None)


def test_placeholders_stay_inside_values_until_the_run() -> None:
    steps = RuntimeParameter("steps", int, 3)
    assert arguments(options=Options(steps=steps)) == {"options": {"steps": steps, "splits": []}}  # type: ignore[arg-type]  # a placeholder
    text = RuntimeParameter("pairs", str, "a=1")
    assert arguments(pairs=text) == {"pairs": text}


def test_an_output_passed_as_a_parameter_is_waited_for() -> None:
    judge = Judge(model=Train(examples=made()).outputs["model"], bound=0.5)
    again = Judge(model=judge.input_channels()["model"][0], bound=judge.outputs["score"]).with_id("again")
    assert judge in again.upstream()


@pytest.mark.parametrize("bad", ["", ".hidden", "a/b", "a\\b", "a\0b"])
def test_an_id_must_be_a_folder_s_name(bad: str) -> None:
    with raises("node.id"):
        Make().with_id(bad)


@pytest.mark.parametrize("taken", ["runs", "lineage.db"])
def test_an_id_that_a_root_uses_itself_is_refused(taken: str) -> None:
    with raises("node.id_taken", taken):
        Make().with_id(taken)


def test_explicit_order_has_tfx_s_names_as_well() -> None:
    first, second, third = Make(), Make().with_id("second"), Make().with_id("third")
    second.add_upstream_node(first)
    second.add_downstream_node(third)
    assert second.upstream() == [first]
    assert third.upstream() == [second]
    with raises("node.after", "Make.after", "second"):
        first.after("second")


def test_an_importer_checks_type_and_properties() -> None:
    importer = Importer("folder", Schema, output_key="schema")
    assert list(importer.outputs) == ["schema"]
    with raises("importer.type", "artifact_type", "Schema"):
        Importer("folder", "Schema")  # type: ignore[arg-type]  # the point
    with raises("artifact.unknown_property", "spann", "span"):
        Importer("folder", Examples, custom_properties={"spann": 1})
    with raises("artifact.property_type", "span", "1"):
        Importer("folder", Examples, properties={"span": "1"})
