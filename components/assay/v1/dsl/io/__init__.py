"""The names of `tfx.v1.dsl.io`."""

from __future__ import annotations

from assay.v1.lazy import lazy_modules

__all__ = ["fileio"]

__getattr__ = lazy_modules(__name__, __all__)


def __dir__() -> list[str]:
    """Return the submodules, loaded or not."""
    return __all__
