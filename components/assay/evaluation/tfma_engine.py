"""Evaluate with TFMA itself: what the kernels lack, and whatever `engine="tfma"` asks for.

Models are loaded and data is checked early, so that what does not fit is an error with a name. TFMA's own pipeline runs
only for what it alone can do: another runner, custom extractors, query keys, confidence intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import metrics_for_slice_pb2, validation_result_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as tfma_writer
from tfx_bsl.tfxio import tensor_adapter, tf_example_record

from assay.data.tfrecord import TFRecordWriter, read_records
from assay.errors import ArtifactError, DataError, UsageError, did_you_mean
from assay.evaluation.model_rows import no_model
from assay.evaluation.tfma_config import as_tfmas, baseline_name, candidate_name
from assay.evaluation.tfma_files import write_eval_run
from assay.evaluation.tfma_in_process import NotElementwiseError, can_run_in_process, compute_metrics
from assay.evaluation.tfma_parts import filter_by_key_type
from assay.gating.metric_values import Figures, MetricKey, SliceKey
from assay.native import coders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from assay.evaluation.request import EvaluationRequest
    from assay.evaluation.tfma_in_process import SlicedMetrics
    from assay.gating.thresholds import EvalConfig

_VALIDATIONS = f"{constants.VALIDATIONS_KEY}.tfrecord"
_INTERNAL = {constants.ARROW_INPUT_COLUMN}
# What TFMA and TensorFlow raise for data and models that do not fit the configuration.
_TFMA_ERRORS = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, tf.errors.OpError)


def run_tfma(work: EvaluationRequest, prepared: EvalConfig, output: Path) -> tuple[int, Mapping[SliceKey, int]]:
    """Write TFMA's files to `output`, and return the number of examples, and of those in each slice where known.

    Raises:
        UsageError: A metric is unknown, or the configuration does not fit the model.
        DataError: The examples lack the label, or a feature to slice by.
        ArtifactError: A model cannot be loaded.
    """
    candidate, baseline = (path if isinstance(path, Path) else None for path in (work.model, work.baseline))
    config = as_tfmas(prepared)
    models = load_models(candidate, baseline, config, factory=work.custom_eval_shared_model)
    counted = _Counted(work.serialized)
    examples = _run(work, config, models, counted, output)
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
    work: EvaluationRequest, prepared: EvalConfig, models: TfmaModels, counted: _Counted, output: Path
) -> Mapping[SliceKey, int]:
    """Write TFMA's files, and return the number of examples in each slice where it is known."""
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
    work: EvaluationRequest,
    prepared: EvalConfig,
    models: TfmaModels,
    extractors: list[Any],
    counted: _Counted,
    output: Path,
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
    """Return the batch that TFMA's extractors take: one column per feature, and the records themselves."""
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


def write_evaluation(folder: Path, sliced: SlicedMetrics, config: EvalConfig) -> None:
    """Write metrics, plots, attributions and the validation result as TFMA's writers do."""
    kinds = (
        (constants.METRICS_KEY, metric_types.MetricKey, tfma_writer.convert_slice_metrics_to_proto),
        (constants.PLOTS_KEY, metric_types.PlotKey, tfma_writer.convert_slice_plots_to_proto),
    )
    for name, kind, convert in kinds:
        records = [convert(filter_by_key_type(one, kind), []) for one in sliced]
        _write_records(folder / f"{name}-00000-of-00001.tfrecord", records)
    attributions = [filter_by_key_type(one, metric_types.AttributionsKey) for one in sliced]
    _write_records(
        folder / f"{constants.ATTRIBUTIONS_KEY}-00000-of-00001.tfrecord",
        [tfma_writer.convert_slice_attributions_to_proto(one) for one in attributions],
    )
    _write_records(folder / _VALIDATIONS, [_validation(sliced, config)])


def _validation(sliced: SlicedMetrics, config: EvalConfig) -> Any:
    combine = tfma_writer.CombineValidations(config)
    result = combine.create_accumulator()
    for one in sliced:
        metrics = filter_by_key_type(one, metric_types.MetricKey)
        result = combine.add_input(result, metrics_validator.validate_metrics(metrics, config))
    return combine.extract_output(result)


def read_validation(folder: Path) -> bool:
    """Read TFMA's own decision."""
    [record] = read_records(folder / _VALIDATIONS)
    return bool(validation_result_pb2.ValidationResult.FromString(record).validation_ok)


def read_figures(folder: Path, config: EvalConfig, examples: Mapping[SliceKey, int] | None = None) -> Figures:
    """Read the metrics of candidate and baseline from TFMA's files.

    Args:
        folder: The evaluation's folder.
        config: The configuration as it was run.
        examples: The number of examples in each slice, where it is known.
    """
    candidate, baseline = candidate_name(config), baseline_name(config)
    figures: dict[str, dict[SliceKey, dict[MetricKey, float]]] = {candidate: {}}
    if baseline is not None:
        figures[baseline] = {}
    not_numbers: dict[SliceKey, set[MetricKey]] = {}
    for record in _metrics_records(folder):
        key = slicer_lib.deserialize_slice_key(record.slice_key)
        for model in figures.values():
            model.setdefault(key, {})
        for item in record.metric_keys_and_values:
            if item.key.is_diff or item.key.model_name not in figures:
                continue
            if item.value.WhichOneof("type") == "double_value":
                figures[item.key.model_name][key][_metric_key(item.key)] = item.value.double_value.value
            else:
                not_numbers.setdefault(key, set()).add(_metric_key(item.key))
    return Figures(
        candidate=figures[candidate],
        baseline=None if baseline is None else figures[baseline],
        not_numbers={key: frozenset(keys) for key, keys in not_numbers.items()},
        examples=examples or {},
    )


def _metrics_records(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.glob(f"{constants.METRICS_KEY}-*.tfrecord")):
        for record in read_records(path):
            yield metrics_for_slice_pb2.MetricsForSlice.FromString(record)


def _metric_key(key: Any) -> MetricKey:
    sub_key, aggregation = metric_types.SubKey.from_proto(key.sub_key), None
    aggregation = metric_types.AggregationType.from_proto(key.aggregation_type)
    return MetricKey(
        name=key.name,
        output_name=key.output_name,
        sub_key=str(sub_key) if sub_key else "",
        aggregation=str(aggregation) if aggregation else "",
        example_weighted=key.example_weighted.value if key.HasField("example_weighted") else None,
    )


def _write_records(path: Path, messages: list[Any]) -> None:
    with TFRecordWriter(path, compress=False) as writer:
        for message in messages:
            writer.write(message.SerializeToString(deterministic=True))


@dataclass(frozen=True, slots=True)
class TfmaModels:
    """The models of an evaluation.

    Attributes:
        shared: TFMA's `EvalSharedModel`s.
        loaded: The models themselves. TFMA keeps no more than a weak reference, so that without these each extractor
            would load them again.
    """

    shared: list[Any]
    loaded: list[Any]

    @property
    def as_argument(self) -> Any:
        """The models as TFMA's functions take them: one, several, or None."""
        return self.shared[0] if len(self.shared) == 1 else (self.shared or None)


def load_models(
    candidate: Path | None, baseline: Path | None, config: EvalConfig, *, factory: Callable[..., Any] | None = None
) -> TfmaModels:
    """Load the model of each model spec of the prepared configuration.

    Args:
        candidate: The candidate's SavedModel; None where every model spec names a prediction key.
        baseline: The baseline's SavedModel.
        config: The configuration with TFMA's defaults.
        factory: The user's `custom_eval_shared_model`, in place of TFMA's.

    Raises:
        UsageError: There is no model and no prediction key, or a signature that the configuration names is not there.
        ArtifactError: A model cannot be loaded; a baseline that cannot be loaded differs from one that does not exist.
    """
    models = TfmaModels([], [])
    for spec in config.model_specs:
        path = baseline if spec.is_baseline else candidate
        if path is None:
            if not (spec.prediction_key or spec.prediction_keys):
                raise no_model()
            continue
        role = "baseline model" if spec.is_baseline else "model"
        _require_saved_model(path, role)
        shared = (factory or tfma.default_eval_shared_model)(
            eval_saved_model_path=str(path), model_name=spec.name, eval_config=config, add_metrics_callbacks=None
        )
        loaded = _loaded(shared, path, role)
        if factory is None:
            _check_signatures(loaded, spec, role)
        models.shared.append(shared)
        models.loaded.append(loaded)
    return models


def _require_saved_model(path: Path, role: str) -> None:
    if not any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt", "tflite", "model.json")):
        raise ArtifactError(
            "evaluator.no_saved_model",
            f"Expected a SavedModel for the {role} at {path}; found no saved_model.pb.",
            "The Trainer's run_fn must save the model to fn_args.serving_model_dir.",
        )


def _loaded(shared: Any, path: Path, role: str) -> Any:
    if shared.model_loader is None:
        return None  # a user's own kind of model, which their extractors load
    try:
        return shared.model_loader.load()
    except (OSError, ValueError, KeyError, RuntimeError, tf.errors.OpError) as error:
        code = "evaluator.baseline_unloadable" if shared.is_baseline else "evaluator.model_unloadable"
        raise ArtifactError(code, f"The {role} at {path} cannot be loaded: {error}") from error


def _check_signatures(model: Any, spec: Any, role: str) -> None:
    known = set(getattr(model, "signatures", None) or ())
    if not known:
        return
    wanted = [("signature_name", spec.signature_name)] if spec.signature_name else []
    wanted += [("preprocessing_function_names", name) for name in spec.preprocessing_function_names]
    for field, name in wanted:
        # TFMA also takes attributes of the model, dotted ones among them.
        if name not in known and not hasattr(model, name.split(".", maxsplit=1)[0]):
            raise UsageError(
                "eval_config.signature",
                f"eval_config's {field} '{name}' is not a signature of the {role}.",
                did_you_mean(name, known),
            )


def check_extracts(extracts: dict[str, Any], config: EvalConfig) -> None:
    """Check that a batch has the labels, weights and slicing features that the configuration names.

    TFMA leaves out what it does not find: a label that is missing fails deep inside a metric, a slicing feature that is
    missing makes no slice and no complaint.

    Raises:
        DataError: Something is missing; the closest name is given.
    """
    for spec in config.model_specs:
        features = _features(extracts, spec.name)
        keys = [("label_key", spec.label_key), ("example_weight_key", spec.example_weight_key)]
        keys += [("prediction_key", spec.prediction_key)] if constants.PREDICTIONS_KEY not in extracts else []
        for field, key in keys:
            if key and key not in features:
                raise _missing(f"{field} '{key}'", key, features)
    everywhere = set().union(*(_features(extracts, spec.name) for spec in config.model_specs))
    for index, slicing in enumerate(config.slicing_specs):
        for key in (*slicing.feature_keys, *slicing.feature_values):
            if key not in everywhere:
                raise _missing(f"feature '{key}' of slicing_specs[{index}]", key, everywhere)


def _features(extracts: dict[str, Any], model_name: str) -> set[str]:
    """Name the features that a model's specification can refer to: those of the data and those it makes."""
    transformed = extracts.get(constants.TRANSFORMED_FEATURES_KEY) or {}
    by_model = transformed.get(model_name)
    own = by_model if isinstance(by_model, dict) else transformed
    return {*(extracts.get(constants.FEATURES_KEY) or {}), *own} - _INTERNAL


def _missing(what: str, key: str, known: set[str]) -> DataError:
    return DataError(
        "evaluator.no_such_feature",
        f"eval_config names the {what}, which neither the examples nor the model's transformed features have.",
        did_you_mean(key, known),
    )


def run_pipeline(
    batches: Iterable[pa.RecordBatch],
    config: EvalConfig,
    models: Any,
    extractors: list[Any],
    output: Path,
    *,
    options: Sequence[str] = (),
) -> None:
    """Compute and write everything with `tfma.ExtractEvaluateAndWriteResults`.

    Args:
        batches: The examples as TFMA's batched input.
        config: The configuration with TFMA's defaults.
        models: One `EvalSharedModel`, a list of them, or None.
        extractors: TFMA's or the user's extractors.
        output: The folder for TFMA's files.
        options: Options of the Beam runner; the in-process runner by default.
    """
    with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
        _ = (
            pipeline
            | "Examples" >> beam.Create(list(batches), reshuffle=False)
            | "Evaluate"
            >> tfma.ExtractEvaluateAndWriteResults(
                eval_shared_model=models, eval_config=config, extractors=extractors, output_path=str(output)
            )
        )
