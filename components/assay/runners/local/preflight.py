"""What can be known to fail before the first node runs: packages that are not installed, user code that is not there.

A Trainer may start hours after the run did; its packages and its module file are looked for at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.errors import UsageError, missing_packages
from assay.spec.annotations import UserFunctionMark, UserModuleMark, UserModuleNameMark
from assay.spec.node import ComponentNode
from assay.spec.pipeline import Pipeline
from assay.spec.signature import REQUIRED
from assay.spec.source_digest import check_module, dotted_digest, module_digest, module_name_digest
from assay.spec.values import RuntimeParameter


def check_packages(pipeline: Pipeline) -> None:
    """Check that the optional packages of every node are installed.

    Raises:
        UsageError: If one is not; all nodes that cannot run are named, with what they lack.
    """
    needs = {
        node.id: node.spec.requires for node in pipeline.nodes if isinstance(node, ComponentNode) and node.spec.requires
    }
    if pipeline.beam_pipeline_args:
        needs["beam_pipeline_args"] = ("apache_beam",)
    lacking = {name: error for name, modules in needs.items() if (error := missing_packages(name, modules))}
    if lacking:
        first = next(iter(lacking.values()))
        raise UsageError(
            first.code,
            f"{pipeline.name} cannot run here. " + " ".join(error.message for error in lacking.values()),
            first.hint,
        )


def check_user_code(pipeline: Pipeline, values: Mapping[str, Any]) -> None:
    """Check that every module that the steps name can be found and read, and defines the function that it is for.

    Args:
        pipeline: The pipeline. A module that only an earlier step's output parameter names is not known yet.
        values: The values of the runtime parameters.

    Raises:
        UsageError: For a missing or unreadable module or one without the function; the step and the argument are named.
    """
    for node in pipeline.nodes:
        if not isinstance(node, ComponentNode):
            continue
        for name, declared in node.spec.parameters.items():
            if not isinstance(declared.mark, (UserModuleMark, UserModuleNameMark, UserFunctionMark)):
                continue
            value = node.arguments.get(name, None if declared.default is REQUIRED else declared.default)
            if isinstance(value, RuntimeParameter):
                value = values[value.name]
            if not isinstance(value, str):
                continue
            try:
                match declared.mark:
                    case UserModuleMark():
                        module_digest(Path(value))
                        check_module(Path(value), declared.mark.function)
                    case UserModuleNameMark():
                        module_name_digest(value)
                    case _:
                        dotted_digest(value)
            except UsageError as error:
                raise UsageError(error.code, f"{node.id}.{name}: {error.message}", error.hint) from error
