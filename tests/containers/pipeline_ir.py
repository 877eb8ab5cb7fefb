"""Runs a compiled pipeline by its IR and nothing else, as Kubeflow Pipelines does: each step's command, and its input.

The server files components by their containers; the driver resolves a task's inputs out of the metadata store; the
launcher fills in `{{$}}`, reads what the step wrote, and records it. All of that is done here for pipelines with
conditions and importers; loops are not run.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(
    str(Path(__file__).resolve().parents[1])
)  # for the program beside this module, which pytest does not start

from kfp_rules import filed

OUTPUTS = "/tmp/kfp"  # in the step's own container
NEWEST = (2, 17)
_BY_SHOWN_NAME = (2, 14)  # before it, every driver filed its task under the name that is shown
_CONDITION = re.compile(
    r"(?:int\(|double\()?inputs\.parameter_values\['(?P<name>[^']+)'\]\)? (?P<sign>\S\S?) (?P<right>.+)"
)
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


@dataclass(frozen=True)
class Step:
    """A task that is ready to run."""

    name: str
    image: str
    command: tuple[str, ...]
    executor_input: Mapping[str, Any]

    @property
    def output_file(self) -> str:
        """The file in which the step says what it put out."""
        return str(self.executor_input["outputs"]["outputFile"])


@dataclass
class Outputs:
    """What a step gave: artifacts as a consumer gets them, and values of parameters."""

    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


Execute = Callable[[Step], Mapping[str, Any]]


@dataclass
class Run:
    """A run of a compiled pipeline.

    Attributes:
        ir: The compiled pipeline.
        root: The URI below which artifacts lie.
        job: The run's id, a UUID.
        execute: Runs a step and gives what it wrote, its `executor_output.json`.
        server: The version of KFP that is imitated.
        done: What the tasks gave that ran, by key.
    """

    ir: Mapping[str, Any]
    root: str
    job: str
    execute: Execute
    server: tuple[int, int] = NEWEST
    done: dict[str, Outputs] = field(default_factory=dict)
    components: Mapping[str, Any] = field(init=False)
    artifacts: int = 0

    def __post_init__(self) -> None:
        self.components = filed(self.ir)

    def run_dag(self, dag: Mapping[str, Any], values: Mapping[str, Any], artifacts: Mapping[str, Any]) -> None:
        """Runs the tasks of a group; those that wait for a group that was skipped are skipped, too."""
        recorded: dict[str, Outputs] = {}
        skipped: set[str] = set()
        for key in tasks_in_order(dag, self._is_importer):
            task = dag["tasks"][key]
            if not self._is_importer(task) and skipped & set(_dependencies(task)):
                skipped.add(key)
                continue
            component = self.components[task["componentRef"]["name"]]
            scope = Scope(values, artifacts, recorded)
            parameters = {name: scope.parameter(each) for name, each in _inputs(task, "parameters").items()}
            read = {name: scope.artifact(each) for name, each in _inputs(task, "artifacts").items()}
            outputs = Outputs()
            if "dag" in component:
                if not _holds(task.get("triggerPolicy", {}).get("condition", ""), parameters):
                    skipped.add(key)
                    continue
                self.run_dag(component["dag"], parameters, read)
            elif self._is_importer(task):
                outputs.artifacts["artifact"] = self._imported(self._executor(task)["importer"])
            else:
                step = self.ready(key, task, parameters, read)
                outputs = self.recorded(step, self.execute(step))
            name = task["taskInfo"]["name"] if self._is_importer(task) or self.server < _BY_SHOWN_NAME else key
            if name in recorded:
                raise ValueError(f"two tasks have the same task name {name!r}")
            recorded[name] = self.done[key] = outputs

    def ready(self, key: str, task: Mapping[str, Any], parameters: Mapping[str, Any], read: Mapping[str, Any]) -> Step:
        """Makes the command of a task, as driver and launcher do."""
        component = self.components[task["componentRef"]["name"]]
        if "executorLabel" not in component or "parameterIterator" in task or "triggerPolicy" in task:
            raise ValueError(f"{key} is no plain step; loops are not run here.")
        for name, each in component.get("inputDefinitions", {}).get("parameters", {}).items():
            if name not in parameters and not each.get("isOptional") and "defaultValue" not in each:
                raise ValueError(f"neither value nor default value provided for non-optional parameter {name!r}")
        declared = component.get("outputDefinitions", {})
        folder = f"{self.root}/{self.ir['pipelineInfo']['name']}/{self.job}/{key}/{uuid.uuid4()}"
        titles = {name: each["artifactType"] for name, each in declared.get("artifacts", {}).items()}
        titles["executor-logs"] = {"schemaTitle": "system.Artifact"}
        outputs: dict[str, Any] = {
            "artifacts": {
                name: {"artifacts": [{"name": name, "type": title, "uri": f"{folder}/{name}"}]}
                for name, title in titles.items()
            },
            "outputFile": f"{OUTPUTS}/output_metadata.json",
        }
        if declared.get("parameters"):
            files = {name: {"outputFile": f"{OUTPUTS}/outputs/{name}"} for name in declared["parameters"]}
            outputs["parameters"] = files
        inputs: dict[str, Any] = {"parameterValues": dict(parameters)} if parameters else {}
        inputs |= {"artifacts": {name: {"artifacts": [each]} for name, each in read.items()}} if read else {}
        executor_input = {"inputs": inputs, "outputs": outputs}
        container = self._executor(task)["container"]
        words = [*container.get("command", []), *container.get("args", [])]
        # Of all placeholders, the open-source server fills in this one in the arguments of our steps.
        command = tuple(word.replace("{{$}}", json.dumps(executor_input)) for word in words)
        return Step(key, container["image"], command, executor_input)

    def recorded(self, step: Step, written: Mapping[str, Any]) -> Outputs:
        """What the metadata store has of a step: the artifacts it was asked for, with what it wrote about them."""
        outputs = Outputs(parameters=_through_protobuf(dict(written.get("parameterValues", {}))))
        for key, asked in step.executor_input["outputs"]["artifacts"].items():
            told = written.get("artifacts", {}).get(key, {}).get("artifacts", [{}])[0]
            own = {"display_name": key, "store_session_info": "{}"}
            outputs.artifacts[key] = self._artifact(
                told.get("uri") or asked["artifacts"][0]["uri"], own | dict(told.get("metadata", {}))
            )
        return outputs

    def _imported(self, importer: Mapping[str, Any]) -> dict[str, Any]:
        uri = importer["artifactUri"]["constant"]
        if "://" not in uri:
            raise ValueError(f"no provider scheme found in artifact URI: {uri}")
        session = {"store_session_info": json.dumps({"Provider": uri.partition(":")[0], "Params": {"fromEnv": "true"}})}
        return self._artifact(uri, {**importer.get("metadata", {}), **session})

    def _artifact(self, uri: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """An artifact as a consumer gets it: named by its number, without a type."""
        self.artifacts += 1
        kept = {name: _in_the_store(name, value) for name, value in metadata.items()}
        return {"name": str(self.artifacts), "type": {"instanceSchema": ""}, "uri": uri, "metadata": kept}

    def _executor(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        label = self.components[task["componentRef"]["name"]].get("executorLabel", "")
        found: Mapping[str, Any] = self.ir["deploymentSpec"]["executors"].get(label, {})
        return found

    def _is_importer(self, task: Mapping[str, Any]) -> bool:
        return "importer" in self._executor(task)


@dataclass(frozen=True)
class Scope:
    """What the tasks of a group can read: the group's own inputs, and what its tasks gave."""

    values: Mapping[str, Any]
    artifacts: Mapping[str, Any]
    recorded: Mapping[str, Outputs]

    def parameter(self, given: Mapping[str, Any]) -> Any:
        """The value of a task's parameter."""
        if "runtimeValue" in given:
            return _through_protobuf(given["runtimeValue"]["constant"])
        if "componentInputParameter" in given:
            return self.values[given["componentInputParameter"]]
        made = given["taskOutputParameter"]
        return self._of(made["producerTask"]).parameters[made["outputParameterKey"]]

    def artifact(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """An artifact that a task reads."""
        if "componentInputArtifact" in given:
            found: dict[str, Any] = self.artifacts[given["componentInputArtifact"]]
            return found
        made = given["taskOutputArtifact"]
        return self._of(made["producerTask"]).artifacts[made["outputArtifactKey"]]

    def _of(self, producer: str) -> Outputs:
        if producer not in self.recorded:
            raise ValueError(f"cannot find producer task {producer!r}")
        return self.recorded[producer]


def run_pipeline(
    ir: Mapping[str, Any],
    parameters: Mapping[str, Any],
    root: str,
    execute: Execute,
    *,
    job: str = "",
    server: tuple[int, int] = NEWEST,
) -> dict[str, Outputs]:
    """Runs every task and gives what each put out; see `Run`."""
    defined = ir["root"].get("inputDefinitions", {}).get("parameters", {})
    values = {name: each["defaultValue"] for name, each in defined.items() if "defaultValue" in each} | dict(parameters)
    run = Run(ir, root, job or str(uuid.uuid4()), execute, server)
    run.run_dag(ir["root"]["dag"], _through_protobuf(values), {})
    return run.done


def tasks_in_order(
    dag: Mapping[str, Any], is_importer: Callable[[Mapping[str, Any]], bool] = lambda _: False
) -> list[str]:
    """The keys of a group's tasks, each after those that it depends on; importers wait for nothing."""
    tasks, done = dag["tasks"], list[str]()
    while len(done) < len(tasks):
        waits = {key: [] if is_importer(task) else _dependencies(task) for key, task in tasks.items()}
        ready = [key for key in tasks if key not in done and {*waits[key]} <= {*done}]
        if not ready:
            raise ValueError(f"The tasks {sorted(set(tasks) - set(done))} wait for each other.")
        done += ready
    return done


def _inputs(task: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = task.get("inputs", {}).get(kind, {})
    return found


def _dependencies(task: Mapping[str, Any]) -> list[str]:
    made = [each.get("taskOutputParameter") for each in _inputs(task, "parameters").values()]
    made += [each.get("taskOutputArtifact") for each in _inputs(task, "artifacts").values()]
    return [*task.get("dependentTasks", []), *(each["producerTask"] for each in made if each)]


def _holds(condition: str, parameters: Mapping[str, Any]) -> bool:
    if not condition:
        return True
    parsed = _CONDITION.fullmatch(condition)
    if parsed is None:
        raise ValueError(f"The condition {condition!r} is of a kind that is not decided here.")
    right = parsed["right"]
    value = right[1:-1] if right.startswith("'") else json.loads(right)
    return _SIGNS[parsed["sign"]](parameters[parsed["name"]], value)


def _in_the_store(name: str, value: Any) -> Any:
    """A value of metadata as the store gives it back: it knows texts, numbers and structs."""
    if value is None:
        raise ValueError(f"unknown/unsupported value type: null in {name}")
    if isinstance(value, bool):
        return int(value)
    wrapped = {"list": value} if isinstance(value, list) else {"struct": value} if isinstance(value, dict) else value
    return _through_protobuf(wrapped)


def _through_protobuf(value: Any) -> Any:
    """A value after protobuf's Struct, which keeps numbers as floats and writes whole ones without a point."""
    if isinstance(value, dict):
        return {key: _through_protobuf(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_through_protobuf(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
