"""The names of `tfx.v1.orchestration`, and TFX's Beam runner, which is the local runner here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.v1.lazy import lazy_modules, lazy_names

if TYPE_CHECKING:
    from assay.v1.orchestration import metadata
    from assay.v1.orchestration.script import LocalDagRunner
    from assay.v1.orchestration.script import LocalDagRunner as BeamDagRunner

__all__ = ["BeamDagRunner", "LocalDagRunner", "metadata"]

_SCRIPT = "assay.v1.orchestration.script:LocalDagRunner"
_name = lazy_names(__name__, {"BeamDagRunner": _SCRIPT, "LocalDagRunner": _SCRIPT})
_module = lazy_modules(__name__, ["metadata"])


def __getattr__(name: str) -> Any:
    return _module(name) if name == "metadata" else _name(name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return __all__
