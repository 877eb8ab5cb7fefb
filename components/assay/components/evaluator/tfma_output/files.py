"""Writing an evaluation's folder: configuration, metrics, plots, attributions and the validation result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.artifacts.formats.tfrecord import TFRecordWriter
from assay.components.evaluator.kernel_engine.plan import metric_name
from assay.components.evaluator.tfma_output.cross_slices import cross_slice_metrics
from assay.components.evaluator.tfma_output.eval_run import EVAL_RUN_FILE, write_eval_run
from assay.components.evaluator.tfma_output.keys import fill_metric_key, fill_slice_key
from assay.components.evaluator.tfma_output.prepared import baseline_of, candidate_of
from assay.components.evaluator.tfma_output.validation import MetricName, validation_result
from assay.components.evaluator.tfma_output.values import fill_metric_value, fill_plot
from assay.gating.figures import MetricKey, SliceKey, slice_order
from assay.kernels.metrics.metric import SumsMetric
from assay.native import metrics_for_slice_pb2

if TYPE_CHECKING:
    from pathlib import Path

    from assay.components.evaluator.kernel_engine.plan import PlannedMetric
    from assay.gating.limits import EvalConfig

# TFMA puts these plots of a model into one record without a name.
_UNNAMED_PLOTS = {"calibration_plot", "confusion_matrix_plot"}
VALIDATION_FILE = "validations.tfrecord"
TFMA_FILES = (
    EVAL_RUN_FILE,
    VALIDATION_FILE,
    *(f"{kind}-00000-of-00001.tfrecord" for kind in ("metrics", "plots", "attributions")),
)
"""The names of the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecords:
    """What TFMA's files say.

    Attributes:
        prepared: The configuration with TFMA's defaults.
        metrics: What was computed, by key.
        plots: The same of plots.
        values: By model name, slice and key, of metrics and plots; slices that are too small are left out.
        more: Records of another engine to be merged in: `MetricsForSlice` and `PlotsForSlice`.
        name_of: Gives a metric's name, for the thresholds.
        data_location: What was evaluated, for TFMA's display.
        model_locations: The models, by their part in it.
    """

    prepared: EvalConfig
    metrics: Mapping[MetricKey, PlannedMetric]
    plots: Mapping[MetricKey, PlannedMetric]
    values: Mapping[str, Mapping[SliceKey, Mapping[MetricKey, Any]]]
    more: tuple[Sequence[Any], Sequence[Any]] = ((), ())
    name_of: MetricName = metric_name
    data_location: str = ""
    model_locations: Mapping[str, str] = field(default_factory=dict)


def write_records(folder: Path, records: EvaluationRecords) -> None:
    """Writes the files that `tfma.load_eval_result`, `load_metrics`, `load_plots` and `load_validation_result` read."""
    write_eval_run(
        folder, records.prepared, data_location=records.data_location, model_locations=records.model_locations
    )
    slices = sorted({key for of_model in records.values.values() for key in of_model}, key=slice_order)
    metrics, plots, attributions = [], [], []
    pb2 = metrics_for_slice_pb2()
    others = [_by_slice(part) for part in records.more]
    for key in slices:
        metrics.append(_merged(_metrics(records, key), others[0], "metric_keys_and_values"))
        plots.append(_merged(_plots(records, key), others[1], "plot_keys_and_values"))
        attributions.append(pb2.AttributionsForSlice())
        fill_slice_key(attributions[-1].slice_key, key)
    figures = {
        model: {
            key: {one: value for one, value in of_slice.items() if one in records.metrics}
            for key, of_slice in of_model.items()
        }
        for model, of_model in records.values.items()
    }
    metrics += cross_slice_metrics(
        records.prepared,
        figures,
        lambda item, key, value: fill_metric_value(item, records.metrics[key].metric, value),
    )
    result = validation_result(records.prepared, _all_values(records), records.name_of)
    for kind, messages in (("metrics", metrics), ("plots", plots), ("attributions", attributions)):
        _write(folder / f"{kind}-00000-of-00001.tfrecord", messages)
    _write(folder / VALIDATION_FILE, [result])


def _metrics(records: EvaluationRecords, slice_key: SliceKey) -> Any:
    message = metrics_for_slice_pb2().MetricsForSlice()
    fill_slice_key(message.slice_key, slice_key)
    for model, key, planned, value in _of_slice(records, records.metrics, slice_key):
        # What compares two models is a difference to TFMA, and has none of its own.
        paired = isinstance(planned.metric, SumsMetric) and planned.metric.paired
        item = message.metric_keys_and_values.add()
        fill_metric_key(item.key, key, model, is_diff=paired)
        fill_metric_value(item.value, planned.metric, value)
        change = None if paired else _change(records, slice_key, model, key)
        if change is not None:
            item = message.metric_keys_and_values.add()
            fill_metric_key(item.key, key, model, is_diff=True)
            fill_metric_value(item.value, planned.metric, change)
    return message


def _change(records: EvaluationRecords, slice_key: SliceKey, model: str, key: MetricKey) -> Any:
    """Gives what a figure has changed from the baseline's, where both are numbers of the same shape."""
    baseline = baseline_of(records.prepared)
    if baseline is None or model == baseline:
        return None
    mine, theirs = (records.values[one].get(slice_key, {}).get(key) for one in (model, baseline))
    if mine is None or theirs is None:
        return None
    if isinstance(mine, Mapping):
        return {
            threshold: {
                pair: matrix.get(pair, 0.0) - theirs[threshold].get(pair, 0.0) for pair in {*matrix, *theirs[threshold]}
            }
            for threshold, matrix in mine.items()
        }
    with np.errstate(invalid="ignore"):  # infinity less infinity has no value, and NaN says so
        return np.asarray(mine) - np.asarray(theirs)


def _plots(records: EvaluationRecords, slice_key: SliceKey) -> Any:
    message = metrics_for_slice_pb2().PlotsForSlice()
    fill_slice_key(message.slice_key, slice_key)
    by_key: dict[bytes, Any] = {}
    for model, key, _, value in _of_slice(records, records.plots, slice_key):
        item = metrics_for_slice_pb2().PlotsForSlice.PlotKeyAndValue()
        fill_metric_key(item.key, key, model)
        if key.name in _UNNAMED_PLOTS:
            item.key.name = ""
        name = item.key.SerializeToString(deterministic=True)
        if name not in by_key:
            by_key[name] = message.plot_keys_and_values.add(key=item.key)
        fill_plot(by_key[name].value, value)
    return message


def _of_slice(
    records: EvaluationRecords, planned: Mapping[MetricKey, PlannedMetric], slice_key: SliceKey
) -> Iterator[tuple[str, MetricKey, PlannedMetric, Any]]:
    for model in dict.fromkeys([candidate_of(records.prepared), *records.values]):
        of_slice = records.values[model].get(slice_key, {})
        for key, one in planned.items():
            if key in of_slice:
                yield model, key, one, of_slice[key]


def _by_slice(messages: Sequence[Any]) -> dict[bytes, Any]:
    return {message.slice_key.SerializeToString(deterministic=True): message for message in messages}


def _merged(message: Any, others: Mapping[bytes, Any], items: str) -> Any:
    """Adds what another engine computed on the same slice."""
    other = others.get(message.slice_key.SerializeToString(deterministic=True))
    if other is not None:
        getattr(message, items).extend(getattr(other, items))
    return message


def _all_values(records: EvaluationRecords) -> dict[str, dict[SliceKey, dict[MetricKey, Any]]]:
    """Gives the figures of both engines, for the thresholds."""
    values = {
        model: {key: dict(of_slice) for key, of_slice in slices.items()} for model, slices in records.values.items()
    }
    for message in records.more[0]:
        for model, slice_key, key, value in numbers_of(message):
            values.setdefault(model, {}).setdefault(slice_key, {})[key] = value
    return values


def numbers_of(message: Any) -> Iterator[tuple[str, SliceKey, MetricKey, float]]:
    """Gives model, slice, key and value of every single number in a `MetricsForSlice`, without differences."""
    slice_key = tuple(
        (one.column, one.bytes_value.decode(errors="replace") if one.WhichOneof("kind") == "bytes_value"
         else getattr(one, one.WhichOneof("kind")))
        for one in message.slice_key.single_slice_keys
    )  # fmt: skip
    for item in message.metric_keys_and_values:
        if not item.key.is_diff and item.value.WhichOneof("type") == "double_value":
            yield item.key.model_name, slice_key, _metric_key(item.key), item.value.double_value.value


def _metric_key(key: Any) -> MetricKey:
    names = (("class_id", "classId"), ("k", "k"), ("top_k", "topK"))
    parts = [f"{name}:{getattr(key.sub_key, field).value}" for field, name in names if key.sub_key.HasField(field)]
    kinds = ("micro", "macro", "weighted_macro")
    return MetricKey(
        name=key.name,
        output_name=key.output_name,
        sub_key=",".join(parts),
        aggregation=next((kind for kind in kinds if getattr(key.aggregation_type, f"{kind}_average")), ""),
        example_weighted=key.example_weighted.value if key.HasField("example_weighted") else None,
    )


def _write(path: Path, messages: Sequence[Any]) -> None:
    with TFRecordWriter(path, compress=False) as writer:
        for message in messages:
            writer.write(message.SerializeToString(deterministic=True))
