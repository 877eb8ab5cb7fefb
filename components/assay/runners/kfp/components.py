"""KFP components made of declarations."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional

from kfp import dsl
from kfp.dsl import base_component, pipeline_channel, pipeline_context

from assay.errors import UsageError, did_you_mean
from assay.runners.kfp.caching import is_cacheable
from assay.runners.kfp.embedded_files import embed_file, embed_module
from assay.runners.kfp.images import default_image
from assay.runners.kfp.loading import reference_to
from assay.runners.kfp.step_parameters import REFERENCE
from assay.runners.kfp.wire import Interface, WireArtifact, WireParameter, interface, plain_type, snake_case
from assay.spec.annotations import FileMark, ParsedBy, UserModuleMark
from assay.spec.signature import ComponentSpec, ParameterSpec
from assay.spec.values import canonical, typed

WIRE_CLASSES = {
    each.schema_title: each
    for each in (dsl.Artifact, dsl.ClassificationMetrics, dsl.Dataset, dsl.Model, dsl.Metrics, dsl.HTML, dsl.Markdown)
}
# The types of KFP's channels, in its pipelines and in its YAML.
_PLAIN = {
    "String": str,
    "Integer": int,
    "Float": float,
    "Boolean": bool,
    "List": list,
    "Dict": dict,
    "STRING": str,
    "NUMBER_INTEGER": int,
    "NUMBER_DOUBLE": float,
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
}
_MODULE = "assay.runners.kfp.step"
# kfp.local's SubprocessRunner runs steps that name this module; ours keeps to its contract.
_CONTRACT = "kfp.dsl.executor_main"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCommand:
    """What a step's command line says besides the component.

    Attributes:
        image: The image; by default the smallest of assay's that holds what the component needs.
        pipeline: The pipeline's name, by which blessed models are recorded; by default that of the `@dsl.pipeline`
            which the step is declared in. (KFP's name of the job is another one in every run.)
        node: The step's id; KFP's name of the task by default.
        registry: Where blessed models are recorded, for all to read in the pipeline's file; one with a password comes
            by the environment (`ASSAY_REGISTRY`).
        gate: Whose verdict makes the step fail: that of its `outputs`, of its `inputs`, or of `none`.
        beam_pipeline_args: Beam's options.
    """

    image: str = ""
    pipeline: str = dsl.PIPELINE_JOB_NAME_PLACEHOLDER
    node: str = dsl.PIPELINE_TASK_NAME_PLACEHOLDER
    registry: str = ""
    gate: str = "outputs"
    beam_pipeline_args: Sequence[str] = ()

    def container(self, spec: ComponentSpec) -> dsl.ContainerSpec:
        """The container of a step."""
        reference, source = reference_to(spec)
        arguments = ["--component", reference]
        arguments += ["--source", source] if source else []
        arguments += ["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER]
        arguments += ["--pipeline", self.pipeline, "--run-id", dsl.PIPELINE_JOB_ID_PLACEHOLDER, "--node", self.node]
        arguments += ["--registry", self.registry] if self.registry else []
        arguments += ["--gate", self.gate] if self.gate != "outputs" else []
        arguments += [f"--beam-pipeline-arg={each}" for each in self.beam_pipeline_args]
        arguments += ["--contract", _CONTRACT]
        image = self.image or default_image(spec)
        return dsl.ContainerSpec(image=image, command=["python3", "-m", _MODULE], args=arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class KfpComponent:
    """One of assay's components, to be called inside a `@dsl.pipeline`.

    Attributes:
        spec: The declaration.
        command: What its command line says.
        name: The task's name in the pipeline; the component's by default.
    """

    spec: ComponentSpec
    command: StepCommand = field(default_factory=StepCommand)
    name: str = ""

    @property
    def component(self) -> base_component.BaseComponent:
        """The whole component, every optional input included, as `component.yaml` holds it."""
        return make_component(self._interface(), self.command.container(self.spec))

    def configured(self, **command: Any) -> KfpComponent:
        """The component with another command: `configured(image=..., registry=...)`; see `StepCommand`."""
        return replace(self, command=replace(self.command, **command))

    def __call__(self, *positional: Any, **arguments: Any) -> dsl.PipelineTask:
        """Adds a task to the pipeline that is being declared.

        Files of a user's that lie on this machine (`module_file`, `schema_file`) travel inside the value. Only the
        optional inputs that are wired become inputs of the task: kfp.local fails on the others. KFP's cache is off for
        a step that reads what the cache cannot see, or acts on the outside world.

        Args:
            *positional: Refused: arguments are named.
            **arguments: Outputs of other tasks, pipeline parameters, and values.

        Raises:
            UsageError: For an unknown or missing argument, or a value of another type than the declared one.
        """
        if positional:
            raise UsageError("kfp.positional", f"{self.spec.name} takes named arguments only, got {positional[0]!r}.")
        whole = self._interface()
        given = {name: value for name, value in arguments.items() if value is not None}
        _check_names(self.spec.name, whole, given)
        bound, further = _bound(self.spec, given)
        kept = tuple(each for each in whole.inputs if not each.optional or each.name in given)
        numbered = tuple(each for each in _numbered(whole, given) if each.name in given)
        parameters = tuple(each for each in whole.parameters if each.required or each.name in given) + further
        narrowed = replace(whole, inputs=kept + numbered, parameters=parameters)
        task = make_component(narrowed, self._command().container(self.spec))(**bound)
        return task if is_cacheable(self.spec, given) else task.set_caching_options(False)

    def _command(self) -> StepCommand:
        declared = pipeline_context.Pipeline.get_default_pipeline()
        is_named = self.command.pipeline != dsl.PIPELINE_JOB_NAME_PLACEHOLDER
        return self.command if is_named or declared is None else replace(self.command, pipeline=declared.name)

    def _interface(self) -> Interface:
        found = interface(self.spec)
        return replace(found, name=snake_case(self.name)) if self.name else found


def make_component(shown: Interface, container: dsl.ContainerSpec) -> base_component.BaseComponent:
    """Makes a KFP component of an interface and a container."""
    parameters = [_input(each) for each in shown.inputs]
    parameters += [_argument(each.name, each.type, each) for each in shown.parameters]
    parameters += [_argument(each.name, dsl.Output[WIRE_CLASSES[each.schema_title]]) for each in shown.outputs]
    parameters += [_argument(each.name, dsl.OutputPath(each.type)) for each in shown.output_parameters]

    def declare(*_: Any) -> dsl.ContainerSpec:
        return container

    function: Any = declare  # KFP reads the declaration off a function; this one is written by another declaration
    function.__name__ = function.__qualname__ = shown.name
    function.__signature__ = inspect.Signature(parameters)
    function.__doc__ = _docstring(shown)
    return dsl.container_component(function)


def _argument(name: str, annotation: Any, declared: WireParameter | None = None) -> inspect.Parameter:
    optional = declared is not None and not declared.required
    default = declared.default if declared is not None and optional else inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _input(declared: WireArtifact) -> inspect.Parameter:
    annotation = dsl.Input[WIRE_CLASSES[declared.schema_title]]
    if not declared.optional:
        return _argument(declared.name, annotation)
    # typing.Optional, since KFP looks for its form and not for that of `X | None`.
    kind, optional = inspect.Parameter.KEYWORD_ONLY, Optional[annotation]  # noqa: UP045
    return inspect.Parameter(declared.name, kind, default=None, annotation=optional)


def _docstring(shown: Interface) -> str:
    inputs = [*_documented(shown.inputs), *_documented(shown.parameters)]
    outputs = [*_documented(shown.outputs), *_documented(shown.output_parameters)]
    # KFP takes descriptions of outputs from the section of what is returned.
    return "\n".join([shown.description, "", "Args:", *inputs, "", "Returns:", *outputs])


def _documented(declared: Iterable[WireArtifact | WireParameter]) -> list[str]:
    return [f"    {each.name}: {each.description}" for each in declared if each.description]


def _check_names(name: str, shown: Interface, given: Mapping[str, Any]) -> None:
    known = [each.name for each in shown.inputs] + [each.name for each in shown.parameters]
    for argument in given:
        if argument not in known and argument.partition("__")[0] not in known:
            raise UsageError("kfp.argument", f"{name} has no argument '{argument}'.", did_you_mean(argument, known))
    required = [each.name for each in shown.inputs if not each.optional]
    required += [each.name for each in shown.parameters if each.required]
    missing = [each for each in required if each not in given]
    if missing:
        raise UsageError("kfp.missing_argument", f"{name} needs {', '.join(missing)}.")


def _numbered(shown: Interface, given: Iterable[str]) -> list[WireArtifact]:
    """The second and further artifacts of an input that takes several; a KFP component declares each."""
    by_name = {each.name: each for each in shown.inputs}
    return [replace(by_name[name.partition("__")[0]], name=name, optional=False) for name in given if "__" in name]


def _bound(spec: ComponentSpec, given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[WireParameter, ...]]:
    """Gives the arguments as KFP takes them, and the further parameters that values inside of others need."""
    bound: dict[str, Any] = {}
    further: dict[str, tuple[WireParameter, Any]] = {}
    for name, value in given.items():
        declared = spec.parameters.get(name)
        is_channel = isinstance(value, pipeline_channel.PipelineChannel)
        bound[name] = value if declared is None or is_channel else _constant(spec, declared, value, further)
    bound |= {name: channel for name, (_, channel) in further.items()}
    return bound, tuple(parameter for parameter, _ in further.values())


def _constant(
    spec: ComponentSpec, declared: ParameterSpec, value: Any, further: dict[str, tuple[WireParameter, Any]]
) -> Any:
    where = f"{spec.name}.{declared.name}"
    referring = _referring(value, further)
    if referring is not value:
        return canonical(referring, where)
    if isinstance(declared.mark, ParsedBy):
        value = declared.mark.parse(value)
    plain = canonical(value, where)
    typed(plain, declared.type, where)
    if isinstance(declared.mark, UserModuleMark | FileMark) and isinstance(plain, str) and Path(plain).is_file():
        return (embed_module if isinstance(declared.mark, UserModuleMark) else embed_file)(plain)
    return float(plain) if plain_type(declared.type, where) is float else plain


def _referring(value: Any, further: dict[str, tuple[WireParameter, Any]]) -> Any:
    """Puts a reference in the place of each channel inside a list or dict; without any, gives the value itself."""
    if isinstance(value, pipeline_channel.PipelineChannel):
        name = f"{value.task_name}_{value.name}".replace("-", "_") if value.task_name else value.name
        name = f"value_of_{name}"
        further[name] = (WireParameter(name, _PLAIN[str(value.channel_type)]), value)
        return {REFERENCE: name}
    if isinstance(value, dict):
        items = {key: _referring(item, further) for key, item in value.items()}
        return items if any(items[key] is not value[key] for key in value) else value
    if isinstance(value, (list, tuple)):
        listed = [_referring(item, further) for item in value]
        return listed if any(new is not old for new, old in zip(listed, value, strict=True)) else value
    return value


def component_of(component: Any, **command: Any) -> KfpComponent:
    """Makes a KFP component of any of assay's components, or of a user's own.

    Args:
        component: What `@component` made.
        **command: Fields of `StepCommand`.
    """
    return KfpComponent(spec=component.spec, command=StepCommand(**command))
