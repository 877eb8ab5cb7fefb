"""`assay.infer_schema`: what data is expected to look like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.api.statistics import statistics_of
from assay.artifacts import schema as schema_artifacts
from assay.data.csv_types import CsvOptions
from assay.errors import UsageError
from assay.kernels.statistics import StatisticsOptions
from assay.schema.editor import SchemaEditor
from assay.schema.inference import MAX_STRING_DOMAIN_SIZE
from assay.schema.inference import infer_schema as infer_from_statistics

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from assay.api.inputs import DataLike, SchemaLike, StatisticsLike
    from assay.data.csv_types import CsvKeywords
    from assay.schema import Patch


def infer_schema(
    data: DataLike | StatisticsLike,
    *,
    max_string_domain_size: int = MAX_STRING_DOMAIN_SIZE,
    infer_feature_shape: bool = True,
    split: str | None = None,
    patch: str | Path | Patch | None = None,
    **csv: Unpack[CsvKeywords],
) -> schema_pb2.Schema:
    """Infers a schema, as `tfdv.infer_schema` does, and applies to it what people decided.

    Args:
        data: Statistics, a statistics file, or anything that `assay.statistics` takes.
        max_string_domain_size: A text feature with more distinct values than this gets no domain.
        infer_feature_shape: Whether a feature that always has the same number of values gets a fixed shape.
        split: The split of Examples that have several.
        patch: A patch file or an `assay.schema.Patch` to apply to what was inferred.
        **csv: How the cells of a CSV are read: `delimiter`, `missing_values`, `decimal`, `thousands`, `types` and
            `max_record_bytes`, as in `assay.CsvOptions`.

    Returns:
        The schema proto of tensorflow-metadata; edit it, or keep it with `schema.pbtxt`.

    Raises:
        DataError: If the data cannot be read or has no rows, statistics do not list all values of a domain, or a
            decision of the patch does not fit what was inferred.
        UsageError: If the patch contradicts itself.
    """
    schema = infer_from_statistics(
        statistics_of(
            data, split=split, csv=CsvOptions(**csv), options=options_of_inference(max_string_domain_size)
        ).proto,
        max_string_domain_size,
        infer_feature_shape=infer_feature_shape,
    )
    if patch is None:
        return schema
    from assay.schema import apply, read_patch  # noqa: PLC0415 (few inferences have a patch)

    return apply(schema, read_patch(Path(patch)) if isinstance(patch, (str, Path)) else patch)


def options_of_inference(max_string_domain_size: int) -> StatisticsOptions:
    """Return options of statistics that list every value that an inferred domain may have."""
    listed = StatisticsOptions().num_rank_histogram_buckets
    return StatisticsOptions(num_rank_histogram_buckets=max(listed, max_string_domain_size))


def schema_of(schema: SchemaLike) -> schema_pb2.Schema:
    """Return a schema proto as it is, or read it from an editor, a text proto, a Schema artifact or its folder.

    Raises:
        DataError: If the file cannot be read.
        UsageError: If it is not a schema.
    """
    if isinstance(schema, schema_pb2.Schema):
        return schema
    if isinstance(schema, schema_artifacts.Schema):
        return schema.read()
    if isinstance(schema, (str, Path)):
        path = Path(schema)
        return schema_artifacts.read_schema(path / schema_artifacts.FILE_NAME if path.is_dir() else path)
    if isinstance(schema, SchemaEditor):
        return schema.schema
    raise UsageError(
        "schema.kind",
        f"Expected a schema, got {type(schema).__name__}.",
        "Give a schema proto or the path of a schema.pbtxt.",
    )
