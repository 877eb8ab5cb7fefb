"""The names of `tfx.v1.types`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.v1.lazy import lazy_modules, lazy_names

if TYPE_CHECKING:
    from assay.spec import Channel as BaseChannel
    from assay.spec.node import Node as BaseNode
    from assay.v1.types import artifact, standard_artifacts

__all__ = ["BaseChannel", "BaseNode", "artifact", "standard_artifacts"]

_name = lazy_names(__name__, {"BaseChannel": "assay.spec:Channel", "BaseNode": "assay.spec.node:Node"})
_module = lazy_modules(__name__, ["artifact", "standard_artifacts"])


def __getattr__(name: str) -> Any:
    return _module(name) if name in {"artifact", "standard_artifacts"} else _name(name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return __all__
