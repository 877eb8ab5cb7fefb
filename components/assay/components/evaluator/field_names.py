"""What an `EvalConfig` cannot hold, with the place: unknown fields, and values that YAML read as another type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from assay.documents import scalar_at
from assay.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

_NUMBERS: Final = {"google.protobuf.DoubleValue", "google.protobuf.FloatValue"}
_NO_SUCH_FIELD: Final = re.compile(r'Message type "(?P<message>[\w.]+)" has no field named "(?P<field>\w+)"')


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """Where a configuration was written.

    Attributes:
        name: Of the file, for messages.
        text: What it holds, where it is YAML or JSON.
    """

    name: str
    text: str = ""

    def check(self, plain: Mapping[Any, Any], message: Descriptor, path: tuple[str | int, ...] = ()) -> None:
        """Check the field names of a configuration in protobuf's JSON form, and its texts and numbers.

        Args:
            plain: The configuration, or a part of it.
            message: The message that it stands for.
            path: Its place.

        Raises:
            UsageError: For a name that the message has neither in the proto's form nor in JSON's, and for a value that
                is not text or not a number where the message has one.
        """
        fields = {name: field for field in message.fields for name in (field.name, field.json_name)}
        for name, value in plain.items():
            if name not in fields:
                raise unknown_field(message, str(name), ".".join((self.name, *filter(None, [_dotted(path)]))))
            self._check_field(value, fields[name], (*path, name))

    def _check_field(self, value: Any, field: Any, path: tuple[str | int, ...]) -> None:
        inner = field.message_type
        if inner is not None and inner.GetOptions().map_entry and isinstance(value, Mapping):
            for key, part in value.items():
                if not isinstance(key, str):
                    raise self._refusal("have text as keys", key, path)
                self._check_field(part, inner.fields_by_name["value"], (*path, _MapKey(key)))
        elif isinstance(value, list):
            for index, part in enumerate(value):
                self._check_field(part, field, (*path, index))
        elif inner is None:
            is_text = isinstance(value, str | None)  # protobuf takes null for a field that is not set
            if field.cpp_type == field.CPPTYPE_STRING and not is_text:
                raise self._refusal("be text", value, path)
        elif inner.full_name in _NUMBERS and value is not None and not _is_number(value):
            raise self._refusal("be a number", value, path)
        elif isinstance(value, Mapping) and not inner.full_name.startswith("google.protobuf."):
            self.check(value, inner, path)

    def _refusal(self, what: str, value: Any, path: tuple[str | int, ...]) -> UsageError:
        line, written = scalar_at(self.text, path) if self.text else (0, "")
        place = f"{self.name}, line {line}" if line else self.name
        written = written or str(value)
        found = f"{type(value).__name__} {value}"
        if written != str(value):
            found = f"{written}, which is read as the {found}"
        hint = "Quote the key." if "keys" in what else f'Quote it: "{written}".'
        if what == "be a number":
            found, hint = repr(value), _number_hint(value)
        return UsageError("eval_config.value_type", f"{place}: {_dotted(path)} must {what}, got {found}.", hint)


class _MapKey(str):
    """A key of a map, which is data, beside the names of fields."""

    __slots__ = ()


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(
        f"[{step}]" if isinstance(step, int) else f"[{str(step)!r}]" if isinstance(step, _MapKey) else f".{step}"
        for step in path
    ).removeprefix(".")


def _is_number(value: Any) -> bool:
    try:
        figure = float(value)
        # A quoted "NaN" or "Infinity" is a number of protobuf's JSON; lint says that it decides nothing.
        return not isinstance(value, bool) and (isfinite(figure) or isinstance(value, str))
    except (TypeError, ValueError):
        return False


def _number_hint(value: Any) -> str:
    text = str(value).strip()
    for meant, divisor in ((text.replace(",", "."), 1), (text.removesuffix("%").replace(",", "."), 100)):
        if _is_number(meant) and isfinite(float(meant)):
            return f"Write {float(meant) / divisor:g}."
    return "Write a finite number with a decimal point."


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
