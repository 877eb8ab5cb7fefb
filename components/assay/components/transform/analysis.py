"""The analysis: tf.Transform runs the analyzers of `preprocessing_fn` over the rows and exports the graph."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_transform.beam.tft_beam_io import transform_fn_io
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from assay.errors import AssayError, EngineError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from assay.components.transform.raw_batches import RawFormat
    from assay.engines.base import Shard

# Rows of one call of the graph. Large enough that the overhead of a call does not show, small enough that a graph which
# makes a thousand floats of a row stays within some 30 MB.
BATCH_ROWS = 8192


@dataclass(frozen=True, slots=True)
class UsedColumns:
    """The raw tensors that a `preprocessing_fn` uses.

    Attributes:
        to_analyze: Those that its analyzers need; empty where it has none.
        to_transform: Those that its outputs need.
    """

    to_analyze: frozenset[str]
    to_transform: frozenset[str]


def bind(preprocessing_fn: Callable[..., Any], custom_config: Mapping[str, Any] | None) -> Callable[..., Any]:
    """Gives a function of the inputs alone that checks what it returns.

    `custom_config` is passed where the function has such an argument, as TFX does.
    """
    if "custom_config" in inspect.signature(preprocessing_fn).parameters:
        preprocessing_fn = partial(preprocessing_fn, custom_config=dict(custom_config or {}))
    return partial(_checked, preprocessing_fn)


def _checked(preprocessing_fn: Callable[..., Any], inputs: Mapping[str, Any]) -> Any:
    outputs = preprocessing_fn(inputs)
    if not isinstance(outputs, dict) or not outputs:
        found = "an empty dict" if isinstance(outputs, dict) else f"{type(outputs).__name__}"
        raise UsageError(
            "transform.outputs",
            f"preprocessing_fn must return a dict of tensors by name; it returned {found}.",
            "Return one entry for each feature that the model shall see.",
        )
    return outputs


def trace(preprocessing_fn: Callable[..., Any], raw: RawFormat) -> UsedColumns:
    """Traces a `preprocessing_fn` without data; what is wrong with its code shows here, in a second."""
    analyze = tft.get_analyze_input_columns(preprocessing_fn, raw.type_specs)
    transform = tft.get_transform_input_columns(preprocessing_fn, raw.type_specs)
    return UsedColumns(frozenset(analyze), frozenset(transform))


def analyze(
    preprocessing_fn: Callable[..., Any],
    raw: RawFormat,
    used: UsedColumns,
    shards: Sequence[tuple[str, Shard]],
    graph_path: Path,
    temp_dir: Path,
    beam_pipeline_args: Sequence[str] = (),
) -> None:
    """Runs the analyzers and writes the transform graph as tf.Transform lays it out.

    Args:
        preprocessing_fn: The user's function of the inputs.
        raw: The raw rows' format.
        used: What `trace` found.
        shards: The parts to analyse, each with its place for messages (`split 'train'`).
        graph_path: Where `transform_fn/`, `transformed_metadata/` and `metadata/` are written.
        temp_dir: Scratch space that Beam's workers share.
        beam_pipeline_args: Options of the Beam runner; in this process where empty.

    Raises:
        DataError: If rows do not fit the schema.
        EngineError: If Beam's options are wrong.
    """
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(raw.schema), str(graph_path / tft.TFTransformOutput.RAW_METADATA_DIR)
    )
    projected = raw.project(used.to_analyze or frozenset(list(raw.type_specs)[:1]))
    read = partial(_read_shard, raw=projected)
    try:
        with (
            _pipeline(beam_pipeline_args) as pipeline,
            tft_beam.Context(temp_dir=str(temp_dir), use_deep_copy_optimization=True),
        ):
            rows = pipeline | "Shards" >> beam.Create(list(shards), reshuffle=False) | "Read" >> beam.FlatMap(read)
            transform_fn = (rows, projected.adapter_config) | tft_beam.AnalyzeDataset(preprocessing_fn)
            _ = transform_fn | transform_fn_io.WriteTransformFn(str(graph_path))
    except Exception as error:
        raise _root_cause(error) from error


def _pipeline(arguments: Sequence[str]) -> beam.Pipeline:
    if not arguments:
        # Named, because Beam's DirectRunner may choose another runner and fetch its binary.
        return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    try:
        return beam.Pipeline(options=PipelineOptions(list(arguments)))
    except (ValueError, SystemExit) as error:
        raise EngineError(
            "transform.beam_options", f"Beam refused the options {' '.join(arguments)}: {error}."
        ) from error


def _read_shard(place_and_shard: tuple[str, Shard], raw: RawFormat) -> Iterator[pa.RecordBatch]:
    place, shard = place_and_shard
    for batch in shard.batches(raw.arrow_schema.names):
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield raw.conform(batch.slice(start, BATCH_ROWS), place)


def _root_cause(error: BaseException) -> BaseException:
    """Gives the error of ours that Beam wrapped in its own words, or the error as it is."""
    cause: BaseException | None = error
    found: BaseException = error
    while cause is not None:
        if isinstance(cause, AssayError):
            found = cause
        cause = cause.__cause__ or cause.__context__
    return found
