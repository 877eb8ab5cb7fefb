"""The one declaration of a component: an annotated function, read once into a `ComponentSpec`.

The local runner, the KFP component, the container entry point, the command line and the reference documentation all
derive from it.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Union

from assay.artifacts.base import Artifact
from assay.errors import UsageError, did_you_mean
from assay.spec.annotations import (
    DataMark,
    FileMark,
    InputMark,
    OutputMark,
    ParsedBy,
    UserFunctionMark,
    UserModuleMark,
    UserModuleNameMark,
)
from assay.spec.channel import Foreseen
from assay.spec.context import ExecutionContext

_SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Attributes|Examples?|Notes?):\s*$")
_ENTRY = re.compile(r"^(?P<name>\*{0,2}\w+)(?:\s*\([^)]*\))?:\s*(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Documentation:
    """A docstring's parts: the text before the sections, and the entries of `Args:`, `Returns:` and `Attributes:`."""

    summary: str
    arguments: dict[str, str] = field(default_factory=dict)
    returns: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


def parse_docstring(docstring: str) -> Documentation:
    """Split a Google-style docstring; text of an entry is joined to one line."""
    sections: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(docstring).splitlines():
        heading = _SECTION.match(line)
        if heading:
            current = heading.group(1)
            sections[current] = []
        else:
            sections[current].append(line)
    return Documentation(
        summary="\n".join(sections[""]).strip(),
        arguments=_entries(sections.get("Args", [])),
        returns=_entries(sections.get("Returns", [])),
        attributes=_entries(sections.get("Attributes", [])),
    )


def _entries(lines: list[str]) -> dict[str, str]:
    entries: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc("\n".join(["", *lines])).splitlines():
        match = None if line.startswith(" ") else _ENTRY.match(line)
        if match:
            name = match.group("name")
            entries[name] = match.group("text").strip()
        elif name and line.strip():
            entries[name] = f"{entries[name]} {line.strip()}".strip()
    return entries


REQUIRED = inspect.Parameter.empty
ParameterMark = UserModuleMark | UserModuleNameMark | UserFunctionMark | FileMark | DataMark | ParsedBy
_MARKS = (InputMark, OutputMark, UserModuleMark, UserModuleNameMark, UserFunctionMark, FileMark, DataMark, ParsedBy)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """An input: its artifact type, and whether it may be absent or carry several artifacts."""

    name: str
    artifact: type[Artifact]
    optional: bool = False
    many: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """An output: its artifact type, and whether the component may leave it empty."""

    name: str
    artifact: type[Artifact]
    optional: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A parameter: its type annotation, its default (`REQUIRED` without one) and how its value is fingerprinted."""

    name: str
    type: Any
    default: Any = REQUIRED
    mark: ParameterMark | None = None
    description: str = ""

    @property
    def required(self) -> bool:
        """Tells whether a value must be given."""
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True)
class OutputParameterSpec:
    """A plain value that the component returns."""

    name: str
    type: Any
    description: str = ""


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """A component's declaration.

    Attributes:
        name: The component's name, which is a node's id unless the author gives another.
        function: The user's or our function; called with artifacts, values and, if asked for, the context.
        context_name: The argument that takes the `ExecutionContext`, or None.
        libraries: Distributions whose versions are part of the fingerprint.
        requires: Optional packages, by the names that Python imports, without which the component cannot run.
        reads: Names the files outside of artifacts that the component would read for given parameters.
        depends_on: Gives what else the result depends on that parameters only name; part of the fingerprint.
        still_valid: Says why a cached execution no longer stands (for example because a pushed model is gone), or None.
        positional: The arguments that may also be given by position, in TFX's order.
        refused: Arguments that TFX's component has and this one has not, each with what to do instead.
        check: Raises UsageError for values that cannot work, or cannot work together. It is given typed parameter
            values and whatever feeds the inputs, by name: at the declaration all but those that only the run will
            know, and before the component is called all of them.
        foresee: Given what `check` is given at the declaration, what is known of outputs before the component runs.
    """

    name: str
    description: str
    function: Callable[..., Any]
    inputs: Mapping[str, InputSpec]
    outputs: Mapping[str, OutputSpec]
    parameters: Mapping[str, ParameterSpec]
    output_parameters: Mapping[str, OutputParameterSpec]
    context_name: str | None = None
    libraries: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    reads: Callable[[Mapping[str, Any]], typing.Sequence[Any]] | None = None
    still_valid: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None] | None = None
    depends_on: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    positional: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Mapping[str, Any]], None] | None = None
    foresee: Callable[[Mapping[str, Any]], Mapping[str, Foreseen]] | None = None

    def check_argument_names(self, names: typing.Iterable[str]) -> None:
        """Check the names of arguments given by an author.

        Raises:
            UsageError: For an unknown name, or a required one that is missing.
        """
        given = set(names)
        known = set(self.inputs) | set(self.parameters)
        for name in sorted(given - known):
            if name in self.refused:
                raise UsageError(
                    "component.refused_argument",
                    f"{self.name} has no argument '{name}', although TFX's has it.",
                    self.refused[name],
                )
            raise UsageError(
                "component.unknown_argument", f"{self.name} has no argument '{name}'.", did_you_mean(name, known)
            )
        missing = [name for name, spec in self.inputs.items() if not spec.optional and name not in given]
        missing += [name for name, spec in self.parameters.items() if spec.required and name not in given]
        if missing:
            raise UsageError(
                "component.missing_argument", f"{self.name} needs {', '.join(f'`{name}`' for name in missing)}."
            )


def _type_hints(component: str, function: Any) -> dict[str, Any]:
    """Evaluate annotations, which are text under `from __future__ import annotations`."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise UsageError(
            "component.unknown_annotation",
            f"An annotation of {component} names {error.name!r}, which its module does not define.",
            "Import or define it at the top of the module, not inside a function or under TYPE_CHECKING.",
        ) from None


def _strip_optional(hint: Any) -> tuple[Any, bool]:
    """Return `T, True` for `T | None`, else the hint and False."""
    if typing.get_origin(hint) in {Union, types.UnionType}:
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        if len(members) == 1 and len(typing.get_args(hint)) == 2:
            return members[0], True
    return hint, False


def _mark_of(hint: Any) -> tuple[Any, Any]:
    """Return the bare type and our mark of an annotation (None where it carries none)."""
    if typing.get_origin(hint) is Annotated:
        bare, *marks = typing.get_args(hint)
        for mark in marks:
            if isinstance(mark, _MARKS):
                return bare, mark
    return hint, None


def _artifact_class(component: str, name: str, bare: Any) -> type[Artifact]:
    if isinstance(bare, type) and issubclass(bare, Artifact):
        return bare
    raise UsageError(
        "component.not_an_artifact_type",
        f"'{name}' of {component} is declared as {bare!r}, which is not an artifact type.",
        "Use a class of assay.artifacts, or a subclass of Artifact.",
    )


def _output_parameters(component: str, hint: Any, descriptions: Mapping[str, str]) -> dict[str, OutputParameterSpec]:
    """Read a return annotation: None, a NamedTuple, or a TypedDict."""
    if hint is None or hint is type(None):
        return {}
    is_fields = isinstance(hint, type) and (hasattr(hint, "_fields") or typing.is_typeddict(hint))
    if not is_fields:
        raise UsageError(
            "component.return_type",
            f"{component} returns {hint!r}; expected None, a NamedTuple or a TypedDict whose fields are the output "
            "parameters.",
        )
    told = {**parse_docstring(hint.__doc__ or "").attributes, **descriptions}
    return {
        name: OutputParameterSpec(name, type_, told.get(name, ""))
        for name, type_ in _type_hints(component, hint).items()
    }


def read_signature(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    libraries: tuple[str, ...] = (),
    reads: Callable[[Mapping[str, Any]], typing.Sequence[Any]] | None = None,
    still_valid: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None] | None = None,
) -> ComponentSpec:
    """Convert an annotated function to a component's declaration.

    Raises:
        UsageError: If an argument has no annotation, an artifact type is wrong, or two outputs share a key.
    """
    component_name = name or function.__name__
    hints = _type_hints(component_name, function)
    documentation = parse_docstring(function.__doc__ or "")
    inputs: dict[str, InputSpec] = {}
    outputs: dict[str, OutputSpec] = {}
    parameters: dict[str, ParameterSpec] = {}
    context_name: str | None = None
    for argument in inspect.signature(function).parameters.values():
        if argument.kind in {argument.VAR_POSITIONAL, argument.VAR_KEYWORD}:
            raise UsageError(
                "component.variadic", f"{component_name} takes *{argument.name}; a component's arguments must be named."
            )
        if argument.name not in hints:
            raise UsageError(
                "component.no_annotation",
                f"'{argument.name}' of {component_name} has no annotation.",
                "Annotate it as Input[…], Output[…] or with a parameter's type.",
            )
        hint, optional = _strip_optional(hints[argument.name])
        description = documentation.arguments.get(argument.name, "")
        if hint is ExecutionContext:
            context_name = argument.name
            continue
        bare, mark = _mark_of(hint)
        if isinstance(mark, InputMark):
            class_ = typing.get_args(bare)[0] if mark.many else bare
            artifact = _artifact_class(component_name, argument.name, class_)
            inputs[argument.name] = InputSpec(argument.name, artifact, optional, mark.many, description)
        elif isinstance(mark, OutputMark):
            artifact = _artifact_class(component_name, argument.name, bare)
            outputs[argument.name] = OutputSpec(argument.name, artifact, optional, description)
        else:
            parameters[argument.name] = ParameterSpec(
                argument.name, hints[argument.name], argument.default, mark, description
            )
    returned = _output_parameters(component_name, hints.get("return"), documentation.returns)
    for key in sorted(returned.keys() & outputs.keys()):
        raise UsageError(
            "component.duplicate_output",
            f"{component_name} declares the output '{key}' twice: as an artifact and as a returned value.",
            "Rename one of them.",
        )
    return ComponentSpec(
        name=component_name,
        description=documentation.summary,
        function=function,
        inputs=inputs,
        outputs=outputs,
        parameters=parameters,
        output_parameters=returned,
        context_name=context_name,
        libraries=libraries,
        reads=reads,
        still_valid=still_valid,
    )
