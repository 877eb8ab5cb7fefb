"""Read an `EvalConfig` from whatever a user has: the proto, a dict, a file, or text as JSON, YAML or text proto.

Errors name the place: unknown fields, and values that YAML read as another type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format, text_format
from google.protobuf.message import Message

from assay.documents import parse_json, parse_text_proto, parse_yaml, read_text, scalar_at
from assay.errors import UsageError, did_you_mean
from assay.gating.policy import Additions, with_additions, without_additions
from assay.gating.thresholds import MetricBound, limits_of
from assay.protos import tfma
from assay.spec.values import canonical, placeholders

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor

    from assay.gating.thresholds import EvalConfig

_NUMBERS: Final = {"google.protobuf.DoubleValue", "google.protobuf.FloatValue"}
_NO_SUCH_FIELD: Final = re.compile(r'Message type "(?P<message>[\w.]+)" has no field named "(?P<field>\w+)"')
_SYNTAX: Final = "eval_config.syntax"
_FULL_NAME: Final = "tensorflow_model_analysis.EvalConfig"
_TEXT_PROTO_SUFFIXES: Final = {".pbtxt", ".textproto", ".txtpb", ".prototxt"}
_YAML_SUFFIXES: Final = {".yaml", ".yml"}
# Fields of a wrapper type, which protobuf's JSON writes as a bare value and Python's constructor takes as {"value": x}.
_WRAPPED: Final = {
    "absolute",
    "relative",
    "lower_bound",
    "upper_bound",
    "include_default_metrics",
    "compute_confidence_intervals",
    "min_slice_size",
}


@dataclass(frozen=True, slots=True)
class GateConfig:
    """A configuration: TFMA's `EvalConfig`, and what assay adds to it.

    Attributes:
        eval_config: TFMA's message.
        additions: The `policy` section, and what must be significant.
    """

    eval_config: EvalConfig
    additions: Additions

    def limits(self, metric_name: Callable[[Any], str]) -> tuple[MetricBound, ...]:
        """Return every limit, as [`limits_of`][assay.gating.thresholds.limits_of] does."""
        return limits_of(self.eval_config, metric_name, self.additions.significant)


def parse_eval_config(given: Any) -> dict[str, Any]:
    """Return the canonical, JSON-compatible form of a configuration, whatever form it was given in.

    Two configurations that mean the same have the same canonical form, so it is what a fingerprint is taken of.

    Args:
        given: An `EvalConfig` message, a mapping, the path of a JSON, YAML or text proto file, or such a text.

    Raises:
        UsageError: It cannot be read (the line is named where there is one), or cannot hold as written.
    """
    if isinstance(given, Mapping) and any(placeholders(canonical(given, "eval_config"))):
        return dict(given)  # a value that the run gives is not there yet: the step reads the configuration again
    read = read_config(given)
    plain = json_format.MessageToDict(read.eval_config, preserving_proto_field_name=True)
    return with_additions(plain, read.additions)


def with_modules(config: Any, place: Callable[[str], str]) -> Any:
    """Return a configuration with the path of each Python file that holds a metric replaced by what `place` gives."""
    if isinstance(config, Mapping):
        return {
            key: place(value) if key == "module" and _is_python(value) else with_modules(value, place)
            for key, value in config.items()
        }
    return [with_modules(item, place) for item in config] if isinstance(config, list) else config


def _is_python(value: Any) -> bool:
    return isinstance(value, str) and value.endswith(".py")


def read_config(given: Any) -> GateConfig:
    """Read any of the forms of [`parse_eval_config`][...parse_eval_config], with what assay adds to them.

    Raises:
        UsageError: As there.
    """
    if isinstance(given, GateConfig):
        return given
    if isinstance(given, Message):
        config = GateConfig(_from_message(given), Additions())
    elif isinstance(given, Mapping):
        config = _from_mapping(given, "eval_config")
    elif isinstance(given, Path) or (isinstance(given, str) and _is_path(given)):
        config = _from_file(Path(given))
    elif isinstance(given, str):
        config = _from_text(given, "eval_config", "")
    else:
        raise UsageError(
            "eval_config.type",
            f"eval_config must be an EvalConfig, a dict, a path or text; got {type(given).__name__}.",
        )
    _check(config.eval_config)
    return config


def _is_path(text: str) -> bool:
    # Every configuration has a brace, a colon or a line end; the paths of configuration files have a suffix and none.
    return "\n" not in text and "{" not in text and (":" not in text or Path(text).suffix in _suffixes())


def _suffixes() -> set[str]:
    return {".json", *_YAML_SUFFIXES, *_TEXT_PROTO_SUFFIXES}


def _from_message(message: Message) -> EvalConfig:
    if message.DESCRIPTOR.full_name != _FULL_NAME:
        raise UsageError("eval_config.type", f"eval_config must be {_FULL_NAME}, got {message.DESCRIPTOR.full_name}.")
    return tfma.EvalConfig.FromString(message.SerializeToString(deterministic=True))


def _from_file(path: Path) -> GateConfig:
    text = read_text(path, "an eval_config", code="eval_config.file")
    return _from_text(text, str(path), path.suffix)


def _from_text(text: str, source: str, suffix: str) -> GateConfig:
    if suffix == ".json" or (not suffix and text.lstrip().startswith("{")):
        return _from_json(text, source)
    if suffix in _YAML_SUFFIXES:
        return _from_yaml(text, source)
    message = tfma.EvalConfig()
    try:
        return GateConfig(parse_text_proto(text, message, source, code=_SYNTAX), Additions())
    except UsageError as error:
        # Text without a suffix may still be YAML; a text proto is tried first, for its errors know lines.
        if suffix not in _TEXT_PROTO_SUFFIXES and _looks_like_yaml(text):
            return _from_yaml(text, source)
        if isinstance(error.__cause__, text_format.ParseError):
            line, column = error.__cause__.GetLine(), error.__cause__.GetColumn()
            place = f"{source}, line {line}, column {column}" if line else source
            raise unknown_in_text(str(error.__cause__), message.DESCRIPTOR, place) or error from None
        raise


def _from_json(text: str, source: str) -> GateConfig:
    return _from_mapping(parse_json(text, source, code=_SYNTAX), source, text)


def _from_yaml(text: str, source: str) -> GateConfig:
    return _from_mapping(parse_yaml(text, source, code=_SYNTAX), source, text)


def _looks_like_yaml(text: str) -> bool:
    try:
        return isinstance(parse_yaml(text, "", code=_SYNTAX), dict)
    except UsageError:
        return False


def _from_mapping(plain: Any, source: str, text: str = "") -> GateConfig:
    if not isinstance(plain, Mapping):
        raise UsageError("eval_config.type", f"{source} must contain a mapping, got {type(plain).__name__}.")
    fields, additions = without_additions(plain, source)
    message, unwrapped = tfma.EvalConfig(), _unwrapped(fields)
    ConfigSource(source, text).check(unwrapped, message.DESCRIPTOR)
    try:
        return GateConfig(json_format.ParseDict(unwrapped, message), additions)
    except json_format.ParseError as error:
        reason = re.sub(r"Failed to parse \w+ field: ", "", str(error)).rstrip(".")
        raise UsageError("eval_config.field", f"{source}: {reason}.") from error


def _unwrapped(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        if name in _WRAPPED and set(value) == {"value"}:
            return value["value"]
        if name == "config":
            return json.dumps(value, sort_keys=True)  # a metric's settings are JSON within the proto
        # A key that YAML reads as a boolean stays one: it is refused with its place. Classes are numbers.
        named = ((str(key) if type(key) is int else key, item) for key, item in value.items())
        return {key: _unwrapped(item, str(key)) for key, item in named}
    if isinstance(value, list | tuple):
        return [_unwrapped(item) for item in value]
    return value


def _check(config: EvalConfig) -> None:
    """Refuses what could not be evaluated, or could not hold a model to anything."""
    names = [spec.name for spec in config.model_specs]
    if len(names) > 2:
        raise UsageError("eval_config.models", f"eval_config has {len(names)} model_specs; at most two are supported.")
    if len(names) == 2 and ("" in names or len(set(names)) == 1):
        raise UsageError("eval_config.models", "Two model_specs must have different names.")
    baselines = sum(spec.is_baseline for spec in config.model_specs)
    if len(names) == 2 and baselines != 1:
        raise UsageError(
            "eval_config.models", f"One of two model_specs must be the baseline; {baselines} are marked as such."
        )
    for index, slicing in enumerate(config.slicing_specs):
        if slicing.slice_keys_sql:
            raise UsageError("eval_config.sql_slice", f"slicing_specs[{index}]: slices by SQL are not supported.")
    limits_of(config, lambda metric: str(metric.class_name))


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
    """Return the error for a field that a message does not have."""
    return UsageError(
        "eval_config.field",
        f"{where}: {message.name} has no field '{name}'.",
        did_you_mean(name, [field.name for field in message.fields]),
    )


def unknown_in_text(reason: str, config: Descriptor, where: str) -> UsageError | None:
    """Return the error where protobuf's reason for refusing a text proto is an unknown field; None for another."""
    found = _NO_SUCH_FIELD.search(reason)
    if found is None:
        return None
    return unknown_field(config.file.pool.FindMessageTypeByName(found["message"]), found["field"], where)
