"""Evaluates a model with TFMA, and holds the result against the configuration's thresholds.

TFMA computes the metrics and validates them; the gate decides from the same figures, with every check listed. The two
must agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx_bsl.tfxio import tensor_adapter, tf_example_record

from assay.components.evaluator.beam_pipeline import run_pipeline
from assay.components.evaluator.data_checks import check_extracts
from assay.components.evaluator.in_memory import NotElementwiseError
from assay.components.evaluator.in_process import can_run_in_process, compute_metrics
from assay.components.evaluator.metrics_table import METRICS_TABLE, write_metrics_table
from assay.components.evaluator.models import Models, load_models
from assay.components.evaluator.tfma_config import check_metrics, has_thresholds, metric_name, with_defaults
from assay.components.evaluator.tfma_files import read_figures, read_validation, write_evaluation
from assay.errors import DataError
from assay.gate.decide import GatePolicy, decide
from assay.gate.limits import limits_of
from assay.native import coders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from assay.gate.figures import SliceKey
    from assay.gate.limits import EvalConfig
    from assay.gate.verdict import Verdict

# What TFMA and TensorFlow raise for data and models that do not fit the configuration.
_TFMA_ERRORS = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, tf.errors.OpError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What to evaluate.

    Attributes:
        config: The `EvalConfig` as the user wrote it.
        batches: The examples, as lists of serialised `tf.Example`s; may be gone through more than once.
        model: The candidate's SavedModel; None where the examples hold the predictions.
        baseline: The baseline's SavedModel; None where there is none.
        schema: The schema of the examples, where there is one.
        data_location: Where the examples are, for TFMA's display.
        custom_eval_shared_model: The user's function of that name.
        custom_extractors: The user's function of that name.
        beam_pipeline_args: Options of a Beam runner; given, TFMA's own pipeline runs on it.
    """

    config: EvalConfig
    batches: Iterable[Sequence[bytes]]
    model: Path | None
    baseline: Path | None = None
    schema: Any = None
    data_location: str = ""
    custom_eval_shared_model: Callable[..., Any] | None = None
    custom_extractors: Callable[..., Any] | None = None
    beam_pipeline_args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of it.

    Attributes:
        verdict: The gate's decision.
        rows: The number of examples evaluated.
        examples: The number of examples in each slice, where it is known.
    """

    verdict: Verdict
    rows: int
    examples: Mapping[SliceKey, int] = field(default_factory=dict)


def evaluate(
    work: Evaluation, output: Path, *, policy: GatePolicy | None = None, subjects: Mapping[str, str] | None = None
) -> Evaluated:
    """Writes TFMA's files and `metrics.parquet` to `output`, and gives the verdict.

    Raises:
        UsageError: A metric is unknown, or the configuration does not fit the model.
        DataError: The examples lack the label, or a feature to slice by.
        ArtifactError: A model cannot be loaded.
    """
    check_metrics(work.config)
    prepared = with_defaults(work.config, has_baseline=work.baseline is not None)
    models = load_models(work.model, work.baseline, prepared, factory=work.custom_eval_shared_model)
    counted = _Counted(work.batches)
    examples = _run(work, prepared, models, counted, output)
    if not counted.rows:
        where = work.data_location or "the splits"
        raise DataError("evaluator.no_examples", f"There is no example to evaluate in {where}.")
    figures = read_figures(output, prepared, examples)
    write_metrics_table(output / METRICS_TABLE, figures)
    verdict = decide(
        limits_of(work.config, metric_name),
        figures,
        policy=policy,
        subjects=subjects,
        second_opinion=read_validation(output) if has_thresholds(prepared) else None,
    )
    return Evaluated(verdict, counted.rows, examples)


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
    write_evaluation(
        output,
        computed.sliced,
        prepared,
        data_location=work.data_location,
        model_locations=models.locations,
    )
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
