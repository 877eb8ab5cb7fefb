"""Channels: what connects one step's output to another's input, before any artifact exists."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from assay.artifacts.base import Artifact
from assay.data.splits import chosen_splits
from assay.errors import UsageError, did_you_mean
from assay.spec.condition import Comparable

if TYPE_CHECKING:
    from assay.spec.node import Node

V = TypeVar("V")


class Channel:
    """A stream of artifacts of one type.

    Without a producer it stands for artifacts that a `Resolver` finds in the lineage store.

    Attributes:
        type: The artifact class.
        producer_component_id: Limits a resolver's search to artifacts of that step.
    """

    def __init__(self, type: type[Artifact], producer_component_id: str | None = None) -> None:  # noqa: A002 (TFX's)
        if not (isinstance(type, _TYPE) and issubclass(type, Artifact)):
            raise UsageError("channel.type", f"A channel's type must be an artifact class, got {type!r}.")
        self.type = type
        self.producer_component_id = producer_component_id


_TYPE: Any = type


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is known of an output before its step runs.

    Attributes:
        splits: The names of the splits; None where only the run will know.
        empty: Why the step writes nothing there, as the end of a sentence; empty where it writes.
    """

    splits: tuple[str, ...] | None = None
    empty: str = ""


def foreseen_splits(channels: Any) -> set[str] | None:
    """Return the splits that an input of Examples will have; None where only the run will know.

    Args:
        channels: The value of the input in a component's `check`: channels at the declaration, artifacts in a run.
    """
    found: set[str] = set()
    for channel in channels if isinstance(channels, tuple) else (channels,):
        splits = channel.foreseen.splits if isinstance(channel, OutputChannel) else None
        if splits is None:
            return None
        found.update(splits)
    return found


def foresee_splits(source: str, *outputs: str) -> Callable[[Mapping[str, Any]], dict[str, Foreseen]]:
    """Return the `foresee` of a component that works on the splits of an input, but for those in `exclude_splits`.

    Args:
        source: The input.
        outputs: The outputs that have its splits.
    """

    def foresee(arguments: Mapping[str, Any]) -> dict[str, Foreseen]:
        there = foreseen_splits(arguments[source])
        if there is None or "exclude_splits" not in arguments:
            return {}
        splits = chosen_splits(f"the {source}", sorted(there), arguments["exclude_splits"])
        return dict.fromkeys(outputs, Foreseen(splits=tuple(splits)))

    return foresee


def check_splits(there: Collection[str] | None, splits: Iterable[str], argument: str, code: str) -> None:
    """Check that examples have the splits that an argument names.

    Args:
        there: The splits of the examples; None where they are not known.
        splits: The splits that are named.
        argument: The argument that names them.
        code: The code of the error.

    Raises:
        UsageError: A split is not among them.
    """
    for split in splits:
        if there is not None and split not in there:
            raise UsageError(
                code, f"{argument} names split '{split}', which the examples do not have.", did_you_mean(split, there)
            )


class OutputChannel(Channel):
    """The artifacts that a step puts out under one key."""

    def __init__(self, node: Node, key: str, artifact: type[Artifact]) -> None:
        super().__init__(artifact)
        self.node = node
        self.key = key

    def __repr__(self) -> str:
        return f"{self.node.id}.outputs[{self.key!r}]"

    @property
    def foreseen(self) -> Foreseen:
        """What is known of the output before the step runs."""
        return self.node.foreseen.get(self.key, Foreseen())

    def future(self) -> FutureArtifacts:
        """Stands for the channel's artifacts in a condition, as in TFX."""
        return FutureArtifacts(self)


@dataclass(frozen=True, slots=True)
class FutureArtifacts:
    """The artifacts that a channel will carry."""

    channel: OutputChannel

    def __getitem__(self, index: int) -> FutureArtifact:
        """Return the artifact at a position."""
        return FutureArtifact(self.channel, index)


@dataclass(frozen=True, slots=True)
class FutureArtifact:
    """An artifact that a channel will carry."""

    channel: OutputChannel
    index: int

    def property(self, name: str) -> ArtifactProperty:
        """Return the value that a declared property will have.

        Raises:
            UsageError: If the artifact type declares no such property.
        """
        declared = self.channel.type.type().properties
        if name not in declared:
            raise UsageError(
                "channel.unknown_property",
                f"{self.channel.type.type().name} declares no property '{name}'.",
                did_you_mean(name, declared),
            )
        return ArtifactProperty(self.channel, self.index, name)

    def custom_property(self, name: str) -> ArtifactProperty:
        """Return a declared property, as `property` does: TFX's custom properties are declared ones here."""
        return self.property(name)


@dataclass(frozen=True, slots=True, eq=False)
class ArtifactProperty(Comparable):
    """A property of an artifact that a channel will carry."""

    channel: OutputChannel
    index: int
    name: str

    __hash__ = object.__hash__

    def __str__(self) -> str:
        return f"{self.channel.node.id}.{self.channel.key}[{self.index}].{self.name}"

    @property
    def node(self) -> Node:
        """The step that puts the artifact out."""
        return self.channel.node


@dataclass(frozen=True, slots=True, eq=False)
class OutputParameter(Comparable):
    """A plain value that a step will return; compare it in a `Cond`, or pass it to a parameter."""

    node: Node
    key: str
    type: Any

    __hash__ = object.__hash__

    def __str__(self) -> str:
        return f"{self.node.id}.{self.key}"

    def future(self) -> FutureValue:
        """Stands for the value in TFX's notation: `outputs[key].future()[0].value`."""
        return FutureValue(self)


@dataclass(frozen=True, slots=True)
class FutureValue:
    """TFX's notation for an output parameter."""

    parameter: OutputParameter

    def __getitem__(self, index: int) -> FutureValue:
        """Return the first and only value."""
        return self

    @property
    def value(self) -> OutputParameter:
        """The value itself."""
        return self.parameter


class Outputs(Mapping[str, V]):
    """A step's outputs by key; an unknown key says which keys there are."""

    def __init__(self, node: Node, values: Mapping[str, V]) -> None:
        self._node = node
        self._values = dict(values)

    def __getitem__(self, key: str) -> V:
        """Return the output; raises UsageError for an unknown key."""
        try:
            return self._values[key]
        except KeyError:
            raise UsageError(
                "node.unknown_output", f"{self._node.id} has no output '{key}'.", did_you_mean(key, self._values)
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
