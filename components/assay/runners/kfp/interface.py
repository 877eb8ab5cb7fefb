"""A component's declaration in the terms of Kubeflow Pipelines: names, plain types, wire types, texts.

Nothing here needs kfp; `components` makes KFP's objects of it.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from assay.artifacts.base import Artifact
from assay.errors import UsageError
from assay.runners.kfp.inputs import artifact_twin
from assay.runners.kfp.views import VIEWS, views_of
from assay.spec.annotations import DataMark
from assay.spec.signature import ComponentSpec, InputSpec, OutputSpec
from assay.spec.values import canonical

_SCALARS = (bool, int, float, str)
_TAKEN_NAMES = re.compile(r"(condition|condition_branches|for_loop|exit_handler)_\d+|.*_driver")
_LONGEST_NAME = 100
_VIEW_TEXTS = {
    "html_report": "A page about the step's outputs.",
    "markdown_summary": "What was decided, and why.",
    "metrics": "Figures for the table of metrics.",
    "classification_metrics": "ROC curve and confusion matrix, where they were computed.",
}


@dataclass(frozen=True, slots=True)
class WireArtifact:
    """An input or output artifact: its name, KFP's schema title, whether it may stay unwired, or carries several."""

    name: str
    schema_title: str
    optional: bool = False
    description: str = ""
    many: bool = False


@dataclass(frozen=True, slots=True)
class WireParameter:
    """A parameter: its name, its plain Python type, and its default where it has one."""

    name: str
    type: type
    required: bool = True
    default: Any = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """What a KFP component shows of a declaration."""

    name: str
    description: str
    inputs: tuple[WireArtifact, ...]
    parameters: tuple[WireParameter, ...]
    outputs: tuple[WireArtifact, ...]
    output_parameters: tuple[WireParameter, ...]


def interface(spec: ComponentSpec) -> Interface:
    """Return the whole interface of a component.

    Raises:
        UsageError: If a parameter's type has no counterpart in KFP.
    """
    inputs, parameters = [_wire_artifact(each) for each in spec.inputs.values()], []
    for parameter in spec.parameters.values():
        where = f"{spec.name}.{parameter.name}"
        has_twin = isinstance(parameter.mark, DataMark)
        if has_twin:
            text = (
                f"{parameter.description} As an artifact of another step, in the place of the path `{parameter.name}`."
            )
            inputs.append(
                WireArtifact(artifact_twin(parameter.name), "system.Artifact", optional=True, description=text)
            )
        parameters.append(
            WireParameter(
                parameter.name,
                plain_type(parameter.type, where),
                required=parameter.required and not has_twin,
                default=None if parameter.required else canonical(parameter.default, where),
                description=parameter.description,
            )
        )
    outputs = [_wire_artifact(each) for each in spec.outputs.values()]
    outputs += [WireArtifact(view, VIEWS[view], description=_VIEW_TEXTS[view]) for view in views_of(spec)]
    values = [
        WireParameter(each.name, plain_type(each.type, f"{spec.name}.{each.name}"), description=each.description)
        for each in spec.output_parameters.values()
    ]
    return Interface(
        snake_case(spec.name), spec.description, tuple(inputs), tuple(parameters), tuple(outputs), tuple(values)
    )


def _wire_artifact(declared: InputSpec | OutputSpec) -> WireArtifact:
    """Return an artifact with a description that begins with its type, which KFP's wire type does not tell."""
    if declared.artifact is Artifact:
        return WireArtifact(declared.name, "system.Artifact", declared.optional, declared.description)
    known = declared.artifact.type()
    text = f"{known.name}. {declared.description}".strip()
    return WireArtifact(declared.name, known.wire_type, declared.optional, text)


def plain_type(hint: Any, where: str) -> type:
    """Return the one of str, int, float, bool, list and dict that represents a parameter's values.

    Raises:
        UsageError: If values of the type need several of them.
    """
    if get_origin(hint) is Annotated:
        return plain_type(get_args(hint)[0], where)
    if get_origin(hint) in {Union, types.UnionType}:
        return _one({plain_type(each, where) for each in get_args(hint) if each is not type(None)}, where)
    if get_origin(hint) is Literal:
        return _one({type(value) for value in get_args(hint)}, where)
    bare = get_origin(hint) or hint
    if not isinstance(bare, type):
        return dict  # Any
    if issubclass(bare, enum.Enum):
        return _one({type(member.value) for member in bare}, where)
    for scalar in _SCALARS:  # bool before int, of which it is a subclass
        if issubclass(bare, scalar):
            return scalar
    if issubclass(bare, (dict,)) or dataclasses.is_dataclass(bare):
        return dict
    return list if issubclass(bare, (list, tuple, set, frozenset)) else dict


def _one(found: Iterable[type], where: str) -> type:
    kinds = set(found)
    if kinds == {int, float}:
        return float
    if len(kinds) != 1:
        raise UsageError(
            "kfp.parameter_type",
            f"`{where}` takes {' or '.join(sorted(kind.__name__ for kind in kinds))}; a parameter on Kubeflow "
            "Pipelines has one type.",
        )
    return next(iter(kinds))


def snake_case(name: str) -> str:
    """Return `statistics_gen` for `StatisticsGen`, and a name that KFP takes for any step's id."""
    return re.sub(r"\W+|_+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()


def task_name(node: str, component: str) -> str:
    """Return the name of a node's task, from which KFP makes its key.

    Its compiler calls groups of tasks `condition-1`, `for-loop-2` and so on, and drops a task of the same key in
    silence; its server calls the driver of a task `a` `a-driver`. Argo takes names of 128 characters; KFP adds to them.
    """
    name = snake_case(node.encode("ascii", "ignore").decode())[:_LONGEST_NAME].strip("_") or snake_case(component)
    return f"{name}_step" if _TAKEN_NAMES.fullmatch(name) else name
