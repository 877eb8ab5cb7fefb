"""Patches of generated schemas, in all of tensorflow-metadata's vocabulary."""

from __future__ import annotations

import dataclasses
import datetime as dt
from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.schema import apply, apply_with_report, diff, format_patch, parse_patch, patch_from
from assay.schema.leaf_fields import leaves
from assay.schema.patch import Patch
from assay.schema.proto_dict import assign, is_map, is_repeated
from assay.schema.subjects import index, own_fields

NAMES = ["fare", "tips", "a.b", "it's", "é", "company", "day"]
TEXTS = ["TRAINING", "SERVING", "x", "yes", "1", "", "2024-05-01", "é"]
SCALARS: dict[int, list[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: [True, False],
    FieldDescriptor.CPPTYPE_INT64: [0, 1, -5, 2**40],
    FieldDescriptor.CPPTYPE_INT32: [0, 7],
    FieldDescriptor.CPPTYPE_UINT32: [0, 9],
    FieldDescriptor.CPPTYPE_UINT64: [0, 2**63],
    FieldDescriptor.CPPTYPE_FLOAT: [0.0, 0.1, 1e-5, 1e30, float("inf")],
    FieldDescriptor.CPPTYPE_DOUBLE: [0.0, 0.1, 1e-7, 12345.678],
}
SUBJECTS = {"feature", "sparse_feature", "weighted_feature", "string_domain", "int_domain", "float_domain"}
DEEPEST = 5


def value_of(field: FieldDescriptor, random: Random, depth: int) -> Any:
    if field.message_type is not None:
        return plain(field.message_type, random, depth + 1)
    if field.enum_type is not None:
        return random.choice(sorted(field.enum_type.values_by_name))
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "AAE="
    return random.choice(SCALARS.get(field.cpp_type, TEXTS))


def plain(descriptor: Descriptor, random: Random, depth: int = 0) -> dict[str, Any]:
    """A message as plain values: a few fields, one of each oneof, nested to a bounded depth."""
    result: dict[str, Any] = {}
    taken: set[str] = set()
    for field in random.sample(list(descriptor.fields), random.randint(0, min(6, len(descriptor.fields)))):
        choice = field.containing_oneof.name if field.containing_oneof else field.name
        if field.name == "name" or choice in taken or (field.message_type and depth > DEEPEST):
            continue
        taken.add(choice)
        if is_map(field):
            assert field.message_type is not None
            inner = field.message_type.fields_by_name["value"]
            result[field.name] = {name: value_of(inner, random, depth) for name in random.sample(TEXTS, 1)}
        elif field.name in SUBJECTS and descriptor.name in {"Schema", "StructDomain"}:
            names = random.sample(NAMES, random.randint(0, 4))
            result[field.name] = [{"name": name, **value_of(field, random, depth)} for name in names]
        elif is_repeated(field):
            result[field.name] = [value_of(field, random, depth) for _ in range(random.randint(0, 3))]
        else:
            result[field.name] = value_of(field, random, depth)
    return result


def schema_of(seed: int) -> schema_pb2.Schema:
    """A schema by its seed: hypothesis draws nested messages far more slowly than random does."""
    schema = schema_pb2.Schema()
    assign(schema, plain(schema_pb2.Schema.DESCRIPTOR, Random(seed)), "schema")
    return schema


SCHEMAS = st.integers(0, 2**32).map(schema_of)


def content(schema: schema_pb2.Schema) -> dict[str, dict[str, Any]]:
    """What a schema says, without the order of features and of values in lists that have none."""
    lists = {"value", "in_environment", "not_in_environment", "default_environment", "tag", "comment"}
    return {
        str(subject): {
            path: sorted(value) if path.split(".")[-1] in lists and isinstance(value, list) else repr(value)
            for path, value in leaves(own_fields(place.message)).items()
        }
        for subject, place in index(schema).items()
    }


@settings(max_examples=50)
@given(SCHEMAS, SCHEMAS)
def test_the_patch_between_two_schemas_leads_from_the_one_to_the_other(
    before: schema_pb2.Schema, after: schema_pb2.Schema
) -> None:
    patch = parse_patch(format_patch(patch_from(before, after, reason="edited", date=dt.date(2026, 5, 4))))
    assert content(apply(before, patch)) == content(after)
    assert patch_from(after, after) == Patch()
    assert bool(diff(before, after)) == bool(patch.entries)


@settings(max_examples=50)
@given(SCHEMAS, SCHEMAS, SCHEMAS, st.integers(0, 2**32).map(Random))
def test_a_patch_is_idempotent_in_any_order_and_on_any_schema(
    before: schema_pb2.Schema, after: schema_pb2.Schema, inferred: schema_pb2.Schema, random: Random
) -> None:
    patch = patch_from(before, after)
    once = apply_with_report(inferred, patch)
    again = apply_with_report(once.schema, patch)
    assert content(again.schema) == content(once.schema)
    assert {outcome.status for outcome in again.outcomes} <= {"unchanged", "conflict"}
    shuffled = dataclasses.replace(patch, entries=tuple(random.sample(patch.entries, len(patch.entries))))
    assert content(apply_with_report(inferred, shuffled).schema) == content(once.schema)
