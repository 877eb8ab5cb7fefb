"""The data accessor: examples in either file format as `tf.data` datasets and as Arrow batches, as TFXIO gives them.

TFRecord files go through tfx_bsl's TFXIO, as in TFX. Rows of Parquet files are encoded as `tf.Example`s, which then
take the same way as TFXIO's: one parser decides shapes, defaults and what a missing value becomes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tensor_representation_util, tf_example_record

from assay.components.trainer.fn_args import DataAccessor
from assay.data.parquet import open_parquet
from assay.data.tf_example import encode, fits, without_structs
from assay.errors import ArtifactError, UsageError, did_you_mean
from assay.files import shard_order
from assay.native import coders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfx_bsl.tfxio.dataset_options import RecordBatchesOptions, TensorFlowDatasetOptions

# Tables of up to so many cells are encoded once and kept (about 30 bytes a cell); larger ones are streamed every epoch.
_IN_MEMORY_CELLS = 10_000_000
_CHUNK_ROWS = 8192


def make_data_accessor() -> DataAccessor:
    """Return the accessor that `FnArgs` carries."""
    return DataAccessor(tf_dataset_factory=tf_dataset, record_batch_factory=record_batches)


def tf_dataset(
    file_patterns: str | list[str], options: TensorFlowDatasetOptions, schema: schema_pb2.Schema | None = None
) -> tf.data.Dataset:
    """Read examples as batches of tensors.

    Args:
        file_patterns: File patterns, such as `fn_args.train_files`.
        options: Batch size, epochs (None: for ever), shuffling and the label's name, with TFXIO's meaning: rows are
            shuffled within the buffer, then repeated, then batched; without an end there is no smaller last batch.
        schema: The schema of the rows; for transformed rows `TFTransformOutput.transformed_metadata.schema`.

    Raises:
        ArtifactError: If a pattern matches no file.
        UsageError: Without a schema, or for a label that the schema does not declare.
    """
    files = _expand(file_patterns)
    if schema is None:
        raise UsageError(
            "data_accessor.no_schema",
            "tf_dataset_factory needs a schema to shape the tensors; got None.",
            "Pass TFTransformOutput.transformed_metadata.schema, or the schema of fn_args.schema_path.",
        )
    schema = without_structs(schema)
    representations = tensor_representation_util.InferTensorRepresentationsFromMixedSchema(schema)
    if options.label_key is not None and options.label_key not in representations:
        raise UsageError(
            "data_accessor.no_label",
            f"The rows have no feature '{options.label_key}' to use as the label.",
            did_you_mean(options.label_key, representations),
        )
    if not _is_parquet(files):
        return tf_example_record.TFExampleRecord(files, schema=schema).TensorFlowDataset(options)
    feature_spec, tensor_names = _parsing(schema, representations)

    def to_tensors(records: tf.Tensor) -> Any:
        features = tf.io.parse_example(records, feature_spec)
        tensors = {tensor_names[name]: value for name, value in features.items()}
        if options.label_key is None:
            return tensors
        label = tensors.pop(options.label_key)
        return tensors, label

    return _batched(_serialized(files, schema), options).map(to_tensors).prefetch(tf.data.AUTOTUNE)


def record_batches(
    file_patterns: str | list[str], options: RecordBatchesOptions, schema: schema_pb2.Schema | None = None
) -> Iterator[pa.RecordBatch]:
    """Read examples as Arrow batches of list columns.

    Args:
        file_patterns: File patterns, such as `fn_args.train_files`.
        options: Batch size, epochs (None: for ever) and shuffling, as for datasets.
        schema: Chooses and types the columns; without it they follow from the rows of each batch.

    Raises:
        ArtifactError: If a pattern matches no file.
    """
    files = _expand(file_patterns)
    if not _is_parquet(files):
        yield from tf_example_record.TFExampleRecord(files, schema=schema).RecordBatches(options)
        return
    schema = without_structs(schema) if schema is not None else None
    decoder = coders().ExamplesToRecordBatchDecoder(*([] if schema is None else [schema.SerializeToString()]))
    for records in _batched(_serialized(files, schema), options).as_numpy_iterator():
        yield decoder.DecodeBatch(records)


def _expand(file_patterns: str | list[str]) -> list[str]:
    """Return the files that the patterns match, in the order of the numbers in their names."""
    patterns = [file_patterns] if isinstance(file_patterns, str) else list(file_patterns)
    files = {file for pattern in patterns for file in tf.io.gfile.glob(pattern)}
    data_files = sorted((file for file in files if not Path(file).name.startswith((".", "_"))), key=shard_order)
    if not data_files:
        raise ArtifactError(
            "data_accessor.no_files",
            f"No file matches {', '.join(patterns) or 'an empty list of patterns'}.",
            "Pass fn_args.train_files or fn_args.eval_files.",
        )
    return data_files


def _is_parquet(files: list[str]) -> bool:
    kinds = {file.endswith(".parquet") or "_parquet-" in Path(file).name for file in files}
    if len(kinds) > 1:
        raise UsageError(
            "data_accessor.mixed_formats",
            f"{files[0]} and {files[-1]} are of different file formats.",
            "Read the files of each format separately.",
        )
    return kinds == {True}


def _parsing(
    schema: schema_pb2.Schema, representations: dict[str, schema_pb2.TensorRepresentation]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the specification for `tf.io.parse_example`, and the tensor of each of its names."""
    types = {feature.name: feature.type for feature in schema.feature}
    feature_spec, tensor_names = {}, {}
    for tensor, representation in representations.items():
        column = tensor_representation_util.GetSourceValueColumnFromTensorRepresentation(representation).initial_step()
        spec = tensor_representation_util.CreateTfExampleParserConfig(representation, types[column])
        # A spec of one column goes by the column's name; one of several names its columns itself, and may go by any.
        name = f"{tensor}$" if isinstance(spec, (tf.io.SparseFeature, tf.io.RaggedFeature)) else column
        feature_spec[name], tensor_names[name] = spec, tensor
    return feature_spec, tensor_names


def _serialized(
    files: list[str], schema: schema_pb2.Schema | None, in_memory_cells: int = _IN_MEMORY_CELLS
) -> tf.data.Dataset:
    """Return the rows of Parquet files as serialised `tf.Example`s, in order."""
    table = open_parquet([Path(file) for file in files])
    columns = [each.name for each in table.schema if fits(each.type)]
    if schema is not None:  # what it declares is read, or refused by name
        columns = [feature.name for feature in schema.feature]
    is_float = {feature.name for feature in (schema.feature if schema else ()) if feature.type == schema_pb2.FLOAT}

    def chunks() -> Iterator[list[bytes]]:
        for batch in table.batches(columns):
            for start in range(0, batch.num_rows, _CHUNK_ROWS):
                yield encode(_integers_as_floats(batch.slice(start, _CHUNK_ROWS), is_float))

    if table.num_rows * len(table.schema) <= in_memory_cells:
        return tf.data.Dataset.from_tensor_slices([record for chunk in chunks() for record in chunk])
    signature = tf.TensorSpec([None], tf.string)
    return tf.data.Dataset.from_generator(chunks, output_signature=signature).unbatch()


def _integers_as_floats(batch: pa.RecordBatch, names: set[str]) -> pa.RecordBatch:
    """Return integer columns of FLOAT features as floats; a CSV file without a decimal point has such columns."""
    columns = [
        column.cast(pa.float32()) if name in names and pa.types.is_integer(column.type) else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _batched(dataset: tf.data.Dataset, options: TensorFlowDatasetOptions | RecordBatchesOptions) -> tf.data.Dataset:
    """Shuffles, repeats and batches as TFXIO's `make_tf_record_dataset` does, in that order."""
    if options.shuffle:
        dataset = dataset.shuffle(options.shuffle_buffer_size, options.shuffle_seed)
    if options.num_epochs != 1:
        dataset = dataset.repeat(options.num_epochs)
    return dataset.batch(options.batch_size, drop_remainder=options.drop_final_batch or options.num_epochs is None)
