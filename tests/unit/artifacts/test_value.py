"""Artifacts of one value: what is written reads back, and lies on disk as TFX writes it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.artifacts.value import Boolean, Bytes, Float, Integer, JsonValue, String, ValueArtifact
from raising import raises

VALUES: dict[type[ValueArtifact], st.SearchStrategy[Any]] = {
    Boolean: st.booleans(),
    Bytes: st.binary(),
    Float: st.floats(),
    Integer: st.integers(),
    JsonValue: st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    String: st.text(),
}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_what_is_written_reads_back(
    kind: type[ValueArtifact], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    value = data.draw(VALUES[kind])
    artifact = kind(tmp_path_factory.mktemp("value"))
    artifact.value = value
    artifact.type().check_layout(artifact.path)
    read = kind(artifact.path).read()
    assert read == value or (math.isnan(read) and math.isnan(value))
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "value", "content"),
    [
        (Boolean, True, b"1"),
        (Boolean, False, b"0"),
        (Float, 0.1, b"0.1"),
        (Float, 2, b"2.0"),
        (Float, math.inf, b"Infinity"),
        (Float, -math.inf, b"-Infinity"),
        (Float, math.nan, b"NaN"),
        (Integer, -5, b"-5"),
        (String, "ä", b"\xc3\xa4"),
        (JsonValue, {"b": [1, None]}, b'{"b": [1, null]}'),
    ],
)
def test_the_file_is_tfx_s(tmp_path: Path, kind: type[ValueArtifact], value: Any, content: bytes) -> None:
    kind(tmp_path).write(value)
    assert (tmp_path / "value").read_bytes() == content


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Integer, True, ("artifact.value_type", "Integer")),
        (Float, "1", ("artifact.value_type", "1")),
        (String, None, ("artifact.value_type",)),
        (JsonValue, {"a": {1}}, ("artifact.value_type", "JsonValue")),
        (JsonValue, {1}, ("artifact.value_type", "JsonValue", "dict")),
    ],
)
def test_a_value_of_another_type_is_refused(
    tmp_path: Path, kind: type[ValueArtifact], value: Any, expected: tuple[str, ...]
) -> None:
    with raises(*expected):
        kind(tmp_path).value = value
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "content"), [(Integer, b"five"), (String, b"\xff"), (JsonValue, b"{"), (Boolean, b"")]
)
def test_a_damaged_file_is_named(tmp_path: Path, kind: type[ValueArtifact], content: bytes) -> None:
    (tmp_path / "value").write_bytes(content)
    with raises("artifact.value", kind.__name__):
        kind(tmp_path).read()


def test_a_value_that_nobody_wrote_is_missing(tmp_path: Path) -> None:
    with raises("artifact.missing_file"):
        Integer(tmp_path).read()
