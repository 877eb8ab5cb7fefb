"""The messages that assay shares with TFMA and TensorFlow, in a descriptor pool of its own.

Protobuf lets a process register a file or a message once in its default pool. Ours are in another, so that TFMA and
TensorFlow, with their generated classes of the same messages, can be imported before or after assay, or not at all.
The full names are theirs, and so are JSON and text. A message of one pool becomes that of the other by its bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import message_factory, wrappers_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from assay.protos.proto_files import parse_proto

__all__ = ["tensorflow", "tensorflow_serving", "tfma"]

_FILES = ("tensorflow_model_analysis.proto", "tensorflow.proto", "tensorflow_serving.proto")  # the imported first


def _build_pool() -> DescriptorPool:
    pool = DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    for name in _FILES:
        text = Path(__file__).with_name(name).read_text(encoding="utf-8")
        pool.AddSerializedFile(parse_proto(name, text).SerializeToString())
    return pool


class _Package:
    """The classes of a proto package, by name: `tfma.EvalConfig`."""

    def __init__(self, pool: DescriptorPool, file: str) -> None:
        self._file = pool.FindFileByName(file)

    def __getattr__(self, name: str) -> Any:
        if name in self._file.message_types_by_name:
            return message_factory.GetMessageClass(self._file.message_types_by_name[name])
        if name in self._file.enum_types_by_name:
            return EnumTypeWrapper(self._file.enum_types_by_name[name])
        raise AttributeError(f"{self._file.name} has no message or enum {name}")


_POOL = _build_pool()
tfma, tensorflow, tensorflow_serving = (_Package(_POOL, name) for name in _FILES)
