"""Names of fields that an `EvalConfig` does not have, with the name that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from assay.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

_NO_SUCH_FIELD: Final = re.compile(r'Message type "(?P<message>[\w.]+)" has no field named "(?P<field>\w+)"')


def check_names(plain: Mapping[str, Any], message: Descriptor, where: str) -> None:
    """Checks the field names of a configuration in protobuf's JSON form; values are left to protobuf.

    Args:
        plain: The configuration, or a part of it.
        message: The message that it stands for.
        where: Its place, for the error.

    Raises:
        UsageError: For a name that the message has neither in the proto's form nor in JSON's.
    """
    fields = {name: field for field in message.fields for name in (field.name, field.json_name)}
    for name, value in plain.items():
        if name not in fields:
            raise unknown_field(message, name, where)
        inner = fields[name].message_type
        if inner is None or inner.full_name.startswith("google.protobuf."):
            continue
        for place, part, its_message in _parts(value, inner, f"{where}.{name}"):
            if isinstance(part, Mapping):
                check_names(part, its_message, place)


def _parts(value: Any, message: Descriptor, where: str) -> Iterator[tuple[str, Any, Descriptor]]:
    """The messages that a field's value stands for: one, the elements of a list, or the values of a map."""
    if message.GetOptions().map_entry:
        of_map = message.fields_by_name["value"].message_type
        if of_map is not None and isinstance(value, Mapping):
            for key, part in value.items():
                yield f"{where}[{key!r}]", part, of_map
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield f"{where}[{index}]", part, message
    else:
        yield where, value, message


def unknown_field(message: Descriptor, name: str, where: str) -> UsageError:
    """Gives the error for a field that a message does not have."""
    return UsageError(
        "eval_config.field",
        f"{where}: {message.name} has no field '{name}'.",
        did_you_mean(name, [field.name for field in message.fields]),
    )


def unknown_in_text(reason: str, config: Descriptor, where: str) -> UsageError | None:
    """Gives the error where protobuf's reason for refusing a text proto is an unknown field; None for another."""
    found = _NO_SUCH_FIELD.search(reason)
    if found is None:
        return None
    return unknown_field(config.file.pool.FindMessageTypeByName(found["message"]), found["field"], where)
