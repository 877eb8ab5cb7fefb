"""The reader of `.proto` files; tests/oracle/protos compares what it makes of ours with protoc's descriptors."""

from __future__ import annotations

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool

from assay.protos import tfma
from assay.protos.proto_files import parse_proto

FILE = """
syntax = "proto3"; // a comment with a brace }
package some.package;
message Outer {
  enum Kind { NONE = 0; SOME = 2; }
  message Inner { repeated int32 numbers = 1; }
  oneof choice {
    Inner inner = 3;
    string text_of_it = 4 [deprecated = true];
  }
  map<string, Inner> inner_by_name = 5;
  Kind kind = 1;
}
"""


def test_messages_of_a_file_are_written_and_read() -> None:
    pool = DescriptorPool()
    pool.AddSerializedFile(parse_proto("file.proto", FILE).SerializeToString())
    outer = message_factory.GetMessageClass(pool.FindMessageTypeByName("some.package.Outer"))
    one = outer(kind="SOME")
    one.inner_by_name["ключ"].numbers.extend([1, -1])
    one.inner.numbers.extend([300, 2])
    same = outer.FromString(one.SerializeToString())
    assert same == one
    assert (same.kind, same.WhichOneof("choice"), same.inner_by_name["ключ"].numbers[1]) == (2, "inner", -1)
    same.text_of_it = "a.b"
    assert same.WhichOneof("choice") == "text_of_it"


@pytest.mark.parametrize(
    "text",
    [
        "service S { }",
        "message M { string text = one; }",
        "message M { string text = 1 [packed = true]; }",
        "enum E { NONE = 0 [deprecated = true]; }",
        "message M { extensions 4; }",
    ],
)
def test_what_the_reader_does_not_know_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a statement|invalid literal"):
        parse_proto("file.proto", f'syntax = "proto3"; {text}')


def test_a_name_that_is_not_in_the_file_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="EvalConfiguration"):
        _ = tfma.EvalConfiguration
