"""Evaluates with TFMA itself: what the kernels lack, and whatever `engine="tfma"` asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx_bsl.tfxio import tensor_adapter, tf_example_record

from assay.components.evaluator.beam_pipeline import run_pipeline
from assay.components.evaluator.data_checks import check_extracts
from assay.components.evaluator.in_memory import NotElementwiseError
from assay.components.evaluator.in_process import can_run_in_process, compute_metrics
from assay.components.evaluator.models import Models, load_models
from assay.components.evaluator.tfma_files import write_evaluation
from assay.components.evaluator.tfma_output.eval_run import write_eval_run
from assay.errors import DataError
from assay.native import coders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assay.components.evaluator.work import Evaluation
    from assay.gating.figures import SliceKey
    from assay.gating.limits import EvalConfig

# What TFMA and TensorFlow raise for data and models that do not fit the configuration.
_TFMA_ERRORS = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, tf.errors.OpError)


def run_tfma(work: Evaluation, prepared: EvalConfig, output: Path) -> tuple[int, Mapping[SliceKey, int]]:
    """Writes TFMA's files to `output`, and gives the number of examples, and of those in each slice where known.

    Raises:
        UsageError: A metric is unknown, or the configuration does not fit the model.
        DataError: The examples lack the label, or a feature to slice by.
        ArtifactError: A model cannot be loaded.
    """
    candidate, baseline = (path if isinstance(path, Path) else None for path in (work.model, work.baseline))
    models = load_models(candidate, baseline, prepared, factory=work.custom_eval_shared_model)
    counted = _Counted(work.serialized)
    examples = _run(work, prepared, models, counted, output)
    # TFMA's own pipeline has written one that names the places of this run.
    write_eval_run(output, prepared, data_location=work.recorded_data, model_locations=work.recorded_models)
    return counted.rows, examples


class _Counted:
    """Batches that count their rows as they pass."""

    def __init__(self, batches: Iterable[Sequence[bytes]]) -> None:
        self.rows = 0
        self._batches = batches

    def __iter__(self) -> Iterator[Sequence[bytes]]:
        self.rows = 0
        for batch in self._batches:
            if batch:
                self.rows += len(batch)
                yield batch


def _run(
    work: Evaluation, prepared: EvalConfig, models: Models, counted: _Counted, output: Path
) -> Mapping[SliceKey, int]:
    """Writes TFMA's files, and gives the number of examples in each slice where it is known."""
    try:
        extractors = (work.custom_extractors or tfma.default_extractors)(
            eval_shared_model=models.as_argument,
            eval_config=prepared,
            tensor_adapter_config=_adapter_config(work.schema),
        )
        if not (work.beam_pipeline_args or work.custom_extractors) and can_run_in_process(prepared):
            try:
                return _run_in_process(work, prepared, models, extractors, counted, output)
            except NotElementwiseError:
                pass  # a model of a kind whose extractors group examples: only a pipeline can run them
        batches = (_as_input(records, work.schema) for records in counted)
        run_pipeline(batches, prepared, models.as_argument, extractors, output, options=work.beam_pipeline_args)
    except _TFMA_ERRORS as error:
        raise DataError(
            "evaluator.tfma_failed",
            f"TFMA could not evaluate the model: {_first_line(error)}.",
            "Check that signatures, label and prediction keys of eval_config fit the model and the data.",
        ) from error
    return {}


def _run_in_process(
    work: Evaluation, prepared: EvalConfig, models: Models, extractors: list[Any], counted: _Counted, output: Path
) -> Mapping[SliceKey, int]:
    computed = compute_metrics(
        (_as_input(records, work.schema) for records in counted),
        prepared,
        models.shared,
        extractors,
        schema=work.schema,
        inspect=lambda extracts: check_extracts(extracts, prepared),
    )
    write_evaluation(output, computed.sliced, prepared)
    return computed.examples


def _as_input(records: Sequence[bytes], schema: Any) -> pa.RecordBatch:
    """Gives the batch that TFMA's extractors take: a column a feature, and the records themselves."""
    columns = _decoder(schema).DecodeBatch(list(records))
    raw = pa.LargeListArray.from_arrays(
        pa.array(range(len(records) + 1), pa.int64()), pa.array(records, pa.large_binary())
    )
    return pa.RecordBatch.from_arrays([*columns.columns, raw], [*columns.schema.names, tfma.ARROW_INPUT_COLUMN])


def _decoder(schema: Any) -> Any:
    return coders().ExamplesToRecordBatchDecoder(*([schema.SerializeToString()] if schema else []))


def _adapter_config(schema: Any) -> Any:
    if schema is None:
        return None
    reader = tf_example_record.TFExampleBeamRecord(
        physical_format="inmem", schema=schema, raw_record_column_name=tfma.ARROW_INPUT_COLUMN
    )
    return tensor_adapter.TensorAdapterConfig(reader.ArrowSchema(), reader.TensorRepresentations())


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0] if text else ''}".rstrip(". ")
