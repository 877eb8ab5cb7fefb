"""Prebuilt ML validation components that share typed artifacts, in TFX's own formats.

Importing this package is cheap: a name is looked up when it is first used (PEP 562), so that `import assay` loads
neither TensorFlow nor Beam nor any data library.

Example:
    ```python
    from assay import ExecutionContext, Input, Output, Pipeline, component
    from assay.artifacts import Examples
    from assay.components import StatisticsGen
    ```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.errors import AssayError
    from assay.runners.local import LocalDagRunner
    from assay.spec import (
        Channel,
        Cond,
        ExecutionContext,
        Importer,
        Input,
        Inputs,
        Output,
        Pipeline,
        Resolver,
        RuntimeParameter,
        UserModule,
        component,
    )

__version__ = "0.1.0.dev0"

_HOME = {
    "AssayError": "assay.errors",
    "Channel": "assay.spec",
    "Cond": "assay.spec",
    "ExecutionContext": "assay.spec",
    "Importer": "assay.spec",
    "Input": "assay.spec",
    "Inputs": "assay.spec",
    "LocalDagRunner": "assay.runners.local",
    "Output": "assay.spec",
    "Pipeline": "assay.spec",
    "Resolver": "assay.spec",
    "RuntimeParameter": "assay.spec",
    "UserModule": "assay.spec",
    "component": "assay.spec",
}

__all__ = [
    "AssayError",
    "Channel",
    "Cond",
    "ExecutionContext",
    "Importer",
    "Input",
    "Inputs",
    "LocalDagRunner",
    "Output",
    "Pipeline",
    "Resolver",
    "RuntimeParameter",
    "UserModule",
    "__version__",
    "component",
]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name not in _HOME:
        message = f"module 'assay' has no attribute '{name}'"
        raise AttributeError(message)
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return __all__
