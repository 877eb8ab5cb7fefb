"""Runs a compiled pipeline by its IR and nothing else, as Kubeflow Pipelines does: each step's command, and its input.

The driver of KFP resolves a task's inputs, the launcher fills in `{{$}}` and reads what the step wrote. Both are done
here for pipelines of one level without conditions, as the taxi pipeline is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

OUTPUTS = "/tmp/kfp_outputs"  # in the step's own container, as KFP has it


@dataclass(frozen=True)
class Step:
    """A task that is ready to run."""

    name: str
    image: str
    command: tuple[str, ...]
    executor_input: Mapping[str, Any]


@dataclass
class Outputs:
    """What a step gave: artifacts as KFP knows them, and values of parameters."""

    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


def tasks_in_order(ir: Mapping[str, Any]) -> list[str]:
    """The names of the tasks, each after those that it depends on."""
    tasks = ir["root"]["dag"]["tasks"]
    done: list[str] = []
    while len(done) < len(tasks):
        ready = [
            name for name, task in tasks.items() if name not in done and set(task.get("dependentTasks", [])) <= {*done}
        ]
        if not ready:
            raise ValueError(f"The tasks {sorted(set(tasks) - set(done))} wait for each other.")
        done += ready
    return done


def run_pipeline(
    ir: Mapping[str, Any],
    parameters: Mapping[str, Any],
    root: str,
    job: str,
    execute: Callable[[Step], Mapping[str, Any]],
) -> dict[str, Outputs]:
    """Runs every task.

    Args:
        ir: The compiled pipeline.
        parameters: Values of the pipeline's parameters.
        root: The URI below which artifacts lie.
        job: The run's id.
        execute: Runs a step and gives its `executor_output.json`.
    """
    defined = ir["root"].get("inputDefinitions", {}).get("parameters", {})
    values = {name: each["defaultValue"] for name, each in defined.items() if "defaultValue" in each} | dict(parameters)
    done: dict[str, Outputs] = {}
    for name in tasks_in_order(ir):
        step = ready_step(ir, name, values, done, f"{root}/{job}/{name}", job)
        done[name] = outputs_of(step, execute(step))
    return done


def ready_step(
    ir: Mapping[str, Any],
    name: str,
    values: Mapping[str, Any],
    done: Mapping[str, Outputs],
    folder: str,
    job: str,
) -> Step:
    """Resolves a task's inputs and fills in its command."""
    task = ir["root"]["dag"]["tasks"][name]
    component = ir["components"][task["componentRef"]["name"]]
    if "executorLabel" not in component or "triggerPolicy" in task or "iteratorPolicy" in task:
        raise ValueError(f"{name} is no plain step; groups, conditions and loops are not run here.")
    given = component.get("inputDefinitions", {}).get("parameters", {})
    resolved = {key: each["defaultValue"] for key, each in given.items() if "defaultValue" in each}
    inputs = task.get("inputs", {})
    resolved |= {key: _parameter(each, values, done) for key, each in inputs.get("parameters", {}).items()}
    artifacts = {key: {"artifacts": [_artifact(each, done)]} for key, each in inputs.get("artifacts", {}).items()}
    outputs = component.get("outputDefinitions", {})
    executor_input = {
        "inputs": {"parameterValues": resolved, "artifacts": artifacts},
        "outputs": {
            "parameters": {key: {"outputFile": f"{OUTPUTS}/{key}"} for key in outputs.get("parameters", {})},
            "artifacts": {
                key: {
                    "artifacts": [{"name": key, "type": each["artifactType"], "uri": f"{folder}/{key}", "metadata": {}}]
                }
                for key, each in outputs.get("artifacts", {}).items()
            },
            "outputFile": f"{OUTPUTS}/executor_output.json",
        },
    }
    container = ir["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    fills = {"{{$}}": json.dumps(executor_input), "{{$.pipeline_job_uuid}}": job, "{{$.pipeline_task_name}}": name}
    command = tuple(_filled(word, fills) for word in [*container.get("command", []), *container.get("args", [])])
    return Step(name, container["image"], command, executor_input)


def outputs_of(step: Step, written: Mapping[str, Any]) -> Outputs:
    """What a step gave: the artifacts it was asked for, with what it wrote about them."""
    outputs = Outputs(parameters=dict(written.get("parameterValues", {})))
    for key, asked in step.executor_input["outputs"]["artifacts"].items():
        told = written.get("artifacts", {}).get(key, {}).get("artifacts", [{}])[0]
        # KFP keeps metadata in a protobuf Struct: every number is a float afterwards.
        metadata = json.loads(json.dumps(told.get("metadata", {})), parse_int=float)
        outputs.artifacts[key] = asked["artifacts"][0] | {"metadata": metadata} | ({"uri": told["uri"]} if told else {})
    return outputs


def _parameter(given: Mapping[str, Any], values: Mapping[str, Any], done: Mapping[str, Outputs]) -> Any:
    if "runtimeValue" in given:
        return given["runtimeValue"]["constant"]
    if "componentInputParameter" in given:
        return values[given["componentInputParameter"]]
    made = given["taskOutputParameter"]
    return done[made["producerTask"]].parameters[made["outputParameterKey"]]


def _artifact(given: Mapping[str, Any], done: Mapping[str, Outputs]) -> dict[str, Any]:
    made = given["taskOutputArtifact"]
    return done[made["producerTask"]].artifacts[made["outputArtifactKey"]]


def _filled(word: str, fills: Mapping[str, str]) -> str:
    for placeholder, text in fills.items():
        word = word.replace(placeholder, text)
    if "{{$" in word:
        raise ValueError(f"No value is known for the placeholder in {word!r}.")
    return word
