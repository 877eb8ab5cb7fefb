"""Kubeflow Pipelines: assay's components as KFP components, compiled pipelines, and the container entry point.

    from assay.runners.kfp import StatisticsGen, ExampleValidator

Names are imported when they are first used: the entry point, which lives in this package, runs without kfp.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from assay import components as declared
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.runners.kfp.compiler import compile_pipeline, kfp_pipeline
    from assay.runners.kfp.components import component_of
    from assay.runners.kfp.embedded_files import embed_file, embed_module
    from assay.runners.kfp.step_options import SecretKey, StepOptions

_HOME = {
    "SecretKey": "step_options",
    "StepOptions": "step_options",
    "compile_pipeline": "compiler",
    "component_of": "components",
    "embed_file": "embedded_files",
    "embed_module": "embedded_files",
    "kfp_pipeline": "compiler",
}
_FURTHER = {"LatestBlessedModel": "control_steps"}

__all__ = [  # noqa: PLE0604 (the components' names are strings, too)
    *declared.__all__,
    "LatestBlessedModel",
    "SecretKey",
    "StepOptions",
    "check_sdk",
    "compile_pipeline",
    "component_of",
    "embed_file",
    "embed_module",
    "kfp_pipeline",
]


def check_sdk() -> None:
    """Check that the KFP SDK is installed; steps in containers do without.

    Raises:
        UsageError: With the line that installs it.
    """
    if find_spec("kfp") is None:
        raise UsageError("kfp.no_sdk", "The SDK of Kubeflow Pipelines is not installed.", "pip install 'assay[kfp]'")


def __getattr__(name: str) -> Any:
    """Make a KFP component of a component, or import a function, when it is first used."""
    if name in __all__:
        check_sdk()
    if name in _HOME:
        value = getattr(import_module(f"assay.runners.kfp.{_HOME[name]}"), name)
    elif name in _FURTHER or name in declared.__all__:
        home: Any = import_module(f"assay.runners.kfp.{_FURTHER[name]}") if name in _FURTHER else declared
        value = import_module("assay.runners.kfp.components").component_of(getattr(home, name))
    else:
        message = f"module 'assay.runners.kfp' has no attribute '{name}'"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return list(__all__)
