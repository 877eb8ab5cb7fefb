"""Nodes: the steps of a pipeline as its author declares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from assay.artifacts.base import Artifact
from assay.errors import UsageError
from assay.spec.annotations import ParsedBy
from assay.spec.channel import Channel, Foreseen, OutputChannel, OutputParameter, Outputs
from assay.spec.condition import Predicate, active_conditions
from assay.spec.signature import ComponentSpec, InputSpec, ParameterSpec
from assay.spec.values import RuntimeParameter, canonical, placeholders, typed

# Names beside the steps' folders in a root; a step of that name would write among them.
_TAKEN = frozenset({"runs", "lineage.db"})


class Node:
    """A step of a pipeline: its id, what it waits for, and its outputs.

    Attributes:
        id: Unique in the pipeline; the component's name unless `with_id` gave another.
        conditions: What must hold for the step to run.
        outputs: Channels and output parameters by key.
        foreseen: What is known of outputs before the step runs, by key.
    """

    outputs: Mapping[str, Any]
    foreseen: Mapping[str, Foreseen]

    def __init__(self, id: str) -> None:  # noqa: A002 (the field's name in TFX)
        self.id = id
        self.conditions: tuple[Predicate, ...] = active_conditions()
        self.explicit_upstream: list[Node] = []
        self.foreseen = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    def with_id(self, id: str) -> Any:  # noqa: A002 (TFX's name; returns the very node for chaining)
        """Set the step's id; two steps of one component need different ids.

        Raises:
            UsageError: For an id that cannot name a folder.
        """
        if not id or id.startswith(".") or any(character in id for character in "/\\\0"):
            raise UsageError("node.id", f"A step's id must be usable as a folder's name, got {id!r}.")
        if id in _TAKEN:
            raise UsageError("node.id_taken", f"A step cannot be called '{id}': the name is reserved in a root.")
        self.id = id
        return self

    def after(self, *nodes: Node) -> Any:
        """Make the step wait for others whose data it does not read; return the step for chaining."""
        for node in nodes:
            if not isinstance(node, Node):
                raise UsageError("node.after", f"{self.id}.after() expects steps, got {node!r}.")
            self.explicit_upstream.append(node)
        return self

    def add_upstream_node(self, node: Node) -> None:
        """TFX's name for `after`."""
        self.after(node)

    def add_downstream_node(self, node: Node) -> None:
        """Make other steps wait for this one: the reverse of `after`."""
        node.after(self)

    def input_channels(self) -> Mapping[str, tuple[Channel, ...]]:
        """Return the channels that the step reads, by key."""
        return {}

    def upstream(self) -> list[Node]:
        """Return the steps that must end first: for their data, for a condition, or by `after`."""
        found = list(self.explicit_upstream)
        for channels in self.input_channels().values():
            found += [channel.node for channel in channels if isinstance(channel, OutputChannel)]
        for predicate in self.conditions:
            found += [operand.node for operand in predicate.operands()]
        return list(dict.fromkeys(found))


class ComponentNode(Node):
    """A step that runs a component.

    Attributes:
        spec: The component's declaration.
        arguments: Parameter values in their JSON form, placeholders inside; only those that were given.
    """

    def __init__(self, spec: ComponentSpec, arguments: Mapping[str, Any]) -> None:
        super().__init__(spec.name)
        self.spec = spec
        given = {
            name: value
            for name, value in arguments.items()
            if (value is not None or _takes_none(spec.parameters.get(name))) and (value or name not in spec.refused)
        }
        spec.check_argument_names(given)
        self._inputs = {
            name: _channels(spec, spec.inputs[name], value) for name, value in given.items() if name in spec.inputs
        }
        self.arguments = {
            name: _argument(spec, spec.parameters[name], value)
            for name, value in given.items()
            if name in spec.parameters
        }
        if spec.check is not None:
            spec.check(self._inputs | self._known_values())
        if spec.foresee is not None:
            self.foreseen = spec.foresee(self._inputs | self._known_values())
        outputs: dict[str, Any] = {
            key: OutputChannel(self, key, output.artifact) for key, output in spec.outputs.items()
        }
        outputs |= {key: OutputParameter(self, key, value.type) for key, value in spec.output_parameters.items()}
        self.outputs = Outputs(self, outputs)

    def _known_values(self) -> dict[str, Any]:
        """Return the parameters whose values are known at the declaration, defaults included."""
        values = {name: each.default for name, each in self.spec.parameters.items() if not each.required}
        for name, value in self.arguments.items():
            values.pop(name, None)
            if next(iter(placeholders(value)), None) is None:
                values[name] = typed(value, self.spec.parameters[name].type, f"{self.spec.name}.{name}")
        return values

    def input_channels(self) -> Mapping[str, tuple[Channel, ...]]:
        """Return the channels that the component reads, by key."""
        return self._inputs

    def upstream(self) -> list[Node]:
        """Add the steps whose output parameters are passed as arguments."""
        found = super().upstream()
        for value in self.arguments.values():
            found += [item.node for item in placeholders(value) if isinstance(item, OutputParameter)]
        return list(dict.fromkeys(found))


def _takes_none(declared: ParameterSpec | None) -> bool:
    """Return whether None is an ordinary value, rather than TFX's way to omit an argument."""
    return declared is not None and declared.default is not None and type(None) in get_args(declared.type)


def _channels(spec: ComponentSpec, declared: InputSpec, value: Any) -> tuple[Channel, ...]:
    """Check what an author wired to an input: one channel, or several where the input takes many."""
    channels = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if len(channels) != 1 and not declared.many:
        raise UsageError("node.one_channel", f"{spec.name}.{declared.name} accepts one channel, got {len(channels)}.")
    for channel in channels:
        if not isinstance(channel, Channel):
            raise UsageError(
                "node.not_a_channel",
                f"{spec.name}.{declared.name} requires another step's output of type {declared.artifact.__name__}, "
                f"got {channel!r}.",
                "Wire it: other_step.outputs['key']; or import a folder with Importer.",
            )
        if not isinstance(channel, OutputChannel):
            raise UsageError(
                "node.no_producer",
                f"{spec.name}.{declared.name} requires another step's output, got a Channel that no step writes.",
                "Find its artifact with a Resolver: Resolver(strategy_class=LatestArtifactStrategy, "
                f"{declared.name}=Channel(type={channel.type.__name__})).outputs['{declared.name}'].",
            )
        if channel.foreseen.empty:
            raise UsageError(
                "node.empty_output",
                f"{spec.name}.{declared.name} reads {channel!r}, which stays empty: {channel.foreseen.empty}.",
                "Wire another output, or make the step write this one.",
            )
        if not issubclass(channel.type, declared.artifact) and declared.artifact is not Artifact:
            raise UsageError(
                "node.channel_type",
                f"{spec.name}.{declared.name} takes {declared.artifact.type().name}, but {channel!r} carries "
                f"{channel.type.type().name}.",
            )
    return channels


def _argument(spec: ComponentSpec, declared: ParameterSpec, value: Any) -> Any:
    """Check a parameter's value as far as it is known, and return its JSON form.

    Raises:
        UsageError: For a value that has no JSON form, or not the declared type.
    """
    where = f"{spec.name}.{declared.name}"
    if isinstance(declared.mark, ParsedBy) and not isinstance(value, (RuntimeParameter, OutputParameter)):
        value = declared.mark.parse(value)
    plain = canonical(value, where)
    if not any(placeholders(plain)):
        typed(plain, declared.type, where)
    return plain
