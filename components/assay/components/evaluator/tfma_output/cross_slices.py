"""Slices compared with each other, as TFMA writes them: the figure of one less that of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from assay.components.evaluator.tfma_output.keys import fill_metric_key, fill_slice_key
from assay.components.evaluator.tfma_output.prepared import baseline_of
from assay.gating.figures import MetricKey, SliceKey, slice_order
from assay.gating.limits import EvalConfig
from assay.gating.slicing import Slicing
from assay.native import metrics_for_slice_pb2

Values = Mapping[str, Mapping[SliceKey, Mapping[MetricKey, Any]]]
"""By model name, slice and metric."""


def pairs_of(spec: Any, values: Values) -> Iterator[tuple[SliceKey, SliceKey]]:
    """Gives the pairs of slices that a `CrossSlicingSpec` compares: without others, all but those like the first."""
    first, others = as_slicing(spec.baseline_spec), [as_slicing(other) for other in spec.slicing_specs]
    slices = sorted({key for of_model in values.values() for key in of_model}, key=slice_order)
    for one in filter(first.matches, slices):
        for other in slices:
            if any(it.matches(other) for it in others) if others else not first.matches(other):
                yield one, other


def cross_slice_metrics(
    prepared: EvalConfig, values: Values, fill: Callable[[Any, MetricKey, Any], None]
) -> Iterator[Any]:
    """Gives a `MetricsForSlice` for each pair of slices that `cross_slicing_specs` compare.

    Args:
        prepared: The configuration with TFMA's defaults.
        values: The figures.
        fill: Writes a metric's value into a `MetricValue`.
    """
    baseline = baseline_of(prepared)
    for spec in prepared.cross_slicing_specs:
        for first, second in pairs_of(spec, values):
            message = metrics_for_slice_pb2().MetricsForSlice()
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
    """Gives a metric on one slice less that on another; None where it is not known, or no number or array of them."""
    one, other = (values.get(model or "", {}).get(at, {}).get(key) for at in (first, second))
    if one is None or other is None or isinstance(one, Mapping):
        return None
    return np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)


def fill_pair(message: Any, first: SliceKey, second: SliceKey) -> None:
    """Writes a pair of slices into a `CrossSliceKey`."""
    message.SetInParent()
    message.baseline_slice_key.SetInParent()
    message.comparison_slice_key.SetInParent()
    fill_slice_key(message.baseline_slice_key, first)
    fill_slice_key(message.comparison_slice_key, second)


def as_slicing(spec: Any) -> Slicing:
    """Gives TFMA's `SlicingSpec` as a value."""
    return Slicing(feature_keys=tuple(spec.feature_keys), feature_values=tuple(sorted(spec.feature_values.items())))
