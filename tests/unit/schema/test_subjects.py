from __future__ import annotations

from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError
from assay.schema.subjects import SchemaSubject, index, join_path, resolve, split_path
from raising import raises

SCHEMA = text_format.Parse(
    """
    feature { name: "a.b" type: INT }
    feature { name: "trip" type: STRUCT struct_domain {
      feature { name: "it's" type: INT }
      sparse_feature { name: "sparse" }
    } }
    weighted_feature { name: "w" }
    string_domain { name: "d" }
    """,
    schema_pb2.Schema(),
)


@given(st.lists(st.text(alphabet="a.'b ", min_size=1), min_size=1))
def test_a_path_comes_back_as_it_went(steps: list[str]) -> None:
    assert split_path(join_path(steps)) == tuple(steps)


def test_a_path_is_written_as_anomalies_write_it() -> None:
    assert join_path(["trip", "a.b", "q'x"]) == "trip.'a.b'.'q''x'"


def test_every_subject_has_its_place() -> None:
    assert [str(subject) for subject in index(SCHEMA)] == [
        "the schema",
        "feature ''a.b''",
        "feature 'trip'",
        "feature 'trip.'it''s''",
        "sparse feature 'trip.sparse'",
        "weighted feature 'w'",
        "string domain 'd'",
    ]


def test_a_plain_name_with_a_dot_is_found_too() -> None:
    assert resolve("a.b", index(SCHEMA)) == SchemaSubject("feature", "'a.b'")
    with raises("schema.unknown_name", "tripp", "trip", kind=DataError):
        resolve("tripp", index(SCHEMA))


def test_a_name_that_is_used_twice_is_refused() -> None:
    schema = text_format.Parse('feature { name: "x" } feature { name: "x" }', schema_pb2.Schema())
    with raises("schema.named_twice", "x"):
        index(schema)
