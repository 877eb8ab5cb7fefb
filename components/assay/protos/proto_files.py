"""A reader of `.proto` files, so that neither protoc nor generated code is needed.

It reads what this package's files use: syntax, package, imports, messages, enums, oneofs, maps, and the option
`deprecated`. Protobuf's pool resolves the names of types and rejects what does not fit together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

_COMMENT = re.compile(r"//[^\n]*")
_STATEMENT = re.compile(r"[^;{}]*[;{}]")
_WORD = re.compile(r"[\w./]+|[=<>,\[\]]")
_SCALARS = {
    name.removeprefix("TYPE_").lower(): number
    for name, number in FieldDescriptorProto.Type.items()
    if name not in {"TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP"}
}


def parse_proto(name: str, text: str) -> FileDescriptorProto:
    """Return the descriptor of a `.proto` file.

    Raises:
        ValueError: A statement is not in the subset of the language above.
    """
    file = FileDescriptorProto(name=name)
    statements = (_WORD.findall(each) for each in _STATEMENT.findall(_COMMENT.sub("", text)))
    for words in statements:
        match words:
            case ["syntax", "=", syntax]:
                file.syntax = syntax
            case ["package", package]:
                file.package = package
            case ["import", path]:
                file.dependency.append(path)
            case ["message", message]:
                _fill_message(file.message_type.add(name=message), statements)
            case ["enum", enum]:
                _fill_enum(file.enum_type.add(name=enum), statements)
            case _:
                raise _unknown(words)
    return file


def _fill_message(message: DescriptorProto, statements: Iterator[list[str]]) -> None:
    for words in statements:
        match words:
            case []:  # the closing brace
                return
            case ["message", name]:
                _fill_message(message.nested_type.add(name=name), statements)
            case ["enum", name]:
                _fill_enum(message.enum_type.add(name=name), statements)
            case ["oneof", name]:
                message.oneof_decl.add(name=name)
                for of_oneof in iter(statements.__next__, []):
                    _add_field(message, of_oneof).oneof_index = len(message.oneof_decl) - 1
            case _:
                _add_field(message, words)


def _add_field(message: DescriptorProto, words: list[str]) -> FieldDescriptorProto:
    label = FieldDescriptorProto.LABEL_OPTIONAL
    match words:
        case ["map", "<", key, ",", value, ">", *rest]:
            entry = message.nested_type.add(name=rest[0].title().replace("_", "") + "Entry")
            entry.options.map_entry = True
            _add_field(entry, [key, "key", "=", "1"])
            _add_field(entry, [value, "value", "=", "2"])
            label, words = FieldDescriptorProto.LABEL_REPEATED, [entry.name, *rest]
        case ["repeated", *rest]:
            label, words = FieldDescriptorProto.LABEL_REPEATED, rest
    match words:
        case [kind, name, "=", number, *options]:
            field = message.field.add(name=name, number=int(number), label=label)
        case _:
            raise _unknown(words)
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type_name = kind
    if options == ["[", "deprecated", "=", "true", "]"]:
        field.options.deprecated = True
    elif options:
        raise _unknown(words)
    return field


def _fill_enum(enum: EnumDescriptorProto, statements: Iterator[list[str]]) -> None:
    for words in iter(statements.__next__, []):
        match words:
            case [name, "=", number]:
                enum.value.add(name=name, number=int(number))
            case _:
                raise _unknown(words)


def _unknown(words: list[str]) -> ValueError:
    return ValueError(f"not a statement of the .proto files that are read here: {' '.join(words)}")
