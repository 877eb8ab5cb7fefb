"""The SchemaGen and ImportSchemaGen components."""

from __future__ import annotations

from pathlib import Path

from assay.artifacts.schema import Schema, read_schema
from assay.artifacts.statistics import ExampleStatistics
from assay.components.schema_gen.compute import contradictions, with_patch
from assay.data.splits import chosen_splits
from assay.schema.inference import MAX_STRING_DOMAIN_SIZE, has_rows, infer_schema_of_several
from assay.spec import ExecutionContext, FilePath, Input, Output, component
from assay.spec.channel import foresee_splits


@component(
    positional=("statistics", "infer_feature_shape", "exclude_splits"),
    foresee=foresee_splits("statistics"),
)
def SchemaGen(
    context: ExecutionContext,
    statistics: Input[ExampleStatistics],
    schema: Output[Schema],
    *,
    infer_feature_shape: bool = True,
    exclude_splits: list[str] | None = None,
    max_string_domain_size: int = MAX_STRING_DOMAIN_SIZE,
    patch_file: FilePath | None = None,
) -> None:
    """Infers a schema from statistics, as TFDV does.

    The first split that has rows makes the schema and each further one widens it, so a schema meant to judge a split
    must leave that split out (`exclude_splits=["eval"]`).

    What people decided about the schema is kept in a patch file, which is applied to whatever is inferred: ranges,
    domains, environments survive the next inference. A decision that does not fit any more stops the run.

    Args:
        context: The run that the step is part of.
        statistics: Statistics of the splits.
        schema: The inferred schema.
        infer_feature_shape: Whether a feature that always has the same number of values gets a fixed shape.
        exclude_splits: Names of splits that do not shape the schema.
        max_string_domain_size: A text feature with more distinct values than this gets no domain.
        patch_file: A patch as `assay schema suggest` and `assay schema diff` write it.
    """
    splits = chosen_splits(str(statistics.path), statistics.split_names, exclude_splits)
    read = {split: statistics.read(split) for split in splits}
    for split, found in read.items():
        if not has_rows(found):
            context.log(f"Split '{split}' has no rows, so the schema does not depend on it.")
    inferred = infer_schema_of_several(read.values(), max_string_domain_size, infer_feature_shape=infer_feature_shape)
    schema.write(with_patch(inferred, Path(patch_file)) if patch_file else inferred)


@component(positional=("schema_file",))
def ImportSchemaGen(context: ExecutionContext, schema: Output[Schema], *, schema_file: FilePath) -> None:
    """Brings in a schema that people keep, in place of an inferred one.

    Contradictions in the schema are written to the step's log; ExampleValidator reports them as errors.

    Args:
        context: The run that the step is part of.
        schema: The schema.
        schema_file: A text proto (`schema.pbtxt`).
    """
    imported = read_schema(Path(schema_file))
    for sentence in contradictions(imported):
        context.log(f"{schema_file} contradicts itself: {sentence}")
    schema.write(imported)
