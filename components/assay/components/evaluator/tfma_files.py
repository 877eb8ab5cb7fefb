"""The files of an evaluation: TFMA's own, and the metrics as a table for everyone else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import metrics_for_slice_pb2, validation_result_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as tfma_writer

from assay.artifacts.formats.tfrecord import TFRecordWriter, read_records
from assay.components.evaluator.tfma_config import baseline_name, candidate_name
from assay.components.evaluator.tfma_parts import filter_by_key_type
from assay.gating.figures import Figures, MetricKey, SliceKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from assay.components.evaluator.in_process import SlicedMetrics
    from assay.gating.limits import EvalConfig

_VALIDATIONS = f"{constants.VALIDATIONS_KEY}.tfrecord"


def write_evaluation(folder: Path, sliced: SlicedMetrics, config: EvalConfig) -> None:
    """Writes metrics, plots, attributions and the validation result as TFMA's writers do."""
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
    """Reads TFMA's own decision."""
    [record] = read_records(folder / _VALIDATIONS)
    return bool(validation_result_pb2.ValidationResult.FromString(record).validation_ok)


def read_figures(folder: Path, config: EvalConfig, examples: Mapping[SliceKey, int] | None = None) -> Figures:
    """Reads the metrics of candidate and baseline from TFMA's files.

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
