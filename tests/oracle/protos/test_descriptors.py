"""Each of our messages field by field beside the generated class of TFMA, TensorFlow or TensorFlow Serving."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from assay import protos

pytestmark = pytest.mark.tensorflow

# Whether our file has all fields of a message, or those that assay reads.
FILES = (("tfma", True), ("tensorflow", False), ("tensorflow_serving", False))
GENERATED = (
    "tensorflow_model_analysis.proto.config_pb2",
    "tensorflow_model_analysis.proto.metrics_for_slice_pb2",
    "tensorflow_model_analysis.proto.validation_result_pb2",
    "tensorflow.core.example.example_pb2",
    "tensorflow.core.protobuf.saved_model_pb2",
    "tensorflow.core.util.event_pb2",
    "tensorflow_serving.apis.prediction_log_pb2",
)


@pytest.fixture(scope="module")
def generated_pool() -> Any:
    """Gives protobuf's default pool, with the generated modules registered in it."""
    from google.protobuf import descriptor_pool

    import_module("google.protobuf.wrappers_pb2")  # TFMA 0.52's module depends on this file and does not import it
    for name in GENERATED:
        import_module(name)
    return descriptor_pool.Default()


def _messages(parent: Any) -> list[Any]:
    nested = parent.message_types_by_name if hasattr(parent, "message_types_by_name") else parent.nested_types_by_name
    return [each for message in nested.values() for each in (message, *_messages(message))]


def _repeated_bytes(field: Any) -> bytes | None:
    """Gives two values on the wire, where packing shows; None for fields that are not repeated numbers."""
    if field.message_type is not None or not isinstance(field.default_value, list):
        return None
    message = message_factory.GetMessageClass(field.containing_type)()
    value = {FieldDescriptor.CPPTYPE_STRING: "", FieldDescriptor.CPPTYPE_BOOL: True}.get(field.cpp_type, 1)
    getattr(message, field.name).extend([b"" if field.type == FieldDescriptor.TYPE_BYTES else value] * 2)
    return bytes(message.SerializeToString())


def _field(field: Any) -> dict[str, Any]:
    kind = field.message_type or field.enum_type
    return {
        "number": field.number,
        "type": field.type,
        "repeated": field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED,
        "json_name": field.json_name,
        "kind": kind and kind.full_name,
        "oneof": field.containing_oneof and field.containing_oneof.name,
        "has_presence": field.has_presence,
        "default": field.default_value,
        "packed": _repeated_bytes(field),
        "deprecated": field.GetOptions().deprecated,
    }


@pytest.mark.parametrize(("name", "is_whole"), FILES)
def test_messages_are_those_of_the_generated_classes(generated_pool: Any, name: str, is_whole: bool) -> None:
    ours = getattr(protos, name)._file
    for message in _messages(ours):
        theirs = generated_pool.FindMessageTypeByName(message.full_name)
        fields = {field.name: _field(field) for field in message.fields}
        expected = {field.name: _field(field) for field in theirs.fields}
        if not is_whole:
            expected = {field: of_field for field, of_field in expected.items() if field in fields}
        assert fields == expected, message.full_name
        assert message.GetOptions().map_entry == theirs.GetOptions().map_entry
        if is_whole:
            # The order of declaration, in which text and JSON are printed, of fields and of nested types.
            assert [field.name for field in message.fields] == [field.name for field in theirs.fields]
            assert set(message.nested_types_by_name) == set(theirs.nested_types_by_name)


@pytest.mark.parametrize(("name", "is_whole"), FILES)
def test_enums_are_those_of_the_generated_classes(generated_pool: Any, name: str, is_whole: bool) -> None:
    ours = getattr(protos, name)._file
    nested = [enum for message in _messages(ours) for enum in message.enum_types]
    for enum in [*ours.enum_types_by_name.values(), *nested]:
        theirs = generated_pool.FindEnumTypeByName(enum.full_name)
        values = {value.name: value.number for value in enum.values}
        expected = {value.name: value.number for value in theirs.values}
        assert values == {at: number for at, number in expected.items() if is_whole or at in values}


def test_tfmas_files_have_no_message_that_ours_lacks(generated_pool: Any) -> None:
    theirs = [each for name in GENERATED[:3] for each in _messages(sys.modules[name].DESCRIPTOR)]
    ours = {message.full_name for message in _messages(protos.tfma._file)}
    assert {message.full_name for message in theirs} == ours


@pytest.mark.parametrize("modules", [("assay.protos", *GENERATED), (*GENERATED, "assay.protos")])
def test_both_pools_live_in_one_process_in_any_order(modules: tuple[str, ...]) -> None:
    code = f"""
from importlib import import_module
import_module("google.protobuf.wrappers_pb2")
for name in {modules!r}:
    import_module(name)
from assay import protos
from google.protobuf import json_format, text_format
from tensorflow_model_analysis.proto import config_pb2
content = {{
    "modelSpecs": [{{"labelKey": "tips", "paddingOptions": {{"labelIntPadding": "3"}}}}],
    "slicingSpecs": [{{}}, {{"featureValues": {{"ключ": "a.b"}}}}],
    "metricsSpecs": [{{"thresholds": {{"auc": {{"valueThreshold": {{"lowerBound": 0.5}}}}}}}}],
    "options": {{"minSliceSize": 3}},
}}
theirs = json_format.ParseDict(content, config_pb2.EvalConfig())
ours = protos.tfma.EvalConfig.FromString(theirs.SerializeToString())
assert json_format.MessageToJson(ours) == json_format.MessageToJson(theirs)
assert text_format.MessageToString(ours) == text_format.MessageToString(theirs)
assert config_pb2.EvalConfig.FromString(ours.SerializeToString()) == theirs
assert json_format.ParseDict(content, protos.tfma.EvalConfig()) == ours
"""
    subprocess.run([sys.executable, "-c", code], check=True)
