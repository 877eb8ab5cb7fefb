"""ExampleValidator: data against a schema."""

from __future__ import annotations

from assay.components.example_validator.component import ExampleValidator

__all__ = ["ExampleValidator"]
