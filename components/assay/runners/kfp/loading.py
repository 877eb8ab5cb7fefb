"""Finds the component that a step's command line names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay import components
from assay.errors import UsageError, did_you_mean
from assay.runners.kfp.embedded_files import embed_module, unpack
from assay.spec.component import Component
from assay.spec.signature import ComponentSpec
from assay.spec.user_code import load_function

# Components that only make sense on Kubeflow Pipelines, by the module that declares them.
KFP_COMPONENTS = {
    "Condition": "assay.runners.kfp.control_steps",
    "Gate": "assay.runners.kfp.control_steps",
    "LatestBlessedModel": "assay.runners.kfp.control_steps",
}
# Those that only steer: they have nothing to record, and no output by which they could tell their run.
STEERING = frozenset({"Condition", "Gate"})


def load_component(reference: str, source: str, folder: Path) -> ComponentSpec:
    """Return the declaration of a component.

    Args:
        reference: `StatisticsGen` for one of assay's, `package.module:Name` for one that is installed in the image,
            or, with `source`, its name in that file.
        source: The embedded file that declares it; empty for the other two.
        folder: Where the file is written.

    Raises:
        UsageError: If there is no such component.
    """
    if source:
        path = unpack(source, folder)
        return _spec(load_function(path, None, reference), reference, str(path))
    module, _, name = reference.rpartition(":")
    if module:
        return _spec(load_function(None, f"{module}.{name}", name), name, module)
    if reference in KFP_COMPONENTS:
        found: Any = getattr(importlib.import_module(KFP_COMPONENTS[reference]), reference)
        return _spec(found, reference, KFP_COMPONENTS[reference])
    if reference not in components.__all__:
        raise UsageError(
            "kfp.no_component", f"assay has no component '{reference}'.", did_you_mean(reference, components.__all__)
        )
    return _spec(getattr(components, reference), reference, "assay.components")


def reference_to(spec: ComponentSpec) -> tuple[str, str]:
    """Return the arguments by which a container finds a component: the reference, and the embedded source if any.

    Raises:
        UsageError: If the component is declared where no other process can find it.
    """
    function: Any = spec.function
    module = function.__module__
    if module.startswith("assay."):
        return spec.name, ""
    if "." in function.__qualname__ or not Path(function.__code__.co_filename).is_file():
        raise UsageError(
            "kfp.not_importable",
            f"{spec.name} is declared inside a function or was typed in, so no container can import it.",
            "Declare it at the top of a Python file.",
        )
    if _is_installed(function):
        return f"{module}:{function.__name__}", ""
    return function.__name__, embed_module(function.__code__.co_filename)


def _is_installed(function: Any) -> bool:
    return bool({"site-packages", "dist-packages"} & set(Path(function.__code__.co_filename).parts))


def _spec(found: Callable[..., Any], name: str, where: str) -> ComponentSpec:
    if isinstance(found, Component):
        return found.spec
    raise UsageError("kfp.not_a_component", f"{where} defines '{name}', which is not a component.", "Add @component.")
