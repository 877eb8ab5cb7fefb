"""What Kubeflow Pipelines hands to a container, and what it reads back: `executor_input` and `executor_output.json`.

The fields are those of KFP's `ExecutorInput` and `ExecutorOutput` messages in protobuf's JSON form. What is written has
the very shape that `kfp.dsl.executor` writes, so that the launcher, Vertex and `kfp.local` all read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import UsageError, disk_full
from assay.files import write_durably


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeArtifact:
    """An artifact as KFP knows it.

    Attributes:
        name: KFP's resource name; handed back as it came.
        schema_title: The wire type, such as `system.Dataset`.
        uri: Where it lies: a path, or a URL such as `s3://bucket/key`.
        metadata: What the producer wrote; every number may have become a float on the way.
        custom_path: Where this container finds it, if that is not where its URI says.
    """

    name: str = ""
    schema_title: str = ""
    uri: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    custom_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorInput:
    """What a step is to do its work on.

    Attributes:
        parameters: Values of input parameters; those that were not given may be absent or None.
        artifacts: Input artifacts by name; an optional one that nothing feeds is absent.
        outputs: Where each output artifact is to lie.
        parameter_files: The file for each output parameter.
        output_file: Where `executor_output.json` goes.
    """

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, tuple[RuntimeArtifact, ...]]
    outputs: Mapping[str, RuntimeArtifact]
    parameter_files: Mapping[str, Path]
    output_file: Path


def parse_executor_input(text: str) -> ExecutorInput:
    """Read the JSON that KFP puts in the place of `{{$}}`.

    Raises:
        UsageError: If it is not KFP's JSON.
    """
    try:
        document = json.loads(text)
        inputs, outputs = document.get("inputs", {}), document["outputs"]
        written = {name: _artifacts(listed) for name, listed in outputs.get("artifacts", {}).items()}
        return ExecutorInput(
            parameters=dict(inputs.get("parameterValues", {})),
            artifacts={
                name: found for name, listed in inputs.get("artifacts", {}).items() if (found := _artifacts(listed))
            },
            outputs={name: found[0] for name, found in written.items() if found},
            parameter_files={name: Path(each["outputFile"]) for name, each in outputs.get("parameters", {}).items()},
            output_file=Path(outputs["outputFile"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            "kfp.executor_input",
            f"--executor-input is not what Kubeflow Pipelines substitutes for {{{{$}}}}: "
            f"{type(error).__name__}: {error}.",
            'Pass "{{$}}" in the component\'s arguments; KFP fills it in.',
        ) from None


def _artifacts(listed: Mapping[str, Any]) -> tuple[RuntimeArtifact, ...]:
    return tuple(
        RuntimeArtifact(
            name=each.get("name", ""),
            schema_title=each.get("type", {}).get("schemaTitle", ""),
            uri=_text(each["uri"]),
            metadata=each.get("metadata") or {},
            custom_path=each.get("customPath") or "",
        )
        for each in listed.get("artifacts") or ()
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def write_executor_output(
    given: ExecutorInput, parameters: Mapping[str, Any], metadata: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the step's report atomically.

    Args:
        given: The step's executor input.
        parameters: Values of the output parameters.
        metadata: Metadata of the output artifacts by name; one that is not named gets none.

    Raises:
        ArtifactError: If the file cannot be written.
    """
    document: dict[str, Any] = {}
    if parameters:
        document["parameterValues"] = dict(parameters)
    if given.outputs:
        document["artifacts"] = {
            name: {"artifacts": [{"name": each.name, "uri": each.uri, "metadata": dict(metadata.get(name, {}))}]}
            for name, each in given.outputs.items()
        }
    content = json.dumps(document, allow_nan=False).encode()
    try:
        given.output_file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_full(given.output_file, error) from error
    write_durably(given.output_file, content)
