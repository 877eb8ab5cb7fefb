"""How much a pipeline can carry in its values, counted as a server hands them on.

KFP passes a DAG with all constants of its tasks to its driver as one argument (from 2.17 on as a file), and Linux takes
arguments of 128 KiB. Argo writes a pod's whole template into one environment variable, which holds each argument twice:
as an input and in the command (Argo 3.6 and newer puts a large one into a file). KFP 2.5, the oldest server that we
support, comes with Argo 3.5: there a pod carries half of 128 KiB, less what else its template holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from assay.errors import UsageError

_ARGUMENT = 128 * 1024
_TEMPLATE = 8 * 1024  # volumes, mounts, security context and options of a pod: about 5 KiB
MOST_BYTES = (_ARGUMENT - _TEMPLATE) // 2
_NAMED = 3  # of the values that are large

_VALUES = "The values of {}, with the files that they carry, take"
_WAY_OUT = (
    'Upload large files, below the pipeline root for example, and give their URLs (schema_file="s3://…"); or put them '
    "into the image and give their paths there."
)


def check_carried(what: str, carried: Mapping[str, Any]) -> None:
    """Check what a task carries, or what all tasks of a pipeline carry so far.

    Args:
        what: The name of the pipeline or task.
        carried: The constants, by task and parameter.

    Raises:
        UsageError: If no server takes them.
    """
    sizes = {name: _written(value) for name, value in carried.items()}
    if sum(sizes.values()) > MOST_BYTES:
        raise too_large(_VALUES.format(what), sum(sizes.values()), sizes)


def check_compiled(spec: Mapping[str, Any]) -> None:
    """Check every pod of a compiled pipeline: the drivers of its DAGs and tasks, and the tasks themselves.

    Raises:
        UsageError: If one carries more than a server takes.
    """
    name = str(spec["pipelineInfo"]["name"])
    defaults = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    given = {key: each["defaultValue"] for key, each in defaults.items() if "defaultValue" in each}
    _check_pod(
        name, [spec["root"], {"parameterValues": given}], {f"parameter {key}": given[key] for key in given}, spec
    )
    for key, task in _tasks(spec):
        component = spec["components"][task["componentRef"]["name"]]
        executor = spec.get("deploymentSpec", {}).get("executors", {}).get(component.get("executorLabel"), {})
        container = executor.get("container", {})
        own = {**_constants(key, task), f"{key}'s command": container.get("args", [])}
        _check_pod(name, [task, component, container], own, spec)
        inputs = json.dumps(_constants(key, task), ensure_ascii=False)
        command = [inputs, json.dumps(component, ensure_ascii=False), *container.get("args", [])]
        _check_pod(name, [command], own, spec)


def _check_pod(pipeline: str, arguments: list[Any], own: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    size = sum(_written(json.dumps(each, separators=(",", ":"), ensure_ascii=False)) for each in arguments)
    if size > MOST_BYTES:
        carried = dict(own)
        for key, task in _tasks(spec):
            carried |= _constants(key, task)
        raise too_large(_VALUES.format(pipeline), size, {name: _written(value) for name, value in carried.items()})


def _tasks(spec: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for component in (spec["root"], *spec.get("components", {}).values()):
        yield from component.get("dag", {}).get("tasks", {}).items()


def _constants(key: str, task: Mapping[str, Any]) -> dict[str, Any]:
    parameters = task.get("inputs", {}).get("parameters", {})
    found = {name: each.get("runtimeValue", {}).get("constant") for name, each in parameters.items()}
    return {f"{key}.{name}": value for name, value in found.items() if value is not None}


def _written(value: Any) -> int:
    """Return the bytes of a value inside of Argo's JSON: quoted once more, with `<`, `>` and `&` as escapes of six."""
    text = json.dumps(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass")) + 5 * sum(text.count(character) for character in "<>&")


def too_large(what: str, size: int, sizes: Mapping[str, int]) -> UsageError:
    """Return the error that says what is too large, how large it is, and which values take most."""
    largest = sorted(sizes, key=lambda name: -sizes[name])[:_NAMED]
    listed = ", ".join(f"{name} {sizes[name] / 1024:.0f} KiB" for name in largest if sizes[name] >= 1024)
    return UsageError(
        "kfp.too_large",
        f"{what} {size / 1024:.0f} KiB"
        f"{f' ({listed})' if listed else ''}; Kubeflow's servers take {MOST_BYTES // 1024} KiB.",
        _WAY_OUT,
    )
