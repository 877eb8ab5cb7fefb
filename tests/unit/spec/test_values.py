# ruff: noqa: N802 (components have the names of types)
from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.artifacts import Examples, Model, ModelBlessing
from assay.engines.embedded import EmbeddedEngine
from assay.spec import Input, LatestArtifactStrategy, LatestBlessedModelStrategy, Output, RuntimeParameter
from assay.spec import component as declare
from assay.spec.channel import Channel
from assay.spec.context import ExecutionContext
from assay.spec.resolver import RangeConfig, Resolver, RollingRange, SpanRangeStrategy, latest_blessed_model
from assay.spec.signature import parse_docstring
from assay.spec.values import canonical, placeholders, substitute, typed
from raising import raises


class Color(enum.Enum):
    RED = "red"


@dataclass(frozen=True)
class Nested:
    path: Path
    values: tuple[int, ...] = ()
    color: Color = Color.RED


def test_the_json_form_of_what_authors_give() -> None:
    assert canonical(Nested(Path("a"), (1, 2)), "x") == {"path": "a", "values": [1, 2], "color": "red"}
    assert canonical({1: {"b", "a"}}, "x") == {"1": ["a", "b"]}
    assert repr(canonical([np.float64(0.5), np.int64(1), np.bool_(True), np.array(2)], "x")) == "[0.5, 1, True, 2]"
    assert canonical({10, 9, "a", None}, "x") == [None, 9, 10, "a"]
    assert canonical(schema_pb2.Feature(name="f", type="INT"), "x") == {"name": "f", "type": "INT"}


@pytest.mark.parametrize("value", [b"bytes", object(), Nested, {"a": [object()]}])
def test_what_has_no_json_form_is_refused_by_its_place(value: Any) -> None:
    with raises("parameter.not_json", "C.x"):
        canonical(value, "C.x")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_a_json_value_is_its_own_canonical_form(value: Any) -> None:
    assert canonical(value, "x") == value
    assert substitute(value, lambda _: pytest.fail("no placeholder here")) == value
    assert not list(placeholders(value))


def test_placeholders_are_found_and_replaced_at_any_depth() -> None:
    a, b = RuntimeParameter("a", int), RuntimeParameter("b", str)
    value = canonical({"x": [a, {"y": b}], "z": 1}, "v")
    assert [item.name for item in placeholders(value)] == ["a", "b"]
    assert substitute(value, lambda item: f"<{item.name}>") == {"x": ["<a>", {"y": "<b>"}], "z": 1}


def test_typed_converts_paths_and_names_the_place_of_an_error() -> None:
    assert typed("a/b", Path, "x") == Path("a/b")
    assert typed({"p": "a"}, dict[str, Path | None], "x") == {"p": Path("a")}
    with raises("parameter.value", "C.x", "int", "str", "$[1]"):
        typed([1, "2"], list[int], "C.x")
    with raises("parameter.value", "C.x", "Path", "int"):
        typed(1, Path, "C.x")


def test_runtime_parameters_convert_text_and_refuse_the_rest() -> None:
    assert RuntimeParameter("p", float).convert("0.5") == 0.5
    assert RuntimeParameter("p", bool).convert("true") is True
    assert RuntimeParameter("p", float, 1).default == 1.0
    with raises("parameter.type", "p", "list"):
        RuntimeParameter("p", list)
    with raises("parameter.value", "p", "3"):
        RuntimeParameter("p", int, "3")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Resolver(LatestArtifactStrategy), ("resolver.no_channel", "model=Channel", "type=Model")),
        (lambda: Resolver(LatestArtifactStrategy, model=Model), ("resolver.channel", "Resolver.model", "type=…")),
        (lambda: Resolver(dict, model=Channel(type=Model)), ("resolver.strategy", "dict")),
        (
            lambda: Resolver(LatestBlessedModelStrategy, examples=Channel(type=Examples)),
            ("resolver.blessed_model_channels", "model=Channel", "type=Model"),
        ),
        (
            lambda: Resolver(SpanRangeStrategy, {"range_config": {"rolling": 1}}, examples=Channel(type=Examples)),
            ("parameter.unknown_field", "Resolver.config.range_config", "rolling", "rolling_range"),
        ),
        (
            lambda: Resolver(SpanRangeStrategy, examples=Channel(type=Examples)),
            ("parameter.value", "Resolver.config", "range_config"),
        ),
    ],
)
def test_a_resolver_is_checked_when_it_is_declared(make: Any, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        make()


def test_resolvers_outputs_are_the_channels_given() -> None:
    resolver = latest_blessed_model()
    assert resolver.id == "latest_blessed_model_resolver"
    assert {key: channel.type for key, channel in resolver.outputs.items()} == {
        "model": Model,
        "model_blessing": ModelBlessing,
    }
    config = {"range_config": RangeConfig(rolling_range=RollingRange(num_spans=2))}
    spans = Resolver(SpanRangeStrategy, config, examples=Channel(type=Examples))
    assert spans.strategy == SpanRangeStrategy(RangeConfig(rolling_range=RollingRange(num_spans=2)))


def test_a_resolver_waits_for_the_step_whose_artifacts_it_looks_for() -> None:
    @declare
    def Make(examples: Output[Examples]) -> None: ...

    @declare
    def Use(examples: Input[Examples], model: Output[Model]) -> None: ...

    make = Make()
    assert Resolver(LatestArtifactStrategy, examples=make.outputs["examples"]).upstream() == [make]


def test_rows_must_add_up(tmp_path: Path) -> None:
    context = ExecutionContext(engine=EmbeddedEngine(1), temp_dir=tmp_path, node_id="Gen")
    context.count_rows("train", read=5, written=3, rejected=2)
    assert context.rows["train"].rejected == 2
    with raises("rows.do_not_add_up", "eval", "Gen", "5", "3", "0"):
        context.count_rows("eval", read=5, written=3)
    assert list(context.rows) == ["train"]


def test_docstrings_are_read_in_google_style() -> None:
    found = parse_docstring(
        """Gives things.

        More.

        Args:
            a (int): First
                and more: still the first.
            **rest: Others.
        Returns:
            b: Out.

        Raises:
            KeyError: never.
        """
    )
    assert found.summary == "Gives things.\n\nMore."
    assert found.arguments == {"a": "First and more: still the first.", "**rest": "Others."}
    assert found.returns == {"b": "Out."}
    assert parse_docstring("").summary == ""
