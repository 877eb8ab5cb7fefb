"""What KFP's server makes of a compiled pipeline, and fails on where the compiler does not: read off the YAML alone.

The rules are those of kubeflow/pipelines 2.5 to 2.17: backend/src/v2/compiler/argocompiler, driver and component.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HEADER = "# PIPELINE DEFINITION"  # with which KFP's compiler begins a file
ARGUMENT = 128 * 1024  # of Linux, with the zero at its end
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,109}")
STORES = ("gs://", "s3://", "minio://", "oci://")

Document = Mapping[str, Any]


def faults_of_file(path: Path) -> list[str]:
    """The faults of a compiled pipeline; none for any other file."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        if stream.read(len(HEADER)) != HEADER:
            return []
    import yaml

    found = [each for each in yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader) if each]
    return faults(found[0], found[1] if len(found) > 1 else {})


def faults(ir: Document, platform: Document | None = None) -> list[str]:
    """What fails on a server, one sentence each."""
    executors = ir["deploymentSpec"]["executors"]
    found = [*_equal_containers(ir, executors), *_unknown_executors(platform or {}, executors)]
    for where, dag in dags(ir):
        found += _of_dag(where, dag, ir)
    given = ir["root"].get("inputDefinitions", {}).get("parameters", {})
    defaults = {name: each["defaultValue"] for name, each in given.items() if "defaultValue" in each}
    found += _sizes("root", [ir["root"], {"parameterValues": defaults}])
    return found


def dags(ir: Document) -> Iterator[tuple[str, Document]]:
    """The groups of tasks of a pipeline, by the component's name."""
    for name, component in {"root": ir["root"], **ir.get("components", {})}.items():
        if "dag" in component:
            yield name, component["dag"]


def filed(ir: Document) -> dict[str, Document]:
    """The component that a server uses for each, by name: the first of those with the same container."""
    executors, first, used = ir["deploymentSpec"]["executors"], {}, {}

    def visit(component: Document) -> None:
        for _, task in sorted(component.get("dag", {}).get("tasks", {}).items()):
            name = task["componentRef"]["name"]
            if name not in used:
                used[name] = ir["components"][name]
                container = executors.get(used[name].get("executorLabel"), {}).get("container")
                key = json.dumps(container, sort_keys=True) if container else name
                used[name] = first.setdefault(key, used[name])
                visit(ir["components"][name])

    visit(ir["root"])
    return used


def _equal_containers(ir: Document, executors: Document) -> Iterator[str]:
    for name, used in filed(ir).items():
        own = ir["components"][name]
        if any(own.get(part) != used.get(part) for part in ("inputDefinitions", "outputDefinitions")):
            label = own["executorLabel"]
            yield f"{name}: its container is that of {used['executorLabel']}, and its interface is not ({label})"
    for label, executor in executors.items():
        container = executor.get("container")
        if container is not None and not container.get("image"):
            yield f"{label}: no image"


def _unknown_executors(platform: Document, executors: Document) -> Iterator[str]:
    for each in platform.get("platforms", {}).values():
        for label in each.get("deploymentSpec", {}).get("executors", {}):
            if label not in executors:
                yield f"{label}: options of an executor that there is not"


def _of_dag(where: str, dag: Document, ir: Document) -> Iterator[str]:
    executors, shown = ir["deploymentSpec"]["executors"], set()
    for key, task in dag["tasks"].items():
        at, name = f"{where}.{key}", task["taskInfo"]["name"]
        component = ir["components"][task["componentRef"]["name"]]
        executor = executors.get(component.get("executorLabel"), {})
        if name in shown:
            yield f"{at}: a second task is shown as {name!r}, which KFP before 2.14 fails on"
        shown.add(name)
        if "dag" not in component and name != key:
            yield f"{at}: shown as {name!r}, under which its consumers do not look for it"
        if "importer" in executor:
            yield from _of_importer(at, task, executor["importer"])
        if not _NAME.fullmatch(key) or f"{key}-driver" in dag["tasks"]:
            yield f"{at}: Argo takes no such name, or another task has that of its driver"
        yield from _of_task(at, task, dag, ir)
        yield from _sizes(at, [task, component, executor.get("container", {})])


def _of_importer(at: str, task: Document, importer: Document) -> Iterator[str]:
    uri = importer["artifactUri"].get("constant")
    if uri is not None and not uri.startswith(STORES):
        yield f"{at}: the importer takes no {uri!r}"
    if task.get("dependentTasks"):
        yield f"{at}: an importer starts at once, whatever it is to wait for"
    if "triggerPolicy" in task:
        yield f"{at}: an importer cannot be conditional"
    if "null" in json.dumps(importer.get("metadata", {})).replace('"', " ").split():
        yield f"{at}: a null in metadata"


def _puts_out(made: Document, dag: Document, ir: Document) -> bool:
    producer = dag["tasks"].get(made["producerTask"])
    if producer is None:
        return False
    declared = ir["components"][producer["componentRef"]["name"]].get("outputDefinitions", {})
    kind, key = (
        ("parameters", "outputParameterKey") if "outputParameterKey" in made else ("artifacts", "outputArtifactKey")
    )
    return made[key] in declared.get(kind, {})


def _of_task(at: str, task: Document, dag: Document, ir: Document) -> Iterator[str]:
    component = ir["components"][task["componentRef"]["name"]]
    retries = task.get("retryPolicy", {})
    if retries.get("maxRetryCount") and float(retries.get("backoffMaxDuration", "0s").rstrip("s")) <= 24 * 3600:
        yield f"{at}: what fails after {retries.get('backoffMaxDuration', 'no time')} is not retried"
    for group in task.get("inputs", {}).values():
        for name, given in group.items():
            made = given.get("taskOutputParameter") or given.get("taskOutputArtifact")
            if made and not _puts_out(made, dag, ir):
                yield f"{at}: reads {name} of {made['producerTask']}, which is not in its group, or does not put it out"
    for name, declared in component.get("inputDefinitions", {}).get("parameters", {}).items():
        is_given = name in task.get("inputs", {}).get("parameters", {}) or "parameterIterator" in task
        if not (is_given or declared.get("isOptional") or "defaultValue" in declared):
            yield f"{at}: no value for {name}"


def _sizes(at: str, arguments: list[Document]) -> Iterator[str]:
    texts = [json.dumps(each, separators=(",", ":")) for each in arguments]
    largest = max(map(len, texts))
    if largest >= ARGUMENT:
        yield f"{at}: {largest} bytes in one argument, which KFP before 2.17 cannot hand on"
    # Argo 3.5 writes each into one environment variable twice, as JSON of a pod that takes 5 KiB without them.
    twice = 2 * sum(len(json.dumps(text)) for text in texts) + 5 * 1024
    if twice >= ARGUMENT:
        yield f"{at}: {twice} bytes in the environment of its driver, which Argo before 3.6 cannot hand on"
