"""Parameter values: runtime parameters, placeholders inside values, and their one JSON-compatible form."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, get_args, get_origin

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from assay.errors import UsageError, did_you_mean
from assay.spec.channel import OutputParameter

_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class RuntimeParameter:
    """A value that is given when the pipeline runs (`assay run --param name=value`).

    Attributes:
        name: The parameter's name, unique in the pipeline.
        ptype: `int`, `float`, `str` or `bool`.
        default: The value where none is given; None makes the parameter required.
        description: One line for `--help` and the reference.
    """

    name: str
    ptype: type
    default: Any = None
    description: str = ""

    def __post_init__(self) -> None:
        if self.ptype not in {int, float, str, bool}:
            raise UsageError(
                "parameter.type", f"RuntimeParameter '{self.name}' must be int, float, str or bool, not {self.ptype!r}."
            )
        if self.default is not None:
            object.__setattr__(self, "default", self.convert(self.default, lax=False))

    def convert(self, value: Any, *, lax: bool = True) -> Any:
        """Convert a value (text from a command line, where `lax`) to the parameter's type.

        Raises:
            UsageError: If it is not of that type.
        """
        try:
            return msgspec.convert(value, self.ptype, strict=not lax)
        except msgspec.ValidationError:
            raise UsageError(
                "parameter.value", f"Parameter '{self.name}' must be of type {self.ptype.__name__}, got {value!r}."
            ) from None


Placeholder = RuntimeParameter | OutputParameter


def canonical(value: Any, where: str) -> Any:
    """Turn a value into lists, dicts and scalars; placeholders stay as they are.

    Args:
        value: A scalar, list, tuple, mapping, enum, path, dataclass or protobuf message, nested at will.
        where: The argument's name for the error.

    Raises:
        UsageError: For an object that has no JSON form.
    """
    if isinstance(value, enum.Enum):
        return value.value
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()  # numpy's scalars, which a component's own sums and means are
    if isinstance(value, (RuntimeParameter, OutputParameter, *_SCALARS)):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Message):
        return MessageToDict(value, preserving_proto_field_name=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: canonical(getattr(value, field.name), f"{where}.{field.name}")
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): canonical(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return sorted((canonical(item, where) for item in value), key=_set_order)
    raise UsageError(
        "parameter.not_json",
        f"`{where}` is a {type(value).__name__}, which has no JSON form.",
        "Give numbers, text, lists, dicts or the component's own configuration classes.",
    )


def _set_order(item: Any) -> tuple[str, Any]:
    """Sorts what a set holds, which may be of several types, the same way in every process."""
    return type(item).__name__, item if isinstance(item, (str, int, float)) else repr(item)


def placeholders(value: Any) -> Iterator[Placeholder]:
    """Return the placeholders inside a canonical value."""
    if isinstance(value, (RuntimeParameter, OutputParameter)):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, list):
        for item in value:
            yield from placeholders(item)


def substitute(value: Any, value_of: Callable[[Placeholder], Any]) -> Any:
    """Return a canonical value with each placeholder replaced."""
    if isinstance(value, (RuntimeParameter, OutputParameter)):
        return canonical(value_of(value), str(value))
    if isinstance(value, dict):
        return {key: substitute(item, value_of) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, value_of) for item in value]
    return value


def typed(value: Any, hint: Any, where: str) -> Any:
    """Convert a canonical value to a parameter's annotated type.

    Raises:
        UsageError: Naming the place inside the value, what was expected and what was found.
    """
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    try:
        converted = msgspec.convert(value, bare, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise UsageError("parameter.value", f"`{where}`: {error}.") from None
    _check_fields(value, converted, where)
    return converted


def _check_fields(value: Any, converted: Any, where: str) -> None:
    """Refuses keys that a configuration class does not have; msgspec passes over them, so a typing error would too."""
    if dataclasses.is_dataclass(converted) and isinstance(value, dict):
        names = [field.name for field in dataclasses.fields(converted)]
        for key, item in value.items():
            if key not in names:
                raise UsageError("parameter.unknown_field", f"`{where}` has no '{key}'.", did_you_mean(key, names))
            _check_fields(item, getattr(converted, key), f"{where}.{key}")
    elif isinstance(converted, dict) and isinstance(value, dict) and len(converted) == len(value):
        for (key, item), inner in zip(value.items(), converted.values(), strict=True):
            _check_fields(item, inner, f"{where}[{key!r}]")
    elif isinstance(converted, (list, tuple)) and isinstance(value, list):
        for index, (item, inner) in enumerate(zip(value, converted, strict=True)):
            _check_fields(item, inner, f"{where}[{index}]")


def _path(expected: Any, value: Any) -> Any:
    """Convert what msgspec does not know by itself: paths; it refuses the rest where the type does not fit."""
    is_path = isinstance(expected, type) and issubclass(expected, PurePath) and isinstance(value, str)
    return expected(value) if is_path else value
