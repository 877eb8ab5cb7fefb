"""The names of tfx.v1, so that a TFX pipeline ports by changing its imports.

`from assay import v1 as tfx` stands for `from tfx import v1 as tfx`. Everything here is assay's own, under TFX's name;
docs/guides/porting.md has the table, also for pipelines that import from TFX's inner modules. Importing it loads
nothing else: a module file that needs `tfx.components.FnArgs` for an annotation does not load the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay import __version__ as __version__
from assay.v1.lazy import lazy_modules

if TYPE_CHECKING:
    from assay.v1 import components, dsl, orchestration, proto, tfma, types, utils

__all__ = ["components", "dsl", "orchestration", "proto", "tfma", "types", "utils"]

__getattr__ = lazy_modules(__name__, __all__)


def __dir__() -> list[str]:
    """Return the submodules, loaded or not."""
    return __all__
