"""Pipeline: the steps, their order, and the runtime parameters."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from assay.errors import UsageError, did_you_mean
from assay.spec.component import Component
from assay.spec.node import ComponentNode, Node
from assay.spec.values import RuntimeParameter, placeholders

_ARGUMENTS = (
    "pipeline_name",
    "pipeline_root",
    "components",
    "enable_cache",
    "metadata_connection_config",
    "beam_pipeline_args",
    "execution_mode",
)
# Arguments of TFX's Pipeline, with what to do instead.
_REFUSED = {
    "inputs": "Put all steps into one pipeline; nested pipelines are not supported.",
    "outputs": "Put all steps into one pipeline; nested pipelines are not supported.",
    "platform_config": "Set Kubeflow options when compiling; platform_config is for TFX's own orchestrators.",
}
_NAME = re.compile(r"[A-Za-z0-9][\w.\-]*")


class ExecutionMode(enum.Enum):
    """TFX's names for how a pipeline runs; here, steps run once each, when what they wait for has ended."""

    SYNC = 1
    ASYNC = 2


class Pipeline:
    """Steps that run in the order that their data, conditions and `.after` ask for.

    Args:
        pipeline_name: Letters, digits, `.`, `_` and `-`; identifies the pipeline in the lineage store.
        pipeline_root: The folder of artifacts, runs and the lineage store; None leaves it to the runner.
        components: The steps, in any order.
        enable_cache: Whether steps with an unchanged fingerprint are taken from earlier runs.
        metadata_connection_config: The lineage store: a SQLite file, or the URL of a database; by default a file below
            the root.
        beam_pipeline_args: Options of Apache Beam, by which data steps run on Beam; None runs them on this machine.
        execution_mode: `SYNC`, the one mode that is there.
        **unknown: Refused; arguments of TFX's pipelines that have no counterpart say what to do instead.

    Raises:
        UsageError: The name has other characters, there is no step, two have one id, they wait for each other in a
            circle, one waits for a step that is not given, or an argument is unknown.

    Attributes:
        name: Identifies the pipeline in the lineage store.
        root: Where artifacts, runs and the lineage store go; None leaves it to the runner.
        nodes: The steps in the order of execution.
        parameters: The runtime parameters by name.
        enable_cache: Whether steps with an unchanged fingerprint are taken from earlier runs.
        beam_pipeline_args: Options of Apache Beam for the steps that use it.
        metadata: The lineage store: a file, or the URL of a database; None puts it below the root.
    """

    def __init__(
        self,
        pipeline_name: str,
        pipeline_root: str | Path | None = None,
        components: Sequence[Node] = (),
        *,
        enable_cache: bool = True,
        metadata_connection_config: str | Path | None = None,
        beam_pipeline_args: Sequence[str] | None = None,
        execution_mode: ExecutionMode = ExecutionMode.SYNC,
        **unknown: Any,
    ) -> None:
        given: Any = pipeline_name
        if not isinstance(given, str) or not _NAME.fullmatch(given):
            raise UsageError(
                "pipeline.name",
                f"A pipeline's name must consist of letters, digits, '.', '_' and '-', and start with a "
                "letter or digit; got "
                f"{pipeline_name!r}.",
            )
        _check_arguments(execution_mode, unknown)
        self.name = pipeline_name
        self.root = Path(pipeline_root) if pipeline_root is not None else None
        self.enable_cache = enable_cache
        self.metadata = _store_of(metadata_connection_config)
        self.beam_pipeline_args = tuple(beam_pipeline_args or ())
        self.nodes = _ordered(_checked(components))
        self.parameters = _runtime_parameters(self.nodes)

    def __repr__(self) -> str:
        return f"<Pipeline {self.name}: {', '.join(node.id for node in self.nodes)}>"

    def parameter_values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of each runtime parameter: the given one, or the default.

        Raises:
            UsageError: For an unknown name, a wrong type, or a required parameter that is missing.
        """
        for name in given:
            if name not in self.parameters:
                raise UsageError(
                    "pipeline.unknown_parameter",
                    f"Pipeline {self.name} has no parameter '{name}'.",
                    did_you_mean(name, self.parameters),
                )
        values = {
            name: parameter.convert(given[name]) if name in given else parameter.default
            for name, parameter in self.parameters.items()
        }
        missing = [name for name, value in values.items() if value is None]
        if missing:
            raise UsageError(
                "pipeline.missing_parameter",
                f"Pipeline {self.name} needs a value for: {', '.join(missing)}.",
                f"Give it: --param {missing[0]}=….",
            )
        return values


def _store_of(config: str | Path | None) -> str | Path | None:
    return config if isinstance(config, str) and "://" in config else Path(config) if config is not None else None


def _check_arguments(execution_mode: ExecutionMode, unknown: Mapping[str, Any]) -> None:
    if execution_mode is not ExecutionMode.SYNC:
        raise UsageError(
            "pipeline.execution_mode",
            f"Pipelines support only ExecutionMode.SYNC, got {execution_mode}.",
            "For continuous training, run the pipeline again for each span; unchanged steps are cached.",
        )
    for name, value in unknown.items():
        if name in _REFUSED and value is not None:
            raise UsageError(
                "pipeline.refused_argument",
                f"Pipeline has no argument '{name}', although TFX's has it.",
                _REFUSED[name],
            )
        if name not in _REFUSED:
            raise UsageError(
                "pipeline.unknown_argument", f"Pipeline has no argument '{name}'.", did_you_mean(name, _ARGUMENTS)
            )


def _checked(components: Sequence[Node]) -> list[Node]:
    """Check that all are steps, that ids are unique, and that every upstream step belongs to the pipeline."""
    by_id: dict[str, Node] = {}
    for node in components:
        if isinstance(node, Component):
            raise UsageError(
                "pipeline.not_called", f"{node.spec.name} is a component, not a step.", f"Call it: {node.spec.name}(…)."
            )
        if not isinstance(node, Node):
            raise UsageError("pipeline.not_a_step", f"A pipeline's components must be steps, got {node!r}.")
        if by_id.get(node.id, node) is not node:
            raise UsageError(
                "pipeline.duplicate_id",
                f"Two steps have the id '{node.id}', so their outputs would share one key.",
                f"Set another id: .with_id('{node.id}_2').",
            )
        by_id[node.id] = node
    if not by_id:
        raise UsageError("pipeline.empty", "A pipeline needs at least one step.", "Pass components=[…].")
    for node in by_id.values():
        for upstream in node.upstream():
            if by_id.get(upstream.id) is not upstream:
                raise UsageError(
                    "pipeline.foreign_step",
                    f"{node.id} waits for {upstream.id}, which is not among the pipeline's components.",
                    f"Add {upstream.id} to components=[…].",
                )
    return list(by_id.values())


def _ordered(nodes: list[Node]) -> tuple[Node, ...]:
    """Sorts the steps so that each comes after what it waits for; ties keep the author's order, gates first.

    A gate (a step without consumers that puts out a verdict) comes before other steps that are ready, so that it can
    close before work is done that it should have stopped.
    """
    position = {node: index for index, node in enumerate(nodes)}
    sorter = TopologicalSorter({node: node.upstream() for node in nodes})
    try:
        sorter.prepare()
    except CycleError as error:
        names = " -> ".join(node.id for node in error.args[1])
        raise UsageError("pipeline.cycle", f"The pipeline has a cycle: {names}.") from None
    ready: list[Node] = []
    ordered: list[Node] = []
    while sorter.is_active():
        ready += sorter.get_ready()
        ready.sort(key=lambda node: (not _is_gate(node), position[node]))
        node = ready.pop(0)
        ordered.append(node)
        sorter.done(node)
    return tuple(ordered)


def _is_gate(node: Node) -> bool:
    return isinstance(node, ComponentNode) and "fail_on" in node.spec.parameters


def _runtime_parameters(nodes: Sequence[Node]) -> dict[str, RuntimeParameter]:
    found: dict[str, RuntimeParameter] = {}
    for node in nodes:
        if not isinstance(node, ComponentNode):
            continue
        for value in node.arguments.values():
            for item in placeholders(value):
                if not isinstance(item, RuntimeParameter):
                    continue
                if found.setdefault(item.name, item) != item:
                    raise UsageError(
                        "pipeline.parameter_conflict",
                        f"Runtime parameter '{item.name}' is declared twice, with different types or defaults.",
                        "Declare it once and pass the same object.",
                    )
    return found
