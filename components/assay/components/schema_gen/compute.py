"""Apply to an inferred schema what people decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema


def with_patch(schema: Schema, patch_file: Path) -> Schema:
    """Return a schema with the decisions of a patch file.

    Raises:
        DataError: There is no such file, it is not a patch, or one of its decisions no longer fits the schema.
        UsageError: The patch contradicts itself, or makes the schema contradict itself.
    """
    from assay.schema import apply, read_patch

    patched = apply(schema, read_patch(patch_file))
    found = contradictions(patched)
    if found:
        raise UsageError(
            "schema_patch.contradictory_schema",
            f"With {patch_file}, the schema contradicts itself: {' '.join(found)}",
            "Change the patch; `assay schema check` validates a schema alone.",
        )
    return patched


def contradictions(schema: Schema) -> list[str]:
    """Return a schema's contradictions, one sentence each; TFDV loads most of them silently."""
    from assay.schema import check

    return [finding.sentence for finding in check(schema) if finding.severity == "error"]
