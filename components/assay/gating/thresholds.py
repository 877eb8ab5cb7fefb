"""The limits that an `EvalConfig` sets, each with the place where it is written.

TFMA folds the thresholds of a configuration into a dictionary that no longer knows where they came from; a verdict must
name that place, so the walk is done here. It gives the same limits for the same metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from assay.errors import UsageError
from assay.gating.metric_values import MetricKey
from assay.gating.slicing import Across, Slicing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from assay.gating.metric_values import Place
    from assay.gating.policy import Significant
    from assay.gating.verdict import Check

EvalConfig: TypeAlias = Any
"""A `tensorflow_model_analysis.EvalConfig` message; its generated module has no type stubs."""

Bound: TypeAlias = Literal["lower", "upper", "absolute", "relative"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricBound:
    """One bound on one metric.

    Attributes:
        metric: The metric that is held.
        slicing: The slices in which it is held; None for every slice that is computed.
        across: The pairs of slices whose difference is held, in place of a slice's own figure.
        bound: `lower` and `upper` hold the value itself (inclusive); `absolute` and `relative` the change from the
            baseline.
        value: The limit.
        higher_is_better: The direction of a change limit.
        origin: Where the limit is written.
        significant: What must be significant for it to block or to bless; None leaves that to the policy.
        of_both: Whether the metric itself compares the candidate with the baseline, as flip rates do.
    """

    metric: MetricKey
    slicing: Slicing | None
    across: Across | None = None
    bound: Bound
    value: float
    higher_is_better: bool = True
    origin: str
    significant: Significant | None = None
    of_both: bool = False

    @property
    def is_change(self) -> bool:
        """Whether the change from the baseline is held."""
        return self.bound in {"absolute", "relative"}

    @property
    def needs_baseline(self) -> bool:
        """Whether there is nothing to hold without a baseline."""
        return self.is_change or self.of_both

    @property
    def at_least(self) -> bool:
        """Whether the figure, or its change, must be at least the limit; else at most."""
        return self.bound == "lower" or (self.is_change and self.higher_is_better)


def limits_of(
    eval_config: EvalConfig,
    metric_name: Callable[[Any], str],
    significant: Mapping[str, Significant] | None = None,
) -> tuple[MetricBound, ...]:
    """Return every threshold of the configuration, in the order written.

    Args:
        eval_config: The configuration as the user wrote it, or with TFMA's defaults filled in.
        metric_name: Gives TFMA's name for a `MetricConfig` message, such as `auc` for class `AUC`.
        significant: By the place of a value or change threshold, what must be significant of it.

    Raises:
        UsageError: A threshold holds nothing, or a change threshold has no direction.
    """
    rules = significant or {}
    return tuple(
        replace(limit, significant=rules.get(limit.origin.rpartition(".")[0]))
        for index, spec in enumerate(eval_config.metrics_specs)
        for limit in _of_spec(eval_config, spec, f"eval_config.metrics_specs[{index}]", metric_name)
    )


def _of_spec(config: EvalConfig, spec: Any, origin: str, metric_name: Callable[[Any], str]) -> Iterator[MetricBound]:
    baselines = {model.name for model in config.model_specs if model.is_baseline} or {"baseline"}
    if spec.model_names and baselines.issuperset(spec.model_names):
        return  # a baseline is the measure; TFMA holds it to nothing either
    # Thresholds by name are for metrics that the model computes itself; TFMA leaves their weighting open.
    for name in sorted({*spec.thresholds, *spec.per_slice_thresholds, *spec.cross_slice_thresholds}):
        keys = list(_metric_keys(spec, name, [None]))
        if name in spec.thresholds:
            yield from _of_threshold(keys, spec.thresholds[name], f'{origin}.thresholds["{name}"]')
        if name in spec.per_slice_thresholds:
            per_slice = spec.per_slice_thresholds[name].thresholds
            yield from _of_slices(keys, per_slice, f'{origin}.per_slice_thresholds["{name}"].thresholds')
        if name in spec.cross_slice_thresholds:
            across = spec.cross_slice_thresholds[name].thresholds
            yield from _of_pairs(keys, across, f'{origin}.cross_slice_thresholds["{name}"].thresholds')
    for index, metric in enumerate(spec.metrics):
        place = f"{origin}.metrics[{index}]"
        if not (metric.HasField("threshold") or metric.per_slice_thresholds or metric.cross_slice_thresholds):
            continue
        keys = list(
            _metric_keys(spec, metric_name(metric), weightings(config, spec), marks_weight=both_weightings(config))
        )
        if metric.HasField("threshold"):
            yield from _of_threshold(keys, metric.threshold, f"{place}.threshold")
        yield from _of_slices(keys, metric.per_slice_thresholds, f"{place}.per_slice_thresholds")
        yield from _of_pairs(keys, metric.cross_slice_thresholds, f"{place}.cross_slice_thresholds")


def _of_slices(keys: list[MetricKey], per_slice: Any, origin: str) -> Iterator[MetricBound]:
    for index, threshold in enumerate(per_slice):
        place = f"{origin}[{index}]"
        if not threshold.slicing_specs:
            raise UsageError(
                "eval_config.slicing",
                f"{place} names no slicing_specs, so it checks no slice.",
                "Add slicing_specs {} for the whole data, or the features of the slices.",
            )
        for spec in threshold.slicing_specs:
            slicing = _slicing(spec, place)
            for limit in _of_threshold(keys, threshold.threshold, f"{place}.threshold"):
                yield replace(limit, slicing=slicing)


def _of_pairs(keys: list[MetricKey], across: Any, origin: str) -> Iterator[MetricBound]:
    for index, threshold in enumerate(across):
        place = f"{origin}[{index}]"
        if not threshold.cross_slicing_specs:
            raise UsageError(
                "eval_config.slicing",
                f"{place} names no cross_slicing_specs, so it checks no pair of slices.",
                "Add cross_slicing_specs with a baseline_spec and slicing_specs.",
            )
        for spec in threshold.cross_slicing_specs:
            pairs = Across(
                first=_slicing(spec.baseline_spec, place),
                others=tuple(_slicing(other, place) for other in spec.slicing_specs),
            )
            for limit in _of_threshold(keys, threshold.threshold, f"{place}.threshold"):
                yield replace(limit, across=pairs)


def _slicing(spec: Any, place: str) -> Slicing:
    if spec.slice_keys_sql:
        raise UsageError("eval_config.sql_slice", f"{place}: slices by SQL are not supported.", "Use features.")
    return Slicing(feature_keys=tuple(spec.feature_keys), feature_values=tuple(sorted(spec.feature_values.items())))


def _of_threshold(keys: list[MetricKey], threshold: Any, origin: str) -> Iterator[MetricBound]:
    bounds = [*_value_bounds(threshold, origin), *_change_bounds(threshold, origin)]
    if not bounds:
        raise UsageError(
            "eval_config.empty_threshold",
            f"{origin} sets no bound, so it checks nothing.",
            "Set value_threshold.lower_bound or upper_bound, or change_threshold.absolute or relative.",
        )
    for key, (bound, value, higher, place) in product(keys, bounds):
        yield MetricBound(
            metric=key, slicing=None, bound=bound, value=value, higher_is_better=higher, origin=f"{origin}.{place}"
        )


def _value_bounds(threshold: Any, origin: str) -> Iterator[tuple[Bound, float, bool, str]]:
    if not threshold.HasField("value_threshold"):
        return
    value = threshold.value_threshold
    if value.HasField("lower_bound"):
        yield "lower", value.lower_bound.value, True, "value_threshold.lower_bound"
    if value.HasField("upper_bound"):
        yield "upper", value.upper_bound.value, False, "value_threshold.upper_bound"
    if not value.HasField("lower_bound") and not value.HasField("upper_bound"):
        raise UsageError(
            "eval_config.empty_threshold",
            f"{origin}.value_threshold sets neither lower_bound nor upper_bound, so it checks nothing.",
            "Set one of them.",
        )


def _change_bounds(threshold: Any, origin: str) -> Iterator[tuple[Bound, float, bool, str]]:
    if not threshold.HasField("change_threshold"):
        return
    change = threshold.change_threshold
    if not change.HasField("absolute") and not change.HasField("relative"):
        raise UsageError(
            "eval_config.empty_threshold",
            f"{origin}.change_threshold sets neither absolute nor relative, so it checks nothing.",
            "Set one of them.",
        )
    direction = change.DESCRIPTOR.fields_by_name["direction"].enum_type.values_by_number[change.direction].name
    if direction == "UNKNOWN":
        raise UsageError(
            "eval_config.no_direction",
            f"{origin}.change_threshold has no direction, so every model would fail it.",
            "Set direction to HIGHER_IS_BETTER or LOWER_IS_BETTER.",
        )
    higher = direction == "HIGHER_IS_BETTER"
    if change.HasField("absolute"):
        yield "absolute", change.absolute.value, higher, "change_threshold.absolute"
    if change.HasField("relative"):
        yield "relative", change.relative.value, higher, "change_threshold.relative"


def _metric_keys(
    spec: Any, name: str, weightings: list[bool | None], *, marks_weight: bool = False
) -> Iterator[MetricKey]:
    """Return a key for each output, class or rank, and weighting: TFMA applies a threshold to each."""
    for output, (aggregation, sub_key), weighted in product(spec.output_names or [""], sub_keys(spec), weightings):
        yield MetricKey(
            name=name,
            output_name=output,
            sub_key=sub_key,
            aggregation=aggregation,
            example_weighted=weighted,
            marks_weight=marks_weight,
        )


def sub_keys(spec: Any) -> list[tuple[str, str]]:
    """Return (aggregation, sub key) pairs as TFMA makes them from `binarize` and `aggregate`."""
    pairs = []
    if spec.HasField("binarize"):
        binarize = spec.binarize
        pairs += [("", f"classId:{value}") for value in binarize.class_ids.values]
        pairs += [("", f"k:{value}") for value in binarize.k_list.values]
        pairs += [("", f"topK:{value}") for value in binarize.top_k_list.values]
    if spec.HasField("aggregate"):
        kind = (spec.aggregate.WhichOneof("type") or "").removesuffix("_average")
        tops = [f"topK:{value}" for value in spec.aggregate.top_k_list.values]
        pairs += [(kind, top) for top in tops or [""]]
    return pairs or [("", "")]


def weightings(config: EvalConfig, spec: Any) -> list[bool | None]:
    """Return whether a metrics spec counts examples by their weight; both if it asks for both."""
    if spec.HasField("example_weights"):
        chosen = spec.example_weights
        return [weighted for weighted, is_on in ((True, chosen.weighted), (False, chosen.unweighted)) if is_on]
    models = [model for model in config.model_specs if not spec.model_names or model.name in spec.model_names]
    return [any(_has_weight(model, spec) for model in models)]


def both_weightings(config: EvalConfig) -> bool:
    """Return whether metrics are computed with and without the examples' weights, so that names must say which."""
    return len({weighted for spec in config.metrics_specs for weighted in weightings(config, spec)}) > 1


def _has_weight(model: Any, spec: Any) -> bool:
    return bool(model.example_weight_key) or any(output in model.example_weight_keys for output in spec.output_names)


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """One limit in one slice.

    Attributes:
        limit: The limit.
        key: The slice, or pair of slices; None where the limit's slices were not computed.
        check: How the point estimate stands to the limit.
    """

    limit: MetricBound
    key: Place | None
    check: Check
