"""What Kubeflow may take from an earlier run: it compares values and artifacts, and sees nothing else of the world."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kfp.dsl import pipeline_channel

from assay.runners.kfp.resolver_steps import LatestBlessedModel
from assay.runners.kfp.step_parameters import artifact_twin
from assay.spec.annotations import FileMark, UserModuleMark
from assay.spec.signature import ComponentSpec


def is_cacheable(spec: ComponentSpec, arguments: Mapping[str, Any]) -> bool:
    """Whether KFP may take a step from an earlier run.

    A file that lies on this machine is embedded in its value, and data that another step made are an artifact: both are
    part of KFP's cache key.

    Args:
        spec: The declaration.
        arguments: The arguments as the author gave them.
    """
    named = [
        value
        for name, value in arguments.items()
        if name in spec.parameters
        and isinstance(spec.parameters[name].mark, FileMark | UserModuleMark)
        and not (isinstance(value, str) and Path(value).is_file())
    ]
    reads = spec.reads is not None and not any(artifact_twin(name) in arguments for name in spec.parameters)
    is_fixed = spec.still_valid is None and spec.name != LatestBlessedModel.spec.name
    return is_fixed and not reads and not named and not _depends_on_more(spec, arguments)


def _depends_on_more(spec: ComponentSpec, arguments: Mapping[str, Any]) -> bool:
    """Whether values name something (a module, a vocabulary) whose content is not part of them."""
    if spec.depends_on is None:
        return False
    values = {name: arguments.get(name, declared.default) for name, declared in spec.parameters.items()}
    if any(_is_given_by_the_run(value) for value in values.values()):
        return True
    return bool(spec.depends_on(values))


def _is_given_by_the_run(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_given_by_the_run(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_is_given_by_the_run(item) for item in value)
    return isinstance(value, pipeline_channel.PipelineChannel)
