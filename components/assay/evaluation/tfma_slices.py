"""The configuration as TFMA runs it, and its slices, pairs of slices and metrics as keys of TFMA's protos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from assay.gating.metric_values import MetricKey, SliceKey, slice_order
from assay.gating.slicing import Slicing
from assay.gating.thresholds import EvalConfig
from assay.protos import tfma

CANDIDATE_NAME, BASELINE_NAME = "candidate", "baseline"
Values = Mapping[str, Mapping[SliceKey, Mapping[MetricKey, Any]]]
"""By model name, slice and metric."""


def prepared_config(config: EvalConfig, *, has_baseline: bool) -> EvalConfig:
    """Return the configuration with TFMA's defaults, as TFX's Evaluator prepares it.

    With a baseline, a single model spec becomes `candidate` and `baseline`; without one, the baseline's spec and all
    change thresholds go, and a single model loses its name.
    """
    prepared = tfma.EvalConfig()
    prepared.CopyFrom(config)
    if not prepared.model_specs:
        prepared.model_specs.add()
    if has_baseline and len(prepared.model_specs) == 1:
        [candidate] = prepared.model_specs
        candidate.name = CANDIDATE_NAME
        baseline = prepared.model_specs.add()
        baseline.CopyFrom(candidate)
        baseline.name, baseline.is_baseline = BASELINE_NAME, True
        for spec in prepared.metrics_specs:
            del spec.model_names[:]
    if not has_baseline:
        kept = [spec for spec in prepared.model_specs if not spec.is_baseline]
        del prepared.model_specs[:]
        prepared.model_specs.extend(kept)
        for threshold in _thresholds(prepared):
            threshold.ClearField("change_threshold")
    names = [spec.name for spec in prepared.model_specs]
    if len(names) == 1:
        prepared.model_specs[0].name, names = "", [""]
    for spec in prepared.metrics_specs:
        if len(names) == 1 or not spec.model_names:
            del spec.model_names[:]
            spec.model_names.extend(names)
    return prepared


def candidate_of(prepared: EvalConfig) -> str:
    """Return the name of the model that is judged, in the prepared configuration."""
    return next(str(spec.name) for spec in prepared.model_specs if not spec.is_baseline)


def baseline_of(prepared: EvalConfig) -> str | None:
    """Return the name of the baseline in the prepared configuration, or None where it has none."""
    return next((str(spec.name) for spec in prepared.model_specs if spec.is_baseline), None)


def _thresholds(config: EvalConfig) -> Iterator[Any]:
    """Return every `MetricThreshold` that is set."""
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            if metric.HasField("threshold"):
                yield metric.threshold
            for listed in (*metric.per_slice_thresholds, *metric.cross_slice_thresholds):
                yield listed.threshold
        yield from spec.thresholds.values()
        for by_name in (spec.per_slice_thresholds, spec.cross_slice_thresholds):
            for thresholds in by_name.values():
                for listed in thresholds.thresholds:
                    yield listed.threshold


def fill_slice_key(message: Any, key: SliceKey) -> None:
    """Write a slice into a `SliceKey`."""
    for feature, value in key:
        single = message.single_slice_keys.add(column=feature)
        if isinstance(value, str):
            single.bytes_value = value.encode("utf-8", "surrogateescape")
        elif isinstance(value, int):
            single.int64_value = value
        else:
            single.float_value = value


def fill_metric_key(message: Any, key: MetricKey, model: str, *, is_diff: bool = False) -> None:
    """Write a metric's key into a `MetricKey` or a `PlotKey`, which has neither aggregation nor difference."""
    message.name, message.model_name, message.output_name = key.name, model, key.output_name
    for part in filter(None, key.sub_key.split(",")):
        kind, _, number = part.partition(":")
        field = {"classId": "class_id", "k": "k", "topK": "top_k"}[kind]
        getattr(message.sub_key, field).value = int(number)
    if key.example_weighted is not None:
        message.example_weighted.value = key.example_weighted
    if "aggregation_type" in message.DESCRIPTOR.fields_by_name:
        if key.aggregation:
            setattr(message.aggregation_type, f"{key.aggregation}_average", True)
        message.is_diff = is_diff


def pairs_of(spec: Any, values: Values) -> Iterator[tuple[SliceKey, SliceKey]]:
    """Return the pairs of slices that a `CrossSlicingSpec` compares; by default the first with all others."""
    first, others = as_slicing(spec.baseline_spec), [as_slicing(other) for other in spec.slicing_specs]
    slices = sorted({key for of_model in values.values() for key in of_model}, key=slice_order)
    for one in filter(first.matches, slices):
        for other in slices:
            if any(it.matches(other) for it in others) if others else not first.matches(other):
                yield one, other


def cross_slice_metrics(
    prepared: EvalConfig, values: Values, fill: Callable[[Any, MetricKey, Any], None]
) -> Iterator[Any]:
    """Return a `MetricsForSlice` for each pair of slices that `cross_slicing_specs` compare.

    Args:
        prepared: The configuration with TFMA's defaults.
        values: The figures.
        fill: Writes a metric's value into a `MetricValue`.
    """
    baseline = baseline_of(prepared)
    for spec in prepared.cross_slicing_specs:
        for first, second in pairs_of(spec, values):
            message = tfma.MetricsForSlice()
            fill_pair(message.cross_slice_key, first, second)
            for model, of_model in values.items():
                for key in of_model[first]:
                    difference = between(values, model, first, second, key)
                    if difference is None:
                        continue
                    item = message.metric_keys_and_values.add()
                    fill_metric_key(item.key, key, model)
                    fill(item.value, key, difference)
                    base = None if baseline in {None, model} else between(values, baseline, first, second, key)
                    if base is not None:
                        item = message.metric_keys_and_values.add()
                        fill_metric_key(item.key, key, model, is_diff=True)
                        fill(item.value, key, difference - base)
            yield message


def between(values: Values, model: str | None, first: SliceKey, second: SliceKey, key: MetricKey) -> Any:
    """Return the difference of a metric between two slices; None if it is unknown or not numeric."""
    one, other = (values.get(model or "", {}).get(at, {}).get(key) for at in (first, second))
    if one is None or other is None or isinstance(one, Mapping):
        return None
    return np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)


def fill_pair(message: Any, first: SliceKey, second: SliceKey) -> None:
    """Write a pair of slices into a `CrossSliceKey`."""
    message.SetInParent()
    message.baseline_slice_key.SetInParent()
    message.comparison_slice_key.SetInParent()
    fill_slice_key(message.baseline_slice_key, first)
    fill_slice_key(message.comparison_slice_key, second)


def as_slicing(spec: Any) -> Slicing:
    """Return TFMA's `SlicingSpec` as a value."""
    return Slicing(feature_keys=tuple(spec.feature_keys), feature_values=tuple(sorted(spec.feature_values.items())))
