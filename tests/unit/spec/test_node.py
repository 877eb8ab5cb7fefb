# ruff: noqa: N802 (components have the names of types)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest

from assay.artifacts import Examples, ExampleStatistics, Model, ModelBlessing, Schema
from assay.errors import ArtifactError, UsageError
from assay.spec import Channel, Importer, Input, Inputs, Output, ParsedBy, RuntimeParameter, component
from assay.spec.channel import ArtifactProperty, OutputParameter
from assay.spec.node import ComponentNode


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
    with pytest.raises(UsageError, match=r"Judge has no output 'blesing'\. Did you mean 'blessing'\?"):
        judge.outputs["blesing"]


def test_tfx_s_notation_for_futures() -> None:
    judge = Judge(model=Train(examples=made()).outputs["model"], bound=0.5)
    assert judge.outputs["blessed"].future()[0].value is judge.outputs["blessed"]
    future = judge.outputs["blessing"].future()[0]
    assert isinstance(future.property("blessed"), ArtifactProperty)
    assert str(future.custom_property("blessed")) == "Judge.blessing[0].blessed"
    with pytest.raises(UsageError, match=r"ModelBlessing declares no property 'blest'\. Did you mean 'blessed'\?"):
        future.property("blest")


def test_a_channel_needs_an_artifact_class() -> None:
    with pytest.raises(UsageError, match=r"type must be an artifact class, got 'Model'"):
        Channel(type="Model")  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"exmples": 1}, r"Train has no argument 'exmples'\. Did you mean 'examples'\?"),
        ({}, r"Train needs `examples`\."),
        ({"examples": None}, r"Train needs `examples`\."),
        ({"examples": Path("x")}, r"Train\.examples takes another step's output of type Examples, got PosixPath"),
        ({"examples": Channel(type=Examples)}, r"got a Channel that no step puts out\. Let a Resolver find"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Train(**arguments)


def test_wiring_is_checked_by_type_and_number() -> None:
    model = Train(examples=made()).outputs["model"]
    with pytest.raises(UsageError, match=r"Count\.examples takes Examples, but Train.* carries Model"):
        Count(examples=model)
    with pytest.raises(UsageError, match=r"Train\.examples takes one channel, got 2"):
        Train(examples=[made(), made()])
    with pytest.raises(UsageError, match=r"Train\.examples takes one channel, got 0"):
        Train(examples=[])
    both = Count(examples=[made(), Make().with_id("Make_2").outputs["examples"]])
    assert [channel.node.id for channel in both.input_channels()["examples"]] == ["Make", "Make_2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"options": Options(steps="many")}, r"`Train\.options`: Expected `int`, got `str` - at `\$\.steps`"),  # type: ignore[arg-type]  # the point
        ({"options": {"stepps": 1, "steps": [1]}}, r"`Train\.options`: Expected `int`, got `array`"),
        ({"options": {"stepps": 1}}, r"`Train\.options` has no 'stepps'\. Did you mean 'steps'\?"),
        ({"options": object()}, r"`Train\.options` is a object, which has no JSON form"),
        ({"limit": "five"}, r"`Train\.limit`: Expected `int \| null`, got `str`"),
    ],
)
def test_parameters_are_checked_when_they_are_declared(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
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
    with pytest.raises(UsageError, match=r"Judge needs `bound`"):
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
    with pytest.raises(UsageError, match="usable as a folder's name"):
        Make().with_id(bad)


@pytest.mark.parametrize("taken", ["runs", "lineage.db"])
def test_an_id_that_a_root_uses_itself_is_refused(taken: str) -> None:
    with pytest.raises(UsageError, match=f"cannot be called '{taken}'"):
        Make().with_id(taken)


def test_explicit_order_has_tfx_s_names_as_well() -> None:
    first, second, third = Make(), Make().with_id("second"), Make().with_id("third")
    second.add_upstream_node(first)
    second.add_downstream_node(third)
    assert second.upstream() == [first]
    assert third.upstream() == [second]
    with pytest.raises(UsageError, match=r"Make\.after\(\) takes steps, got 'second'"):
        first.after("second")


def test_an_importer_checks_type_and_properties() -> None:
    importer = Importer("folder", Schema, output_key="schema")
    assert list(importer.outputs) == ["schema"]
    with pytest.raises(UsageError, match=r"artifact_type must be an artifact class: 'Schema'"):
        Importer("folder", "Schema")  # type: ignore[arg-type]  # the point
    with pytest.raises(ArtifactError, match=r"Examples declares no property 'spann'\. Did you mean 'span'\?"):
        Importer("folder", Examples, custom_properties={"spann": 1})
    with pytest.raises(ArtifactError, match=r"Property 'span' of Examples must be of type int, got '1'"):
        Importer("folder", Examples, properties={"span": "1"})
