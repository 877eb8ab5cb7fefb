"""An assay pipeline as KFP's intermediate representation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf import json_format
from kfp import compiler, dsl
from kfp.dsl import base_component

from assay.errors import UsageError, did_you_mean
from assay.files import write_durably
from assay.runners.kfp.embedded_files import check_compiled, embed_file, embed_module
from assay.runners.kfp.graph import TaskGraph
from assay.runners.kfp.step_options import StepOptions
from assay.spec.annotations import FileMark, UserModuleMark
from assay.spec.importer import Importer
from assay.spec.node import ComponentNode
from assay.spec.pipeline import Pipeline
from assay.spec.resolver import Resolver
from assay.spec.values import RuntimeParameter

_STORES = ("gs", "s3", "minio", "oci")
_LONGEST_NAME = 128


def kfp_pipeline(
    pipeline: Pipeline,
    *,
    image: str = "",
    registry: str = "",
    steps: Mapping[str, StepOptions] | None = None,
) -> base_component.BaseComponent:
    """Make a KFP pipeline of an assay pipeline: to compile, or to call under `kfp.local`.

    Args:
        pipeline: The pipeline.
        image: The image of every step; by default the smallest of assay's that holds what a step needs.
        registry: Where blessed models are recorded and found: a folder, a URL such as `s3://bucket/registry`, or a
            database URL; `env` reads it from the step's environment (`ASSAY_REGISTRY`), `none` does without.
        steps: Options by step id; `*` stands for all.

    Raises:
        UsageError: For options of a step that there is not, and for what KFP cannot say.
    """
    given = dict(steps or {})
    _check_steps(pipeline, given)
    _check_registry(pipeline, registry)

    def declare(*channels: Any) -> None:
        TaskGraph(pipeline, dict(zip(pipeline.parameters, channels, strict=True)), given, image, registry).build()

    function: Any = declare  # KFP reads the parameters off a function's signature
    function.__name__ = re.sub(r"\W+", "_", pipeline.name)
    function.__signature__ = inspect.Signature(
        [
            inspect.Parameter(
                each.name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=each.ptype,
                default=inspect.Parameter.empty if each.default is None else _travelling(pipeline, each),
            )
            for each in pipeline.parameters.values()
        ]
    )
    texts = [f"    {each.name}: {each.description}" for each in pipeline.parameters.values() if each.description]
    function.__doc__ = "\n".join([f"The assay pipeline {pipeline.name}.", "", "Args:", *texts]) if texts else None
    made = dsl.pipeline(name=_kfp_name(pipeline.name))(function)
    check_compiled(json_format.MessageToDict(made.pipeline_spec))
    return made


def _travelling(pipeline: Pipeline, parameter: RuntimeParameter) -> Any:
    """Return a parameter's default; that of a module or a small file of this machine's holds the file."""
    marks = [
        node.spec.parameters[name].mark
        for node in pipeline.nodes
        if isinstance(node, ComponentNode)
        for name, value in node.arguments.items()
        if isinstance(value, RuntimeParameter) and value.name == parameter.name
    ]
    is_module = any(isinstance(mark, UserModuleMark) for mark in marks)
    names_file = is_module or any(isinstance(mark, FileMark) for mark in marks)
    if not names_file or not isinstance(parameter.default, str) or not Path(parameter.default).is_file():
        return parameter.default
    return (embed_module if is_module else embed_file)(parameter.default)


def compile_pipeline(
    pipeline: Pipeline,
    output: str | Path,
    *,
    image: str = "",
    registry: str = "",
    steps: Mapping[str, StepOptions] | None = None,
) -> None:
    """Write the intermediate representation as YAML; for the arguments see `kfp_pipeline`.

    Raises:
        UsageError: For what KFP cannot say.
    """
    if Path(output).suffix not in {".yaml", ".yml", ".json"}:
        raise UsageError("kfp.output_name", f"KFP reads .yaml, .yml and .json files, but the output is {output}.")
    _check_importers(pipeline)
    made = kfp_pipeline(pipeline, image=image, registry=registry, steps=steps)
    with TemporaryDirectory() as folder:  # KFP writes into the file step by step
        file = Path(folder) / Path(output).name
        compiler.Compiler().compile(made, str(file))
        content = file.read_bytes()
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    write_durably(Path(output), content)


def _check_steps(pipeline: Pipeline, given: Mapping[str, StepOptions]) -> None:
    ids = [node.id for node in pipeline.nodes if isinstance(node, ComponentNode | Resolver)]
    for step in given:
        if step != "*" and step not in ids:
            raise UsageError("kfp.unknown_step", f"{pipeline.name} has no step '{step}'.", did_you_mean(step, ids))


def _check_importers(pipeline: Pipeline) -> None:
    """Check that importers name what Kubeflow's importer takes.

    It reads the store off the scheme, and its launcher brings artifacts from these stores only.
    """
    for node in [each for each in pipeline.nodes if isinstance(each, Importer)]:
        scheme, _, rest = node.source_uri.partition("://")
        if scheme not in _STORES or not rest.strip("/"):
            raise UsageError(
                "kfp.importer_uri",
                f"{node.id} imports {node.source_uri}, which Kubeflow's importer does not support: it reads "
                f"{', '.join(f'{each}://' for each in _STORES)}.",
                "Upload the folder to an object store and give its URL; `assay run` and kfp.local import paths.",
            )


def _check_registry(pipeline: Pipeline, registry: str) -> None:
    resolvers = [node.id for node in pipeline.nodes if isinstance(node, Resolver)]
    if resolvers and not registry:
        raise UsageError(
            "kfp.no_registry",
            f"{resolvers[0]} looks for artifacts of earlier runs, which Kubeflow Pipelines cannot find for a step.",
            "Name a registry that all runs share: --registry s3://bucket/registry, a database URL, or `env`; `none` "
            "makes every run a first run.",
        )


def _kfp_name(name: str) -> str:
    """Return a pipeline's name as KFP has it: of lower-case letters, digits and hyphens.

    Raises:
        UsageError: If it is longer than KFP's names may be.
    """
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if len(found) > _LONGEST_NAME:
        raise UsageError(
            "kfp.pipeline_name",
            f"The name of the pipeline has {len(found)} characters; Kubeflow Pipelines allows {_LONGEST_NAME}.",
            "Shorten it.",
        )
    return found
