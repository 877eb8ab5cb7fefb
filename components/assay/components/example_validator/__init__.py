"""ExampleValidator: data against a schema.

The component is imported when it is first asked for: `assay.validate` uses the modules beside it, and starts in a
fraction of a second because it loads neither engines nor rules of rows before they are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lazy import lazy_names

if TYPE_CHECKING:
    from assay.components.example_validator.component import ExampleValidator

__all__ = ["ExampleValidator"]

__getattr__ = lazy_names(__name__, {"ExampleValidator": ".component"})
