"""TFMA's decision on the thresholds of a configuration: its `ValidationResult`.

The gate decides by its own checks, which know more (policies, evidence, waivers). This is what TFMA's validator makes
of the same figures, for those who read its file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from assay.evaluation.plan import metric_name
from assay.evaluation.tfma_slices import (
    Values,
    as_slicing,
    baseline_of,
    between,
    fill_metric_key,
    fill_pair,
    fill_slice_key,
    pairs_of,
)
from assay.gating.metric_values import MetricKey, SliceKey, slice_order
from assay.gating.slicing import Slicing
from assay.gating.thresholds import EvalConfig, sub_keys, weightings
from assay.protos import tfma

MetricName = Callable[[Any], str]
"""Returns TFMA's name of a `MetricConfig`."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A threshold on one metric of one model.

    Attributes:
        model: The model's name.
        key: The metric.
        is_change: Whether the change from the baseline is held.
        spec: The `SlicingSpec` of the slices, or None for all.
        threshold: A `GenericValueThreshold` or a `GenericChangeThreshold`.
    """

    model: str
    key: MetricKey
    is_change: bool
    spec: Any
    threshold: Any

    @property
    def slicing(self) -> Slicing:
        """The slices that it is for; without a spec TFMA asks, in the end, for the whole data."""
        if self.spec is None:
            return Slicing()
        return as_slicing(self.spec)


def validation_result(prepared: EvalConfig, values: Values, name_of: MetricName = metric_name) -> Any:
    """Return the `ValidationResult` of metrics.

    Args:
        prepared: The configuration with TFMA's defaults.
        values: The figures of every model that it names.
        name_of: Gives a metric's name; TFMA's own where it computed some.
    """
    baseline = baseline_of(prepared)
    held = list(_thresholds(prepared, baseline, name_of))
    result = tfma.ValidationResult(validation_ok=bool(held))
    result.missing_thresholds = not held
    slices = sorted({key for of_model in values.values() for key in of_model}, key=slice_order)
    matches: dict[Slicing, int] = {}
    for slice_key in slices:
        matched: dict[Slicing, None] = {}
        failures = list(_failures(held, slice_key, values, baseline, matched))
        matches.update((slicing, matches.get(slicing, 0) + 1) for slicing in matched)
        if failures:
            validation = result.metric_validations_per_slice.add()
            fill_slice_key(validation.slice_key, slice_key)
            validation.failures.extend(failures)
            result.validation_ok = False
    specs = {one.slicing: one.spec for one in reversed(held)}
    for slicing, count in matches.items():
        details = result.validation_details.slicing_details.add(num_matching_slices=count)
        details.slicing_spec.SetInParent()
        if specs[slicing] is not None:
            details.slicing_spec.CopyFrom(specs[slicing])
    for slicing in dict.fromkeys(one.slicing for one in held):
        if slicing not in matches:
            missing = result.missing_slices.add()
            if specs[slicing] is not None:
                missing.CopyFrom(specs[slicing])
            result.validation_ok = False
    _add_pairs(result, list(_across(prepared, baseline, name_of)), values, baseline)
    return result


def _add_pairs(result: Any, held: list[_Held], values: Values, baseline: str | None) -> None:
    """Add the results of cross-slice thresholds: failures by pair, and missing pairs."""
    for one in held:
        result.missing_thresholds = False
        pairs = list(pairs_of(one.spec, values))
        if not pairs:
            result.missing_cross_slices.append(one.spec)
        for first, second in pairs:
            mine, theirs = (between(values, model, first, second, one.key) for model in (one.model, baseline))
            known = mine is not None and (not one.is_change or theirs is not None)
            observed = _number(mine) - (_number(theirs) if one.is_change else 0.0)
            if not (known and _holds(one, observed, theirs)):
                validation = result.metric_validations_per_slice.add()
                fill_pair(validation.cross_slice_key, first, second)
                validation.failures.append(_failure(one, observed if known else None))
        details = result.validation_details.slicing_details.add(num_matching_slices=len(pairs))
        details.cross_slicing_spec.CopyFrom(one.spec)
    failed = any(one.HasField("cross_slice_key") for one in result.metric_validations_per_slice)
    only_pairs = held and not result.missing_slices and not result.metric_validations_per_slice
    result.validation_ok = bool((result.validation_ok or only_pairs) and not failed and not result.missing_cross_slices)


def _failures(
    held: list[_Held], slice_key: SliceKey, values: Values, baseline: str | None, matched: dict[Slicing, None]
) -> Iterator[Any]:
    said = set()
    for one in held:
        mine = values.get(one.model, {}).get(slice_key, {}).get(one.key)
        theirs = values.get(baseline or "", {}).get(slice_key, {}).get(one.key)
        known = mine is not None and (not one.is_change or theirs is not None)
        if known:
            if one.spec is not None and not one.slicing.matches(slice_key):
                continue
            matched[one.slicing] = None
            observed = _number(mine) - _number(theirs) if one.is_change else _number(mine)
            if _holds(one, observed, theirs):
                continue
        if (one.model, one.key, one.is_change, one.threshold.SerializeToString()) in said:
            continue  # the same threshold for two slicing specs that both match
        said.add((one.model, one.key, one.is_change, one.threshold.SerializeToString()))
        yield _failure(one, observed if known else None)


def _failure(one: _Held, observed: float | None) -> Any:
    failure = tfma.ValidationFailure()
    fill_metric_key(failure.metric_key, one.key, one.model, is_diff=one.is_change)
    field = "change_threshold" if one.is_change else "value_threshold"
    getattr(failure.metric_threshold, field).CopyFrom(one.threshold)
    if observed is not None:
        failure.metric_value.double_value.value = observed
    else:
        failure.message = "Metric not found."
    return failure


def _holds(one: _Held, observed: float, baseline: Any) -> bool:
    threshold = one.threshold
    if not one.is_change:
        lower = threshold.lower_bound.value if threshold.HasField("lower_bound") else -math.inf
        upper = threshold.upper_bound.value if threshold.HasField("upper_bound") else math.inf
        return bool(lower <= observed <= upper)
    kinds = threshold.DESCRIPTOR.fields_by_name["direction"].enum_type.values_by_name
    higher = threshold.direction == kinds["HIGHER_IS_BETTER"].number
    sizes = []
    if threshold.HasField("absolute"):
        sizes.append((observed, threshold.absolute.value))
    if threshold.HasField("relative"):
        base = _number(baseline)
        sizes.append((math.nan if math.isclose(base, 0.0) else observed / base, threshold.relative.value))
    return all(size >= limit if higher else size <= limit for size, limit in sizes)


def _number(value: Any) -> float:
    """Return a metric as a number; NaN, which meets no threshold, if it is not a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _thresholds(prepared: EvalConfig, baseline: str | None, name_of: MetricName) -> Iterator[_Held]:
    for spec in prepared.metrics_specs:
        for name, threshold in sorted(spec.thresholds.items()):
            yield from _of(_keys(spec, name, [None], baseline), None, threshold)
        for name, listed in sorted(spec.per_slice_thresholds.items()):
            yield from _of_slices(_keys(spec, name, [None], baseline), listed.thresholds)
    for spec in prepared.metrics_specs:
        for metric in spec.metrics:
            keys = _keys(spec, name_of(metric), weightings(prepared, spec), baseline)
            if metric.HasField("threshold"):
                yield from _of(keys, None, metric.threshold)
            yield from _of_slices(keys, metric.per_slice_thresholds)


def _across(prepared: EvalConfig, baseline: str | None, name_of: MetricName) -> Iterator[_Held]:
    for spec in prepared.metrics_specs:
        for metric in spec.metrics:
            keys = _keys(spec, name_of(metric), weightings(prepared, spec), baseline)
            for one in metric.cross_slice_thresholds:
                for pairs in one.cross_slicing_specs:
                    yield from _of(keys, pairs, one.threshold)


def _of_slices(keys: list[tuple[str, MetricKey]], listed: Any) -> Iterator[_Held]:
    for one in listed:
        for spec in one.slicing_specs:
            yield from _of(keys, spec, one.threshold)


def _keys(spec: Any, name: str, weights: list[bool | None], baseline: str | None) -> list[tuple[str, MetricKey]]:
    models = [model for model in spec.model_names if model != baseline]
    parts = product(models, spec.output_names or [""], sub_keys(spec), weights)
    return [
        (
            model,
            MetricKey(
                name=name, output_name=output, sub_key=sub_key, aggregation=aggregation, example_weighted=weighted
            ),
        )
        for model, output, (aggregation, sub_key), weighted in parts
    ]


def _of(keys: list[tuple[str, MetricKey]], spec: Any, threshold: Any) -> Iterator[_Held]:
    for model, key in keys:
        if threshold.HasField("value_threshold"):
            yield _Held(model, key, is_change=False, spec=spec, threshold=threshold.value_threshold)
        if threshold.HasField("change_threshold"):
            yield _Held(model, key, is_change=True, spec=spec, threshold=threshold.change_threshold)
