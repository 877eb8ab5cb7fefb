"""SchemaGen and ImportSchemaGen: the schema that data must fit."""

from __future__ import annotations

from assay.components.schema_gen.component import ImportSchemaGen, SchemaGen

__all__ = ["ImportSchemaGen", "SchemaGen"]
