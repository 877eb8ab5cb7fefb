"""The names of `tfx.v1.dsl`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.v1.lazy import lazy_modules, lazy_names

if TYPE_CHECKING:
    from assay.artifacts import Artifact
    from assay.spec import Channel, Cond, Importer, Pipeline, Resolver
    from assay.spec.pipeline import ExecutionMode
    from assay.v1.dsl import components, experimental, io

__all__ = [
    "Artifact",
    "Channel",
    "Cond",
    "ExecutionMode",
    "Importer",
    "Pipeline",
    "Resolver",
    "components",
    "experimental",
    "io",
]

_MODULES = ("components", "experimental", "io")
_HOMES = dict.fromkeys(("Channel", "Cond", "Importer", "Pipeline", "Resolver"), "assay.spec") | {
    "ExecutionMode": "assay.spec.pipeline"
}
_name = lazy_names(__name__, {**_HOMES, "Artifact": "assay.artifacts"})
_module = lazy_modules(__name__, _MODULES)


def __getattr__(name: str) -> Any:
    return _module(name) if name in _MODULES else _name(name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return __all__
