"""KFP components made of declarations."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional

from kfp import dsl
from kfp.dsl import base_component, pipeline_channel, pipeline_context

import assay
from assay.errors import UsageError
from assay.runners.kfp.arguments import bind
from assay.runners.kfp.control_steps import LatestBlessedModel
from assay.runners.kfp.embedded_files import check_carried
from assay.runners.kfp.inputs import artifact_twin
from assay.runners.kfp.interface import Interface, WireArtifact, WireParameter, interface, task_name
from assay.runners.kfp.loading import reference_to
from assay.spec.annotations import FileMark, UserModuleMark
from assay.spec.signature import ComponentSpec

DATA_IMAGE = f"assay/data:{assay.__version__}"
FULL_IMAGE = f"assay/full:{assay.__version__}"


def default_image(spec: ComponentSpec) -> str:
    """Return the smaller image if the component does not need TensorFlow; a user's component may need anything."""
    is_ours = spec.function.__module__.startswith("assay.")
    return DATA_IMAGE if is_ours and "tensorflow" not in spec.libraries else FULL_IMAGE


def is_cacheable(spec: ComponentSpec, arguments: Mapping[str, Any]) -> bool:
    """Return whether KFP may take a step from an earlier run.

    A file that lies on this machine is embedded in its value, and data that another step made are an artifact: both are
    part of KFP's cache key.

    Args:
        spec: The declaration.
        arguments: The arguments as the author gave them.
    """
    named = [
        value
        for name, value in arguments.items()
        if name in spec.parameters
        and isinstance(spec.parameters[name].mark, FileMark | UserModuleMark)
        and not (isinstance(value, str) and Path(value).is_file())
    ]
    reads = spec.reads is not None and not any(artifact_twin(name) in arguments for name in spec.parameters)
    is_fixed = spec.still_valid is None and spec.name != LatestBlessedModel.spec.name
    return is_fixed and not reads and not named and not _depends_on_more(spec, arguments)


def _depends_on_more(spec: ComponentSpec, arguments: Mapping[str, Any]) -> bool:
    """Return whether values name something (a module, a vocabulary) whose content they do not include."""
    if spec.depends_on is None:
        return False
    values = {name: arguments.get(name, declared.default) for name, declared in spec.parameters.items()}
    if any(_is_given_by_the_run(value) for value in values.values()):
        return True
    return bool(spec.depends_on(values))


def _is_given_by_the_run(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_given_by_the_run(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_is_given_by_the_run(item) for item in value)
    return isinstance(value, pipeline_channel.PipelineChannel)


WIRE_CLASSES = {
    each.schema_title: each
    for each in (dsl.Artifact, dsl.ClassificationMetrics, dsl.Dataset, dsl.Model, dsl.Metrics, dsl.HTML, dsl.Markdown)
}
_MODULE = "assay.runners.kfp.step"
# kfp.local's SubprocessRunner runs steps that name this module; ours keeps to its contract.
_CONTRACT = "kfp.dsl.executor_main"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCommand:
    """What a step's command line contains in addition to the component.

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
        """Return the container of a step."""
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
        """Return the component with another command: `configured(image=..., registry=...)`; see `StepCommand`."""
        return replace(self, command=replace(self.command, **command))

    def __call__(self, *positional: Any, **arguments: Any) -> dsl.PipelineTask:
        """Add a task to the pipeline that is being declared.

        Files of a user's that lie on this machine (`module_file`, `schema_file`) travel inside the value. Only the
        optional inputs that are wired become inputs of the task: kfp.local fails on the others. KFP's cache is off for
        a step that reads what the cache cannot see, or acts on the outside world.

        Args:
            *positional: Refused: arguments are named.
            **arguments: Outputs of other tasks, pipeline parameters, and values; a list of outputs, or `dsl.Collected`,
                where a component takes several artifacts.

        Raises:
            UsageError: For an unknown or missing argument, or a value of another type than the declared one.
        """
        if positional:
            raise UsageError("kfp.positional", f"{self.spec.name} takes named arguments only, got {positional[0]!r}.")
        given = {name: value for name, value in arguments.items() if value is not None}
        call = bind(self.spec, self._interface(), given)
        container = self._command().container(self.spec)
        container.args = [*container.args, "--interface", _identity(call.shown)]
        task = make_component(call.shown, container)(**call.values)
        declared = pipeline_context.Pipeline.get_default_pipeline()
        if declared is not None:
            check_carried(declared.name, _constants(*declared.tasks.values()))
        check_carried(task.name, {**_constants(task), f"{task.name}'s command": container.args})
        return task if is_cacheable(self.spec, given) else task.set_caching_options(False)

    def _command(self) -> StepCommand:
        declared = pipeline_context.Pipeline.get_default_pipeline()
        is_named = self.command.pipeline != dsl.PIPELINE_JOB_NAME_PLACEHOLDER
        return self.command if is_named or declared is None else replace(self.command, pipeline=declared.name)

    def _interface(self) -> Interface:
        found = interface(self.spec)
        return replace(found, name=task_name(self.name or self.spec.name, self.spec.name))


def make_component(shown: Interface, container: dsl.ContainerSpec) -> base_component.BaseComponent:
    """Make a KFP component of an interface and a container."""
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


def _constants(*tasks: dsl.PipelineTask) -> dict[str, Any]:
    """Return the values that tasks carry, by task and parameter."""
    return {
        f"{task.name}.{name}": value
        for task in tasks
        for name, value in task.inputs.items()
        if not isinstance(value, pipeline_channel.PipelineChannel)
    }


def _identity(shown: Interface) -> str:
    """Return a digest of an interface.

    KFP (2.3 and newer) files components under a hash of their container, and the first of a hash stands for all. Two
    calls of a component that show other inputs, outputs or defaults must therefore have containers that differ.
    """
    groups = (shown.inputs, shown.parameters, shown.outputs, shown.output_parameters)
    told = [[replace(each, description="") for each in group] for group in groups]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _argument(name: str, annotation: Any, declared: WireParameter | None = None) -> inspect.Parameter:
    optional = declared is not None and not declared.required
    default = declared.default if declared is not None and optional else inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _input(declared: WireArtifact) -> inspect.Parameter:
    annotation = dsl.Input[WIRE_CLASSES[declared.schema_title]]
    if declared.many:
        wire_class: Any = WIRE_CLASSES[declared.schema_title]
        return _argument(declared.name, dsl.Input[list[wire_class]])
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


def component_of(component: Any, **command: Any) -> KfpComponent:
    """Make a KFP component of any of assay's components, or of a user's own.

    Args:
        component: What `@component` made.
        **command: Fields of `StepCommand`.
    """
    return KfpComponent(spec=component.spec, command=StepCommand(**command))
