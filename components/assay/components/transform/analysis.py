"""The analysis: tf.Transform runs the analyzers of `preprocessing_fn` over the rows and exports the graph."""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.internal.cloudpickle import cloudpickle
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_transform.beam import analysis_graph_builder, analyzer_cache
from tensorflow_transform.beam.tft_beam_io import transform_fn_io
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from assay.errors import AssayError, EngineError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    import pyarrow as pa

    from assay.components.transform.raw_batches import RawFormat
    from assay.engines.base import Shard

# Takes a run's own names out of a transform graph, so that equal rows and code give an equal graph.
#
# TensorFlow names the tables of vocabularies by the files that they were read from, which are in a scratch folder;
# and models that apply the graph would carry that folder's name on to where they are served.


def name_tables_by_content(saved_model: Path, scratch: Path) -> None:
    """Names each table by the digest of all vocabularies where its name has the scratch folder.

    Not by the vocabulary's name alone: tables of one name are one table to TensorFlow, and another graph may have
    another vocabulary of that name.

    Args:
        saved_model: The folder of the graph's SavedModel, which is rewritten.
        scratch: The folder that TFT was given.
    """
    path = saved_model / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    content = _digest(saved_model / "assets").encode()
    for node in _nodes(model):
        if "shared_name" in node.attr:
            name = node.attr["shared_name"]
            name.s = name.s.replace(os.fsencode(scratch), content)
    path.write_bytes(model.SerializeToString(deterministic=True))
    # It is of the graph before, and of newer TensorFlows a random number is in it; every reader does without.
    (saved_model / "fingerprint.pb").unlink(missing_ok=True)


def _nodes(model: Any) -> Iterator[Any]:
    for graph in (each.graph_def for each in model.meta_graphs):
        yield from graph.node
        for function in graph.library.function:
            yield from function.node_def


def _digest(assets: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(assets.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(assets)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return f"sha256:{digest.hexdigest()}"


# Rows of one call of the graph. Large enough that the overhead of a call does not show, small enough that a graph which
# makes a thousand floats of a row stays within some 30 MB.
BATCH_ROWS = 8192
_WRITABLE = (tf.int64, tf.float32, tf.string)
_TFT_WRAPPER = "Failed to apply"


@dataclass(frozen=True, slots=True)
class UsedColumns:
    """The raw tensors that a `preprocessing_fn` uses.

    Attributes:
        to_analyze: Those that its analyzers need; empty where it has none.
        to_transform: Those that its outputs need.
    """

    to_analyze: frozenset[str]
    to_transform: frozenset[str]


@dataclass(frozen=True, slots=True)
class AnalyzedRows:
    """Rows to analyse whose analyzer results may be cached.

    Attributes:
        key: Names the rows by their content: the same key is the same rows.
        place: Where they are, for messages, such as `split 'train'`.
        shards: The parts.
    """

    key: str
    place: str
    shards: Sequence[Shard]


@dataclass(frozen=True, slots=True)
class CacheFolders:
    """Where analyzer results are read from and written to.

    Attributes:
        read: A cache of an earlier run; None for none.
        write: Where this run's cache goes: the results of all rows, those that were read from the cache as well.
    """

    read: Path | None
    write: Path


def bind(preprocessing_fn: Callable[..., Any], custom_config: Mapping[str, Any] | None) -> Callable[..., Any]:
    """Return a function of the inputs alone that checks what it returns.

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
            "Return one entry for each feature of the model.",
        )
    for name, tensor in outputs.items():
        _check_output(name, tensor)
    return outputs


def _check_output(name: str, tensor: Any) -> None:
    """Check that an output is a tensor that a `tf.Example` can hold; tf.Transform notices only after the analysis.

    Raises:
        UsageError: If not; the message names the output.
    """
    if not isinstance(tensor, (tf.Tensor, tf.SparseTensor, tf.RaggedTensor)):
        raise UsageError(
            "transform.output_type",
            f"preprocessing_fn must return tensors by name; its output '{name}' is of type {type(tensor).__name__}.",
            "Return a tensor of as many rows as the inputs have.",
        )
    if tensor.dtype not in _WRITABLE:
        cast = "tf.float32" if tensor.dtype.is_floating else "tf.int64"
        raise UsageError(
            "transform.output_type",
            f"The output '{name}' of preprocessing_fn is of type {tensor.dtype.name}; transformed rows hold int64, "
            "float32 and string.",
            f"Cast it, for example by tf.cast({name if name.isidentifier() else 'output'}, {cast}).",
        )
    if isinstance(tensor, tf.RaggedTensor) and any(tensor.shape[1 : tensor.ragged_rank + 1]):
        raise UsageError(
            "transform.output_shape",
            f"The ragged output '{name}' of preprocessing_fn has the shape {tensor.shape}; only dimensions after the "
            "ragged ones may be of one length.",
            "Return it as a dense tensor (to_tensor()) or a sparse one (to_sparse()).",
        )


def trace(preprocessing_fn: Callable[..., Any], raw: RawFormat) -> UsedColumns:
    """Traces a `preprocessing_fn` without data; what is wrong with its code shows here, in a second."""
    analyze = tft.get_analyze_input_columns(preprocessing_fn, raw.type_specs)
    transform = tft.get_transform_input_columns(preprocessing_fn, raw.type_specs)
    return UsedColumns(frozenset(analyze), frozenset(transform))


def send_by_value(modules: Sequence[ModuleType]) -> None:
    """Make Beam send the functions of these modules to its workers as code, not by a name that they cannot import."""
    for module in modules:
        cloudpickle.register_pickle_by_value(module)


def analyze(
    preprocessing_fn: Callable[..., Any],
    raw: RawFormat,
    used: UsedColumns,
    rows: Sequence[AnalyzedRows],
    graph_path: Path,
    *,
    temp_dir: Path,
    beam_pipeline_args: Sequence[str] = (),
    cache: CacheFolders | None = None,
) -> None:
    """Run the analyzers and write the transform graph as tf.Transform lays it out.

    Args:
        preprocessing_fn: The user's function of the inputs.
        raw: The raw rows' format.
        used: What `trace` found.
        rows: The rows to analyse.
        graph_path: Where `transform_fn/`, `transformed_metadata/` and `metadata/` are written.
        temp_dir: Scratch space that Beam's workers share.
        beam_pipeline_args: Options of the Beam runner; in this process where empty.
        cache: Where analyzer results are kept; not at all where None.

    Raises:
        DataError: If rows do not fit the schema.
        EngineError: If Beam's options are wrong.
    """
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(raw.schema), str(graph_path / tft.TFTransformOutput.RAW_METADATA_DIR)
    )
    projected = raw.project(used.to_analyze or frozenset(list(raw.type_specs)[:1]))
    try:
        with (
            _pipeline(beam_pipeline_args) as pipeline,
            # TFT's deep copy of the pipeline's earlier phases does not know the arguments of today's Beam.
            tft_beam.Context(temp_dir=str(temp_dir), use_deep_copy_optimization=False),
        ):
            if cache is None:
                shards = [(each.place, shard) for each in rows for shard in each.shards]
                data = _read(pipeline, "all", shards, projected)
                transform_fn = (data, projected.adapter_config) | tft_beam.AnalyzeDataset(preprocessing_fn)
            else:
                transform_fn = _analyze_with_cache(pipeline, preprocessing_fn, projected, rows, cache)
            _ = transform_fn | transform_fn_io.WriteTransformFn(str(graph_path))
    except Exception as error:
        cause = _root_cause(error)
        if cause is error:
            raise
        raise cause from None
    name_tables_by_content(graph_path / tft.TFTransformOutput.TRANSFORM_FN_DIR, temp_dir)


def _analyze_with_cache(
    pipeline: beam.Pipeline,
    preprocessing_fn: Callable[..., Any],
    raw: RawFormat,
    rows: Sequence[AnalyzedRows],
    cache: CacheFolders,
) -> Any:
    """Analyses only rows whose results are not in the cache, and rewrites the results of all rows."""
    by_key = {analyzer_cache.DatasetKey(each.key): each for each in rows}
    entry_keys = analysis_graph_builder.get_analysis_cache_entry_keys(
        preprocessing_fn, raw.type_specs_of_whole, list(by_key), False
    )
    known: Any = {}
    if cache.read is not None:
        # TFT writes the results that it computed only; those that it takes from the cache stay for the next run.
        shutil.copytree(cache.read, cache.write, dirs_exist_ok=True, ignore=shutil.ignore_patterns("manifest.json"))
        known = pipeline | "ReadCache" >> analyzer_cache.ReadAnalysisCacheFromFS(
            str(cache.read), list(by_key), cache_entry_keys=entry_keys
        )
    needed = analysis_graph_builder.get_analysis_dataset_keys(
        preprocessing_fn, raw.type_specs_of_whole, list(by_key), known, False
    )
    data = {
        key: _read(pipeline, each.key, [(each.place, shard) for shard in each.shards], raw) if key in needed else None
        for key, each in by_key.items()
    }
    transform_fn, found = (data, known, raw.adapter_config) | tft_beam.AnalyzeDatasetWithCache(
        preprocessing_fn, pipeline=pipeline
    )
    _ = found | "WriteCache" >> analyzer_cache.WriteAnalysisCacheToFS(pipeline, str(cache.write), list(by_key))
    return transform_fn


def _read(pipeline: beam.Pipeline, name: str, shards: list[tuple[str, Shard]], raw: RawFormat) -> Any:
    created = pipeline | f"Shards[{name}]" >> beam.Create(shards, reshuffle=False)
    return created | f"Read[{name}]" >> beam.FlatMap(partial(_read_shard, raw=raw))


def _pipeline(arguments: Sequence[str]) -> beam.Pipeline:
    if not arguments:
        # Named, because Beam's DirectRunner may choose another runner and fetch its binary.
        return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    try:
        return beam.Pipeline(options=PipelineOptions(list(arguments)))
    except (ValueError, SystemExit) as error:
        raise EngineError(
            "transform.beam_options", f"Beam rejected the options {' '.join(arguments)}: {error}."
        ) from error


def _read_shard(place_and_shard: tuple[str, Shard], raw: RawFormat) -> Iterator[pa.RecordBatch]:
    place, shard = place_and_shard
    for batch in shard.batches(raw.arrow_schema.names):
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield raw.conform(batch.slice(start, BATCH_ROWS), place)


def _root_cause(error: BaseException) -> BaseException:
    """Return the error of ours that Beam wrapped in its words, or what TFT failed to apply, or the error as it is."""
    cause: BaseException | None = error
    ours: AssayError | None = None
    while cause is not None:
        ours = cause if isinstance(cause, AssayError) else ours
        cause = cause.__cause__ or cause.__context__
    if ours is not None:
        return ours
    while error.__cause__ is not None and str(error).startswith(_TFT_WRAPPER):
        error = error.__cause__
    return error
