"""The loader of YAML, JSON and text protos: what would overflow, expand or be lost is refused with its place."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.documents import parse_json, parse_text_proto, parse_yaml, read_text
from assay.errors import DataError, UsageError
from raising import raises

CODE = "config.syntax"


def yaml(text: str) -> object:
    return parse_yaml(text, "c.yaml", code=CODE)


def json(text: str) -> object:
    return parse_json(text, "c.json", code=CODE)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BOMB, ("config.syntax", "5", "expand", "100,000")),
        ("base: &b {a: 1}\n" + BOMB.replace("[", "[*b, "), ("config.syntax", "expand")),
        ("a: &a [*a]", ("config.syntax", "refers", "collection")),
        ("a: &a {b: {c: *a}}", ("config.syntax", "refers")),
        ("[" * 50_000, ("config.syntax", "100")),
        ("{a: " * 50_000, ("config.syntax", "100")),
        ("- " * 5_000 + "x", ("config.syntax", "100")),
        ("a: 1\nb: 2\n'a': 3", ("config.syntax", "3", "1", "a")),
        ("x: {a: 1, b: {a: 1, a: 2}}", ("config.syntax", "a")),
        ("? [a]\n: 1", ("config.syntax",)),
        ("a: 2024-13-45", ("config.syntax", "1", "4")),
        ("a: !!int ''", ("config.syntax",)),
        ("a: !!bool maybe", ("config.syntax",)),
        ("a: !!timestamp x", ("config.syntax",)),
        ("a: !!python/object:os.system x", ("config.syntax", "determine", "constructor")),
        ("a: " + "9" * 5_000, ("config.syntax",)),
        ("a: 1.0e+999", ("config.syntax",)),
        ("a: 1\n---\nb: 1", ("config.syntax", "document")),
        ("a: *nowhere", ("config.syntax", "undefined", "alias")),
        ("a: [1, 2", ("config.syntax", "2", "1")),
        ("a: \x00", ("config.syntax",)),
    ],
)
def test_yaml_is_refused_with_its_place(text: str, expected: tuple[str, ...]) -> None:
    started = time.perf_counter()
    with raises(*expected, kind=UsageError) as caught:
        yaml(text)
    assert caught.value.code == CODE
    assert str(caught.value).startswith("c.yaml")
    assert time.perf_counter() - started < 2


def test_yaml_keeps_anchors_merges_and_equal_keys_of_different_mappings() -> None:
    text = "base: &b {k: 1, l: 2}\nx: {<<: *b, k: 3}\ny: [*b, {k: 1}, {k: 1}]\nz: {<<: *b}\nn: .inf"
    assert yaml(text) == {
        "base": {"k": 1, "l": 2},
        "x": {"k": 3, "l": 2},
        "y": [{"k": 1, "l": 2}, {"k": 1}, {"k": 1}],
        "z": {"k": 1, "l": 2},
        "n": float("inf"),
    }


def test_a_merge_into_a_shared_mapping_is_no_repeated_key() -> None:
    assert yaml("c: &c {k: 0}\nd: {e: {a: &a {<<: *c, k: 1}}}\nb: {<<: *a, k: 2}")["b"] == {"k": 2}  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 50_000, ("config.syntax", "1", "100")),
        ("\n" * 3 + '{"a":' * 50_000, ("config.syntax", "4", "100")),
        (
            '{"a": 1,\n "b": {"c": 1,\n "c": 2}}',
            ("config.syntax", "c", "2", "3"),
        ),
        ('{"a": ' + "9" * 5_000 + "}", ("config.syntax", "5,000")),
        ('{"a": 1e999}', ("config.syntax",)),
        (r'{"a": "\ud800"}', ("config.syntax",)),
        ('{"a": 1', ("config.syntax", "1", "8")),
    ],
)
def test_json_is_refused_with_its_place(text: str, expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=UsageError) as caught:
        json(text)
    assert caught.value.code == CODE


def test_brackets_in_texts_are_no_depth() -> None:
    assert json('{"a": "' + "[" * 500 + r"\"{" + '"}') == {"a": "[" * 500 + '"{'}
    schema = parse_text_proto(
        'feature { name: "' + "{" * 500 + '" } # ' + "{" * 500, schema_pb2.Schema(), "s", code=CODE
    )
    assert schema.feature[0].name == "{" * 500


def test_a_deep_text_proto_is_refused_with_its_line() -> None:
    text = "feature {\n" + "struct_domain { feature { " * 10_000
    with raises("config.syntax", "s.pbtxt", "2", "100", kind=DataError) as caught:
        parse_text_proto(text, schema_pb2.Schema(), "s.pbtxt", code=CODE, refusal=DataError)
    assert caught.value.code == CODE


def test_a_text_proto_is_refused_with_line_and_column() -> None:
    with raises("config.syntax", "s.pbtxt", "2", "3", kind=UsageError):
        parse_text_proto('feature {\n  nome: "a"\n}', schema_pb2.Schema(), "s.pbtxt", code=CODE)
    with raises("config.syntax", "s.pbtxt", kind=UsageError):
        parse_text_proto('feature { name: "\\377" }', schema_pb2.Schema(), "s.pbtxt", code=CODE)


def test_only_regular_utf8_files_of_some_size_are_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    wide, large, marked = tmp_path / "wide", tmp_path / "large", tmp_path / "marked"
    wide.write_bytes("a: 1".encode("utf-16"))
    large.write_bytes(b"x" * 101)
    marked.write_bytes("a: ключ".encode("utf-8-sig"))
    for path, named in [
        (pipe, pipe),
        (Path("/dev/zero"), "/dev/zero"),
        (tmp_path, "a config"),
        (tmp_path / "none", "No such file"),
        (tmp_path / "nu\0ll", "null"),
        (wide, "UTF-16"),
        (large, large),
    ]:
        with raises("config.file", named, kind=UsageError):
            read_text(path, "a config", code="config.file", limit=100)
    assert read_text(marked, "a config", code="config.file") == "a: ключ"


def test_a_pipe_of_the_shell_is_read_once() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a: 1")
    os.close(writer)
    try:
        assert read_text(Path(f"/dev/fd/{reader}"), "a config", code="config.file") == "a: 1"
    finally:
        os.close(reader)


@given(st.text(alphabet="a1:-[]{}&*<,'\"\\ \n!?|>#%é\u0085.e+_0x", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (yaml, json):
        try:
            parse(text)
        except UsageError as error:
            assert error.code == CODE  # noqa: PT017 - both ends are right
    try:
        parse_text_proto(text, schema_pb2.Schema(), "s", code=CODE)
    except UsageError as error:
        assert error.code == CODE  # noqa: PT017 - as above
