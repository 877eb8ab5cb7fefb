"""The tasks of a compiled pipeline: one for each step, with guards, order and options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfp import dsl

from assay.artifacts.model import Model
from assay.errors import UsageError
from assay.runners.gates import GATES
from assay.runners.kfp import control_steps as condition_step
from assay.runners.kfp import control_steps as gate_step
from assay.runners.kfp import control_steps as resolver_steps
from assay.runners.kfp.components import WIRE_CLASSES, KfpComponent, StepCommand, is_cacheable
from assay.runners.kfp.inputs import ARTIFACT_TYPE
from assay.runners.kfp.interface import plain_type
from assay.runners.kfp.loading import STEERING
from assay.runners.kfp.step_options import StepOptions, apply_options, options_of, steering_options
from assay.spec.channel import ArtifactProperty, Channel, OutputChannel, OutputParameter
from assay.spec.condition import Combination, Comparable, Negation, OutputComparison, Predicate
from assay.spec.importer import Importer
from assay.spec.node import ComponentNode, Node
from assay.spec.pipeline import Pipeline
from assay.spec.resolver import LatestBlessedModelStrategy, Resolver
from assay.spec.signature import ComponentSpec
from assay.spec.values import RuntimeParameter

# Conditions on Kubeflow Pipelines: which steps share which guards, and how a guard is decided.
#
# KFP's `dsl.If` compares one output parameter with a value. What it cannot say (`|`, a property of an artifact) is
# decided by a small step of its own, whose answer `dsl.If` reads.


_BREAKING = set("'\"\\\n\r{}")
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
Guards = tuple[Predicate, ...]


def guards_of(nodes: tuple[Node, ...]) -> dict[Node, Guards]:
    """Return the guards of each step, outermost first: its own, and those of the steps that it waits for.

    A step whose upstream step is skipped is skipped, so it stands under the same guards.

    Raises:
        UsageError: If a step waits for steps under guards that do not enclose one another; KFP cannot say that.
    """
    simplified: dict[Predicate, Guards] = {}
    guards: dict[Node, Guards] = {}
    for node in nodes:
        above = [guards[upstream] for upstream in node.upstream()]
        longest = max(above, key=len, default=())
        for each in above:
            if longest[: len(each)] != each:
                raise UsageError(
                    "kfp.conditions",
                    f"{node.id} waits for steps under different conditions ({_named(each)}; {_named(longest)}), and "
                    "Kubeflow Pipelines has no way to say that.",
                    "Nest one condition inside the other, or wire the step to the outputs of one branch only.",
                )
        own = [part for given in node.conditions for part in _parts(given, simplified)]
        guards[node] = longest + tuple(part for part in own if part not in longest)
    return guards


def _named(guards: Guards) -> str:
    return " and ".join(map(str, guards)) or "none"


def _parts(predicate: Predicate, simplified: dict[Predicate, Guards]) -> Guards:
    """Split `and` and reverse negated comparisons; equal predicates give equal parts."""
    if predicate not in simplified:
        match predicate:
            case Combination(word="and", left=left, right=right):
                simplified[predicate] = _parts(left, simplified) + _parts(right, simplified)
            case Negation(inner=OutputComparison(left=left, operator=operator, right=right)):
                simplified[predicate] = (OutputComparison(left, _OPPOSITE[operator], right),)
            case Negation(inner=Negation(inner=inner)):
                simplified[predicate] = _parts(inner, simplified)
            case _:
                simplified[predicate] = (predicate,)
    return simplified[predicate]


def is_plain(predicate: Predicate) -> bool:
    """Return whether `dsl.If` can decide the predicate itself.

    KFP's compiler puts texts between quotes as they are, and of a comparison of a truth value with a number it makes
    the opposite: `blessed == 1` becomes `blessed == false`.
    """
    if not isinstance(predicate, OutputComparison) or not isinstance(predicate.left, OutputParameter):
        return False
    left, right = _kind(predicate.left), _kind(predicate.right)
    is_safe = not isinstance(predicate.right, str) or not _BREAKING & set(predicate.right)
    return left is not None and left == right and is_safe


def _kind(operand: Any) -> type | None:
    """Return the kind of value that KFP compares an operand as; None for others."""
    if isinstance(operand, OutputParameter):
        kind = plain_type(operand.type, str(operand))
    elif isinstance(operand, Comparable):
        return None
    else:
        kind = type(operand)
    return {bool: bool, int: float, float: float, str: str}.get(kind)


@dataclass(frozen=True, slots=True)
class Question:
    """A predicate in the form that the step `Condition` decides.

    Attributes:
        predicate: JSON-compatible, but for the `OutputParameter`s in it.
        artifacts: The channels of the artifacts whose properties it reads, in the order of their numbers in it.
    """

    predicate: Mapping[str, Any]
    artifacts: tuple[Any, ...]


def question(predicate: Predicate) -> Question:
    """Write a predicate down for the step `Condition`."""
    artifacts: list[Any] = []
    return Question(_written(predicate, artifacts), tuple(artifacts))


def _written(predicate: Predicate, artifacts: list[Any]) -> dict[str, Any]:
    match predicate:
        case Combination(word=word, left=left, right=right):
            return {word: [_written(left, artifacts), _written(right, artifacts)]}
        case Negation(inner=inner):
            return {"not": _written(inner, artifacts)}
        case OutputComparison(left=left, operator=operator, right=right):
            return {"compare": [_operand(left, artifacts), operator, _operand(right, artifacts)]}
    raise UsageError("kfp.condition", f"Condition '{predicate}' cannot be evaluated by a step on Kubeflow Pipelines.")


def _operand(operand: Any, artifacts: list[Any]) -> Any:
    if not isinstance(operand, ArtifactProperty):
        return operand if not isinstance(operand, Comparable) or isinstance(operand, OutputParameter) else str(operand)
    if operand.index:
        raise UsageError(
            "kfp.condition_index", f"Condition on {operand}: an output is one artifact on Kubeflow Pipelines."
        )
    if operand.channel not in artifacts:
        artifacts.append(operand.channel)
    return {"property": operand.name, "of": artifacts.index(operand.channel)}


@dataclass(frozen=True, slots=True)
class TaskGraph:
    """Builds the tasks inside a `@dsl.pipeline`.

    Attributes:
        pipeline: The pipeline.
        parameters: KFP's channels of the runtime parameters.
        options: Options by step.
        image: The image of every step, or nothing.
        registry: Where blessed models are recorded and found.
        tasks: The tasks so far, by step id.
        found: The tasks of resolvers, by resolver and consumer.
        gates: The tasks that stop the run where a step closed a gate, by that step.
        groups: The names of the groups of conditional tasks.
    """

    pipeline: Pipeline
    parameters: Mapping[str, Any]
    options: Mapping[str, StepOptions]
    image: str = ""
    registry: str = ""
    tasks: dict[str, dsl.PipelineTask] = field(default_factory=dict)
    found: dict[tuple[str, str], dsl.PipelineTask] = field(default_factory=dict)
    gates: dict[Node, dsl.PipelineTask] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)

    def build(self) -> None:
        """Add a task for each step; resolvers get theirs where their artifacts are read."""
        guards = guards_of(self.pipeline.nodes)
        self._build((), [node for node in self.pipeline.nodes if not isinstance(node, Resolver)], guards)

    def _build(self, here: Guards, nodes: list[Node], guards: Mapping[Node, Guards]) -> None:
        """Add the steps under the guards `here`, and then those of each further guard inside of it."""
        inner: dict[Predicate, list[Node]] = {}
        for node in nodes:
            if guards[node] == here:
                self._add(node, guards)
            else:
                inner.setdefault(guards[node][len(here)], []).append(node)
        for predicate, guarded in inner.items():
            with dsl.If(self._condition(predicate), name=self._group_name(predicate)):
                self._build((*here, predicate), guarded, guards)

    def _group_name(self, predicate: Predicate) -> str:
        """Return the name of a group of conditional tasks; KFP before 2.14 rejects two of one name."""
        text = f"if {predicate}"
        self.groups.append(text)
        number = self.groups.count(text)
        return text if number == 1 else f"{text} ({number})"

    def _condition(self, predicate: Predicate) -> Any:
        if isinstance(predicate, OutputComparison) and is_plain(predicate):
            left, right = self._value(predicate.left), self._value(predicate.right)
            return _COMPARE[predicate.operator](left, right)
        asked = question(predicate)
        arguments: dict[str, Any] = {"predicate": self._values(asked.predicate)}
        arguments |= _numbered("artifacts", [self._artifact(each) for each in asked.artifacts])
        options = options_of("*", self.options)
        # Not by the component's own name: KFP calls its groups condition-1, condition-2 and so on.
        task = self._component(condition_step.Condition.spec, "Decision", options)(**arguments)
        apply_options(task, options, caching=self.pipeline.enable_cache)
        nodes = [each.node for each in asked.artifacts]
        _order(task, [wait for node in nodes if isinstance(node, Importer) for wait in self._waits(node)])
        return task.outputs["holds"] == True  # noqa: E712 (builds KFP's condition)

    def _add(self, node: Node, guards: Mapping[Node, Guards]) -> None:
        if isinstance(node, Importer):
            task = self._importer(node)
        elif isinstance(node, ComponentNode):
            task = self._component_task(node)
        else:
            raise UsageError("kfp.node", f"{node.id} cannot be compiled: KFP has no task for it.")
        # No task has a display name: KFP's importer, and before 2.14 every driver, files a task under the name that is
        # shown, and its consumers look for the task's key.
        self.tasks[node.id] = task
        if isinstance(node, Importer):  # KFP's importer starts at once; what reads of it waits in its place
            return
        # A gate that closes stops a run on one machine; KFP would go on with what does not read of it.
        gates = [gate for of, gate in self.gates.items() if guards[node][: len(guards[of])] == guards[of]]
        _order(task, [*self._waits(node), *gates])
        for key in _stopping_outputs(node):
            self.gates[node] = self._gate(node, task.outputs[key])

    def _waits(self, node: Node) -> list[dsl.PipelineTask]:
        """Return the tasks that a node's declaration orders it after, and those of the importers that it reads."""
        waits = [self.tasks[each.id] for each in node.explicit_upstream if not isinstance(each, Resolver)]
        read = [each for each in node.upstream() if isinstance(each, Importer)]
        return waits + [wait for importer in read for wait in self._waits(importer)]

    def _gate(self, node: Node, verdict: Any) -> dsl.PipelineTask:
        """Return the step that fails if the gate before it closed, so that KFP keeps the gate's outputs."""
        options = steering_options(node.id, self.options)
        task = self._component(gate_step.Gate.spec, f"{node.id} gate", options, gate="inputs")(verdict=verdict)
        apply_options(task, options, caching=False)
        return task

    def _importer(self, node: Importer) -> dsl.PipelineTask:
        declared = node.artifact_type.type()
        uri = node.source_uri if "://" in node.source_uri else str(Path(node.source_uri).resolve())
        return dsl.importer(
            artifact_uri=uri,
            artifact_class=WIRE_CLASSES[declared.wire_type],
            reimport=node.reimport,
            metadata={ARTIFACT_TYPE: declared.name, **node.properties},
        )

    def _component_task(self, node: ComponentNode) -> dsl.PipelineTask:
        options = options_of(node.id, self.options)
        arguments = {name: self._values(value) for name, value in node.arguments.items()}
        for key, channels in node.input_channels().items():
            arguments |= _numbered(key, [self._artifact(channel, node) for channel in channels])
        gate = "none" if _stopping_outputs(node) else "outputs"
        task = self._component(node.spec, node.id, options, gate=gate)(**arguments)
        apply_options(task, options, caching=self.pipeline.enable_cache and is_cacheable(node.spec, node.arguments))
        return task

    def _component(
        self, spec: ComponentSpec, node_id: str, options: StepOptions, *, gate: str = "outputs"
    ) -> KfpComponent:
        records = spec.name not in STEERING and self.registry not in {"none", "env"}
        command = StepCommand(
            image=options.image or self.image,
            pipeline=self.pipeline.name,
            node=node_id,
            registry=self.registry if records else "",
            gate=gate,
            beam_pipeline_args=self.pipeline.beam_pipeline_args,
        )
        return KfpComponent(spec=spec, command=command, name=node_id)

    def _artifact(self, channel: Channel, consumer: ComponentNode | None = None) -> Any:
        assert isinstance(channel, OutputChannel), "ComponentNode refuses channels that no step puts out"
        if isinstance(channel.node, Resolver):
            return self._resolved(channel.node, channel.key, consumer)
        outputs = self.tasks[channel.node.id].outputs
        return outputs["artifact"] if isinstance(channel.node, Importer) else outputs[channel.key]

    def _resolved(self, resolver: Resolver, key: str, consumer: ComponentNode | None) -> Any:
        """Return the output of the task that looks for a consumer's baseline, excluding the models that it judges."""
        where = (resolver.id, consumer.id if consumer else "")
        if where not in self.found:
            judged = [
                channel
                for channels in (consumer.input_channels().values() if consumer else ())
                for channel in channels
                if isinstance(channel, OutputChannel) and channel.type is Model
                if not isinstance(channel.node, Resolver)
            ]
            self.found[where] = self._resolver_task(resolver, judged)
        return self.found[where].outputs["model" if resolver.channels[key].type is Model else "model_blessing"]

    def _resolver_task(self, resolver: Resolver, judged: list[OutputChannel]) -> dsl.PipelineTask:
        if not isinstance(resolver.strategy, LatestBlessedModelStrategy):
            raise UsageError(
                "kfp.resolver",
                f"{resolver.id} uses {type(resolver.strategy).__name__}, which is not supported on Kubeflow Pipelines.",
                "Use LatestBlessedModelStrategy, or import other artifacts with an Importer.",
            )
        arguments = _numbered("candidate", [self._artifact(channel) for channel in judged])
        if self.registry == "none":
            arguments["without_registry"] = True
        elif self.registry != "env":
            arguments["registry"] = self.registry
        options = options_of(resolver.id, self.options)
        task = self._component(resolver_steps.LatestBlessedModel.spec, resolver.id, options)(**arguments)
        apply_options(task, options, caching=False)
        importers = [each.node for each in judged if isinstance(each.node, Importer)]
        waits = [self.tasks[node.id] for node in resolver.explicit_upstream if node.id in self.tasks]
        _order(task, waits + [wait for importer in importers for wait in self._waits(importer)])
        return task

    def _values(self, value: Any) -> Any:
        """Put KFP's channels in the places of placeholders."""
        if isinstance(value, (RuntimeParameter, OutputParameter)):
            return self._value(value)
        if isinstance(value, dict):
            return {key: self._values(item) for key, item in value.items()}
        return [self._values(item) for item in value] if isinstance(value, list) else value

    def _value(self, value: Any) -> Any:
        if isinstance(value, RuntimeParameter):
            return self.parameters[value.name]
        return self.tasks[value.node.id].outputs[value.key] if isinstance(value, OutputParameter) else value


def _stopping_outputs(node: Node) -> list[str]:
    """Return the outputs of a gate that may stop the run."""
    if not isinstance(node, ComponentNode) or "fail_on" not in node.spec.parameters:
        return []
    if node.arguments.get("fail_on", node.spec.parameters["fail_on"].default) == "never":
        return []
    stopping = {name for name, gate in GATES.items() if gate.stops_run}
    return [key for key, output in node.spec.outputs.items() if output.artifact.type().name in stopping]


def _order(task: dsl.PipelineTask, waits: list[dsl.PipelineTask]) -> None:
    """Make a task wait for others, for each once."""
    for wait in {each.name: each for each in waits}.values():
        task.after(wait)


def _numbered(name: str, values: list[Any]) -> dict[str, Any]:
    """Return an input's artifacts under the names by which a step finds them."""
    return {name if number == 1 else f"{name}__{number}": value for number, value in enumerate(values, 1)}


_COMPARE: Mapping[str, Any] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
