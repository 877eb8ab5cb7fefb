"""ExampleValidator: data against a schema.

The component is imported when it is first asked for: `assay.validate` uses the modules beside it, and starts in a
fraction of a second because it loads neither engines nor rules of rows before they are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.components.example_validator.component import ExampleValidator

__all__ = ["ExampleValidator"]


def __getattr__(name: str) -> Any:
    """Imports the component when it is first used."""
    if name not in __all__:
        message = f"module 'assay.components.example_validator' has no attribute '{name}'"
        raise AttributeError(message)
    from assay.components.example_validator.component import ExampleValidator

    globals()[name] = ExampleValidator
    return ExampleValidator
