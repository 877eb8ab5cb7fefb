"""Infers one schema from the statistics of several splits, and applies to it what people decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import UsageError
from assay.schema.inference import infer_schema, update_schema

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList


def infer_from_splits(
    statistics: Iterable[DatasetFeatureStatisticsList], *, max_string_domain_size: int, infer_feature_shape: bool
) -> Schema:
    """Infers a schema from the first statistics and widens it by the others, in order."""
    splits = iter(statistics)
    schema = infer_schema(next(splits), max_string_domain_size, infer_feature_shape=infer_feature_shape)
    for split in splits:
        schema = update_schema(schema, split, max_string_domain_size)
    return schema


def with_patch(schema: Schema, patch_file: Path) -> Schema:
    """Gives a schema with the decisions of a patch file.

    Raises:
        DataError: There is no such file, it is no patch, or one of its decisions does not fit the schema any more.
        UsageError: The patch contradicts itself, or makes the schema contradict itself.
    """
    from assay.schema import apply, read_patch

    patched = apply(schema, read_patch(patch_file))
    found = contradictions(patched)
    if found:
        raise UsageError(
            "schema_patch.contradictory_schema",
            f"With {patch_file}, the schema contradicts itself: {' '.join(found)}",
            "Change the patch; `assay schema check` looks at a schema by itself.",
        )
    return patched


def contradictions(schema: Schema) -> list[str]:
    """Gives what a schema says against itself, a sentence each; TFDV loads most of it in silence."""
    from assay.schema import check

    return [finding.sentence for finding in check(schema) if finding.severity == "error"]
