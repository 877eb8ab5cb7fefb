"""What an author gives a component inside a `@dsl.pipeline`, as KFP takes it: values, channels, artifacts, files."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kfp import dsl
from kfp.dsl import pipeline_channel
from kfp.dsl.types import type_utils

from assay.errors import UsageError, did_you_mean
from assay.runners.kfp.embedded_files import embed_file, embed_module
from assay.runners.kfp.inputs import NONE, REFERENCE
from assay.runners.kfp.interface import Interface, WireParameter, plain_type
from assay.spec.annotations import FileMark, ParsedBy, UserModuleMark
from assay.spec.signature import ComponentSpec, InputSpec, ParameterSpec
from assay.spec.values import canonical, typed

# The types of KFP's parameters.
_PLAIN = {
    "STRING": str,
    "NUMBER_INTEGER": int,
    "NUMBER_DOUBLE": float,
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a component.

    Attributes:
        shown: The component with the inputs and parameters that the call needs, and no others.
        values: The arguments, as KFP takes them.
    """

    shown: Interface
    values: Mapping[str, Any]


def bind(spec: ComponentSpec, whole: Interface, given: Mapping[str, Any]) -> Call:
    """Binds the arguments of a call.

    Args:
        spec: The declaration.
        whole: All that the component shows.
        given: The arguments, without those that are None.

    Raises:
        UsageError: For an unknown or missing argument, or a value of another type than the declared one.
    """
    arguments = _with_numbers(spec, given)
    _check_names(spec, whole, arguments)
    binding = _Binding(spec)
    values = {name: binding.value(name, value) for name, value in arguments.items()}
    values |= {name: channel for name, (_, channel) in binding.further.items()}
    inputs = tuple(each for each in whole.inputs if not each.optional or each.name in arguments)
    by_name = {each.name: each for each in whole.inputs}
    further = [(name, _base(spec, name)) for name in arguments]  # each artifact of several is declared
    inputs += tuple(replace(by_name[base], name=name, optional=False) for name, base in further if base != name)
    many = {name for name, value in arguments.items() if _is_list(value)}
    parameters = tuple(each for each in whole.parameters if each.required or each.name in arguments)
    parameters += tuple(parameter for parameter, _ in binding.further.values())
    shown = replace(
        whole,
        inputs=tuple(replace(each, many=True) if each.name in many else each for each in inputs),
        parameters=parameters,
    )
    return Call(shown, values)


def _with_numbers(spec: ComponentSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return each artifact of one list per argument of its own: `examples`, `examples__2`."""
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        if name in spec.inputs and isinstance(value, (list, tuple)):
            arguments |= {name if number == 1 else f"{name}__{number}": one for number, one in enumerate(value, 1)}
        else:
            arguments[name] = value
    return arguments


def _base(spec: ComponentSpec, name: str) -> str:
    """Return the input that `examples__2` is the second artifact of; the name itself for others."""
    base, _, number = name.rpartition("__")
    return base if base in spec.inputs and number.isdigit() and name not in spec.parameters else name


def _check_names(spec: ComponentSpec, shown: Interface, given: Mapping[str, Any]) -> None:
    known = [each.name for each in shown.inputs] + [each.name for each in shown.parameters]
    for argument, value in given.items():
        base = _base(spec, argument)
        if base not in known:
            raise UsageError(
                "kfp.argument", f"{spec.name} has no argument '{argument}'.", did_you_mean(argument, known)
            )
        declared = spec.inputs.get(base)
        if declared is not None and not declared.many and (argument != base or _is_list(value)):
            raise UsageError(
                "kfp.one_artifact",
                f"{spec.name}.{base} accepts one artifact, got several.",
                "Call the component once for each, for example inside dsl.ParallelFor.",
            )
        _check_kind(f"{spec.name}.{base}", declared, value)
    required = [each.name for each in shown.inputs if not each.optional]
    required += [each.name for each in shown.parameters if each.required]
    missing = [each for each in required if each not in given]
    if missing:
        raise UsageError("kfp.missing_argument", f"{spec.name} needs {', '.join(missing)}.")


def _check_kind(where: str, declared: InputSpec | None, value: Any) -> None:
    if isinstance(value, dsl.PipelineTask):
        raise UsageError(
            "kfp.task_as_argument",
            f"{where} was given the step '{value.name}' itself.",
            f"Give one of its outputs: {', '.join(f'''.outputs['{key}']''' for key in value.outputs)}.",
        )
    if declared is not None and not isinstance(value, pipeline_channel.PipelineChannel):
        wanted = declared.artifact.type().name
        raise UsageError(
            "kfp.value_as_artifact",
            f"{where} takes {wanted} from another step's output, got {value!r}.",
            "Import a folder with dsl.importer(artifact_uri=..., artifact_class=..., metadata={'artifact_type': "
            f"'{wanted}'}}).",
        )


def _is_list(value: Any) -> bool:
    """Return the parts of a value with several artifacts: `dsl.Collected`, or a pipeline's list input."""
    return isinstance(value, pipeline_channel.PipelineChannel) and bool(getattr(value, "is_artifact_list", False))


@dataclass(slots=True)
class _Binding:
    """Turns values into what KFP takes.

    Attributes:
        spec: The declaration.
        further: The further parameters that channels inside of values need, with their channels, by name.
    """

    spec: ComponentSpec
    further: dict[str, tuple[WireParameter, Any]] = field(default_factory=dict)

    def value(self, name: str, value: Any) -> Any:
        """Return an argument as KFP expects it."""
        declared = self.spec.parameters.get(name)
        is_channel = isinstance(value, pipeline_channel.PipelineChannel)
        return value if declared is None or is_channel else self._constant(declared, value)

    def _constant(self, declared: ParameterSpec, value: Any) -> Any:
        where, mark = f"{self.spec.name}.{declared.name}", declared.mark
        referring = self._referring(value)
        is_whole = referring is value  # a value that the run completes is parsed and checked by the step
        plain = canonical(mark.parse(value) if is_whole and isinstance(mark, ParsedBy) else referring, where)
        if is_whole:
            typed(plain, declared.type, where)
        if isinstance(mark, ParsedBy) and mark.files is not None:
            plain = mark.files(plain, _carried)
        if isinstance(mark, UserModuleMark | FileMark) and isinstance(plain, str) and Path(plain).is_file():
            return (embed_module if isinstance(mark, UserModuleMark) else embed_file)(plain)
        is_float = plain_type(declared.type, where) is float
        return float(plain) if is_float and isinstance(plain, int) else _without_none(plain)

    def _referring(self, value: Any) -> Any:
        """Put a reference in the place of each channel inside a value; without any, return the value itself."""
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
            referring = self._referring(fields)
            return value if referring is fields else referring
        if isinstance(value, dict):
            items = {key: self._inner(item) for key, item in value.items()}
            return items if any(items[key] is not value[key] for key in value) else value
        if isinstance(value, (list, tuple)):
            listed = [self._inner(item) for item in value]
            return listed if any(new is not old for new, old in zip(listed, value, strict=True)) else value
        return value

    def _inner(self, value: Any) -> Any:
        if isinstance(value, pipeline_channel.PipelineChannel):
            named = f"{value.task_name}_{value.name}" if value.task_name else value.name
            kind = _PLAIN[type_utils.get_parameter_type_name(value.channel_type)]
            return self._reference(f"value_of_{named}", kind, value)
        if isinstance(value, str) and pipeline_channel.extract_pipeline_channels_from_string(value):
            # An f-string: KFP fills it in where it is the whole value, and leaves it alone inside of others.
            known = [name for name, (_, text) in self.further.items() if isinstance(text, str) and text == value]
            return self._reference(known[0] if known else f"value_of_text_{len(self.further) + 1}", str, value)
        return self._referring(value)

    def _reference(self, name: str, kind: type, value: Any) -> dict[str, str]:
        name = re.sub(r"\W", "_", name)
        self.further[name] = (WireParameter(name, kind), value)
        return {REFERENCE: name}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: NONE if item is None else _without_none(item) for key, item in value.items()}
    return [NONE if item is None else _without_none(item) for item in value] if isinstance(value, list) else value


def _carried(path: str) -> str:
    """Return a file of the user's that a value names, as it travels; a path that only the image has stays as it is."""
    if not Path(path).is_file():
        return path
    return embed_module(path) if path.endswith(".py") else embed_file(path)
