"""Write an evaluation's folder as TFMA does: configuration, metrics, plots, attributions and the validation result.

Equal inputs give an equal `eval_config.json`, on every machine and in every run: user code is named by its content,
since its path may be a step's temporary folder. TFMA's loaders take all of these names for display only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from google.protobuf import json_format

from assay.data.tfrecord import TFRecordWriter
from assay.evaluation.plan import metric_name
from assay.evaluation.tfma_slices import (
    BASELINE_NAME,
    CANDIDATE_NAME,
    baseline_of,
    candidate_of,
    cross_slice_metrics,
    fill_metric_key,
    fill_slice_key,
)
from assay.evaluation.tfma_validation import MetricName, validation_result
from assay.files import write_durably
from assay.gating.metric_values import MetricKey, SliceKey, slice_order
from assay.kernels.metrics.matrices import Matrices
from assay.kernels.metrics.metric import SumsMetric
from assay.kernels.metrics.plots import Buckets, confusion_counts
from assay.protos import tfma
from assay.spec.source_digest import module_digest

if TYPE_CHECKING:
    from assay.evaluation.plan import PlannedMetric
    from assay.gating.thresholds import EvalConfig
    from assay.kernels.metrics.values import AnyMetric

_COUNTS = ("true_positives", "true_negatives", "false_positives", "false_negatives")
EVAL_RUN_FILE: Final = "eval_config.json"
_PACKAGE: Final = "tensorflow-model-analysis"
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
    """Write the files that `tfma.load_eval_result`, `load_metrics`, `load_plots` and `load_validation_result` read."""
    write_eval_run(
        folder, records.prepared, data_location=records.data_location, model_locations=records.model_locations
    )
    slices = sorted({key for of_model in records.values.values() for key in of_model}, key=slice_order)
    metrics, plots, attributions = [], [], []
    others = [_by_slice(part) for part in records.more]
    for key in slices:
        metrics.append(_merged(_metrics(records, key), others[0], "metric_keys_and_values"))
        plots.append(_merged(_plots(records, key), others[1], "plot_keys_and_values"))
        attributions.append(tfma.AttributionsForSlice())
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
    message = tfma.MetricsForSlice()
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
    """Return the change of a metric from the baseline's, if both are numbers of the same shape."""
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
    message = tfma.PlotsForSlice()
    fill_slice_key(message.slice_key, slice_key)
    by_key: dict[bytes, Any] = {}
    for model, key, _, value in _of_slice(records, records.plots, slice_key):
        item = tfma.PlotsForSlice.PlotKeyAndValue()
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
    """Add what another engine computed on the same slice."""
    other = others.get(message.slice_key.SerializeToString(deterministic=True))
    if other is not None:
        getattr(message, items).extend(getattr(other, items))
    return message


def _all_values(records: EvaluationRecords) -> dict[str, dict[SliceKey, dict[MetricKey, Any]]]:
    """Return the metrics of both engines, for the thresholds."""
    values = {
        model: {key: dict(of_slice) for key, of_slice in slices.items()} for model, slices in records.values.items()
    }
    for message in records.more[0]:
        for model, slice_key, key, value in numbers_of(message):
            values.setdefault(model, {}).setdefault(slice_key, {})[key] = value
    return values


def numbers_of(message: Any) -> Iterator[tuple[str, SliceKey, MetricKey, float]]:
    """Return model, slice, key and value of every single number in a `MetricsForSlice`, without differences."""
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


def fill_metric_value(message: Any, metric: AnyMetric, value: Any) -> None:
    """Write a value into a `MetricValue`: a number, an array, or a confusion matrix of either kind."""
    if isinstance(value, Mapping):
        fill_class_matrices(message.multi_class_confusion_matrix_at_thresholds, value)
    elif isinstance(metric, SumsMetric) and metric.formula is confusion_counts:
        thresholds = [float(term.params[0]) for term in metric.terms[::4]]
        fill_confusions(message.confusion_matrix_at_thresholds, thresholds, np.asarray(value))
    elif np.ndim(value) == 0:
        message.double_value.value = float(value)
    else:
        array = np.asarray(value, dtype=np.float64)
        message.array_value.data_type = message.array_value.FLOAT64
        message.array_value.shape.extend(array.shape)
        message.array_value.float64_values.extend(array.reshape(-1).tolist())


def fill_confusions(message: Any, thresholds: list[float], counts: npt.NDArray[Any]) -> None:
    """Write (tp, tn, fp, fn) by threshold into a `ConfusionMatrixAtThresholds`, with TFMA's rates of them.

    A rate of nothing is what TFMA 0.52 makes of it, on both version lines; TFMA 0.47 divides, and a difference of two
    matrices, whose counts sum to nothing, has an accuracy of minus infinity.
    """
    tp, tn, fp, fn = (counts[:, column] for column in range(4))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(tp + fp > 0, tp / (tp + fp), 1.0)
        recall = np.where(tp + fn > 0, tp / (tp + fn), 0.0)
        rates = {
            "precision": precision,
            "recall": recall,
            "f1": np.where(precision + recall > 0, 2 * precision * recall / (precision + recall), 0.0),
            "accuracy": np.where(tp + tn + fp + fn > 0, (tp + tn) / (tp + tn + fp + fn), 0.0),
            "false_positive_rate": np.where(fp + tn > 0, fp / (fp + tn), 0.0),
            "false_omission_rate": np.where(fn + tn > 0, fn / (fn + tn), np.nan),
        }
    # Plots have a thousand thresholds in each slice: setting fields one by one would take longer than computing them.
    names = ("threshold", *_COUNTS, *rates)
    rounded = [round(threshold, 6) for threshold in thresholds]
    columns = [rounded, *(column.tolist() for column in (tp, tn, fp, fn, *rates.values()))]
    for row in zip(*columns, strict=True):
        message.matrices.add(**dict(zip(names, row, strict=True)))


def fill_class_matrices(message: Any, matrices: Mapping[float, Mapping[tuple[int, int], float]]) -> None:
    """Write weights by actual and predicted class into a `MultiClassConfusionMatrixAtThresholds`."""
    for threshold in sorted(matrices):
        matrix = message.matrices.add(threshold=threshold)
        for (actual, predicted), weight in sorted(matrices[threshold].items()):
            matrix.entries.add(actual_class_id=actual, predicted_class_id=predicted, num_weighted_examples=weight)


def fill_plot(message: Any, value: Any) -> None:
    """Write a plot's data into a `PlotData`."""
    if isinstance(value, Matrices):
        counts = np.stack([value.tp, value.tn, value.fp, value.fn], axis=1)
        fill_confusions(message.confusion_matrix_at_thresholds, value.thresholds.tolist(), counts)
    elif isinstance(value, Buckets):
        edges = [*value.edges.tolist(), float("inf")]
        columns = (value.weights.tolist(), value.labels.tolist(), value.predictions.tolist())
        buckets = message.calibration_histogram_buckets.buckets
        for low, high, weight, label, prediction in zip(edges[:-1], edges[1:], *columns, strict=True):
            bucket = buckets.add(lower_threshold_inclusive=low, upper_threshold_exclusive=high)
            bucket.num_weighted_examples.value = weight
            bucket.total_weighted_label.value = label
            bucket.total_weighted_refined_prediction.value = prediction
    else:
        fill_class_matrices(message.multi_class_confusion_matrix_at_thresholds, value)


def write_eval_run(
    folder: Path, prepared: EvalConfig, *, data_location: str = "", model_locations: Mapping[str, str] | None = None
) -> None:
    """Write the file.

    Args:
        folder: Where to.
        prepared: The configuration with TFMA's defaults.
        data_location: What was evaluated.
        model_locations: The models by their part in it, `candidate` and `baseline`; TFMA's loaders look for them by the
            names that the configuration gives them.
    """
    given = model_locations or {}
    names = {candidate_of(prepared): given.get(CANDIDATE_NAME, "<unknown>")}
    baseline = baseline_of(prepared)
    if baseline is not None:
        names[baseline] = given.get(BASELINE_NAME, "<unknown>")
    run = tfma.EvalRun(
        eval_config=_by_content(prepared),
        version=_tfma_version(),
        data_location=data_location or "<user provided PCollection>",
        file_format="<unknown>",
        model_locations=names,
    )
    # Sorted, for protobuf's maps come in any order.
    write_durably(folder / EVAL_RUN_FILE, json_format.MessageToJson(run, sort_keys=True).encode())


def _by_content(prepared: EvalConfig) -> EvalConfig:
    """Return the configuration with name and digest of each Python file in place of its path."""
    named = type(prepared)()
    named.CopyFrom(prepared)
    for spec in named.metrics_specs:
        for metric in spec.metrics:
            module = Path(metric.module)
            if module.suffix == ".py" and module.is_file():
                metric.module = f"{module.name}@{module_digest(module)}"
    return named


def _tfma_version() -> str:
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return "0.0.0"  # TFMA refuses a file without a version, and looks no further
