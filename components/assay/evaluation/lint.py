"""What is wrong with a configuration, found before anything is computed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from assay.display import visible
from assay.errors import UsageError, did_you_mean
from assay.evaluation.named_columns import class_columns
from assay.evaluation.plan import EvaluationPlan, is_known, metric_name, plan_of
from assay.evaluation.recipes import RECIPES, Recipe
from assay.evaluation.slicing import absent_slices, slicing_of, specs_of
from assay.evaluation.tables import keys_of, model_specs_of
from assay.gating.slicing import feature_of
from assay.gating.thresholds import limits_of
from assay.kernels.metrics.slices import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.engines.base import Source
    from assay.gating.metric_values import SliceKey
    from assay.gating.slicing import Slicing
    from assay.gating.thresholds import EvalConfig, MetricBound

_METRIC: Final = re.compile(r"eval_config\.metrics_specs\[(?P<spec>\d+)\]\.metrics\[(?P<metric>\d+)\]")

_CANNOT_WAIT: Final = {"unknown_metric", "same_name", "own_metric", "metric_config"}
Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LintFinding:
    """One thing that is wrong, or that would surprise.

    Attributes:
        code: A stable, machine-readable reason such as `unknown_metric`.
        severity: An `error` stops an evaluation; a `warning` is shown.
        place: Where in the configuration.
        message: What is wrong.
        hint: What to do.
    """

    code: str
    severity: Severity = "error"
    place: str
    message: str
    hint: str = ""

    @property
    def sentence(self) -> str:
        """Place, message and hint in one line."""
        return visible(f"{self.place}: {self.message} {self.hint}".rstrip())


def lint(
    config: EvalConfig,
    columns: Sequence[str] | None = None,
    *,
    has_baseline_table: bool = False,
    of_model: bool | None = None,
) -> list[LintFinding]:
    """Return everything that is wrong with evaluating predictions, or models, by this configuration.

    Args:
        config: The configuration. Thresholds without a bound or a direction do not get so far: reading it refuses them.
        columns: The columns of the data, where it is known.
        has_baseline_table: Whether there is a separate baseline: a table of its predictions, or a model.
        of_model: Whether models make the predictions; by default where no model spec names a `prediction_key`.
    """
    # Without rows nothing says whether a table or a model is judged: what only a table rules out is a warning then.
    may_be_model = of_model is None and columns is None
    if of_model is None:
        of_model = bool(config.model_specs) and not any(spec.prediction_key for spec in config.model_specs)
    plan = plan_of(config)
    findings = list(_of_models(config, of_model=of_model))
    findings += _of_metrics(plan, of_model=of_model or may_be_model)
    if not of_model:
        of_table = _of_specs(config)
        findings += (replace(one, severity="warning") for one in of_table) if may_be_model else of_table
        findings += _of_labels(config)
    findings += _of_limits(config, plan, has_baseline_table=has_baseline_table or of_model)
    if columns is not None:
        transformed = of_model and any(spec.preprocessing_function_names for spec in config.model_specs)
        if not transformed:  # else the models may make what the data lacks
            findings += _of_columns(config, plan, columns, has_baseline_table=has_baseline_table, of_model=of_model)
    return list(dict.fromkeys(findings))


def lint_rows(config: EvalConfig, source: Source) -> Iterator[LintFinding]:
    """Return which slices of `slicing_specs` no row is in.

    Args:
        config: The configuration.
        source: The rows, which have the features of all slices.
    """
    slicing = slicing_of(config)
    features = list(dict.fromkeys(name for spec in slicing for name in spec.features))
    found: set[SliceKey] = set()
    for shard in source.shards if features else ():
        for batch in shard.batches(features):
            found.update(key for cell in cells_of(batch, slicing).keys for key in cell)
    everywhere = any(limit.slicing is None and limit.across is None for limit in limits_of(config, metric_name))
    for absent in absent_slices(config, found) if features else ():
        yield LintFinding(
            code="empty_slice",
            severity="error" if everywhere else "warning",
            place="eval_config.slicing_specs",
            message=f"no row is in the slice {absent.name}"
            + (", so thresholds on every slice would fail every model." if everywhere else "."),
            hint="Check the spelling of the value." if absent.feature_values else "Check the feature.",
        )


def _of_models(config: EvalConfig, *, of_model: bool) -> Iterator[LintFinding]:
    try:
        if of_model:
            model_specs_of(config)
        else:
            keys_of(config)
    except UsageError as error:
        code = error.code.removeprefix("eval_config.")
        yield LintFinding(code=code, place="eval_config.model_specs", message=error.message, hint=error.hint)


def _of_metrics(plan: EvaluationPlan, *, of_model: bool) -> Iterator[LintFinding]:
    for one in plan.lacking:
        # The Evaluator leaves a model's metrics without a kernel to TFMA, which a table's predictions cannot be given.
        can_wait = one.code == "plot" or (of_model and one.code not in _CANNOT_WAIT)
        severity: Severity = "warning" if can_wait else "error"
        yield LintFinding(
            code=one.code, severity=severity, place=one.place, message=one.message, hint="" if can_wait else one.hint
        )
    if not (plan.metrics or plan.plots or plan.lacking):
        yield LintFinding(
            code="no_metrics", place="eval_config.metrics_specs", message="there is no metric to compute."
        )


def _of_specs(config: EvalConfig) -> Iterator[LintFinding]:
    models = {spec.name for spec in config.model_specs}
    for index, spec in enumerate(config.metrics_specs):
        place = f"eval_config.metrics_specs[{index}]"
        for name in spec.model_names:
            if name not in models:
                hint = did_you_mean(name, models - {""})
                message = f"there is no model spec named '{name}'."
                yield LintFinding(code="unknown_model", place=f"{place}.model_names", message=message, hint=hint)
        if spec.output_names:
            message = "a table of predictions has one output, so output_names do not match anything."
            yield LintFinding(code="output_names", place=f"{place}.output_names", message=message)
        for field in ("thresholds", "per_slice_thresholds"):
            for name in sorted(getattr(spec, field)):
                yield LintFinding(
                    code="threshold_by_name",
                    place=f'{place}.{field}["{name}"]',
                    message="thresholds by name are for metrics that the model computes itself, which a "
                    "table does not have.",
                    hint="Write the threshold with its metric.",
                )
        yield from _of_own_classes(spec, place)


def _of_labels(config: EvalConfig) -> Iterator[LintFinding]:
    labels = {spec.label_key for spec in config.model_specs} - {""}
    for index, spec in enumerate(config.model_specs):
        if spec.prediction_key in labels:
            yield LintFinding(
                code="prediction_is_label",
                place=f"eval_config.model_specs[{index}].prediction_key",
                message=f"'{spec.prediction_key}' is the label's column, so the predictions would be perfect.",
                hint="Name the column that holds the model's predictions.",
            )


def _of_own_classes(spec: Any, place: str) -> Iterator[LintFinding]:
    for position, metric in enumerate(spec.metrics):
        held = metric.HasField("threshold") or metric.per_slice_thresholds
        if held and any(f'"{key}"' in metric.config for key in ("class_id", "top_k")):
            yield LintFinding(
                code="threshold_on_class",
                place=f"{place}.metrics[{position}]",
                message="TFMA cannot match a threshold to a metric whose config names the class.",
                hint="Name the class in binarize of the metrics spec.",
            )


def _of_limits(config: EvalConfig, plan: EvaluationPlan, *, has_baseline_table: bool) -> Iterator[LintFinding]:
    limits = limits_of(config, metric_name)
    if not limits:
        message = "there is no threshold, so no model is checked (see no_thresholds)."
        yield LintFinding(code="no_thresholds", severity="warning", place="eval_config.metrics_specs", message=message)
    plots = {one.place for one in plan.lacking if one.code == "plot"} | {one.place for one in plan.plots}
    baseline = next((spec for spec in config.model_specs if spec.is_baseline), None)
    made = [(set(one.feature_keys), dict(one.feature_values)) for one in specs_of(config)] or [(set(), {})]
    for compared in {} if baseline or has_baseline_table else {one.place: one for one in plan.metrics if one.of_both}:
        message = "the metric compares two models, but there is no baseline, so it is not computed."
        yield LintFinding(code="no_baseline_spec", severity="warning", place=compared, message=message)
    for limit in limits:
        if limit.origin.startswith(tuple(f"{place}." for place in plots)):
            yield LintFinding(code="plot", place=limit.origin, message="a plot has no number to check.")
        if limit.is_change and baseline is None and not has_baseline_table:
            yield LintFinding(
                code="no_baseline_spec",
                severity="warning",
                place=limit.origin,
                message="a change threshold has no baseline to compare with: no model spec sets is_baseline.",
                hint="Add a model spec with is_baseline and a prediction_key, or give the baseline's predictions.",
            )
        held = [limit.slicing] if limit.across is None else [limit.across.first, *limit.across.others]
        for slicing in held:
            if slicing is not None and not any(_makes(keys, values, slicing) for keys, values in made):
                yield LintFinding(
                    code="slice_not_made",
                    place=limit.origin,
                    message=f"slicing_specs do not create the slice {slicing.name}, so the threshold "
                    "would fail every model.",
                    hint="Add the slice to slicing_specs.",
                )
        yield from _of_direction(limit)
    yield from of_bounds(config, limits)


def _of_direction(limit: MetricBound) -> Iterator[LintFinding]:
    """Find thresholds that no model can pass, or that none can fail."""
    if limit.bound == "relative" and limit.is_change and abs(limit.value) >= 1:
        yield LintFinding(
            code="relative_limit",
            severity="warning",
            place=limit.origin,
            message=f"a relative change of {limit.value:g} is {abs(limit.value) * 100:g} % of the baseline.",
            hint="Write 0.01 for 1 %.",
        )


def of_bounds(config: EvalConfig, limits: Sequence[MetricBound]) -> Iterator[LintFinding]:
    """Return what is wrong with thresholds by what their metrics can be, and by which way they improve.

    Args:
        config: The configuration.
        limits: Its limits.
    """
    for limit in limits:
        recipe = _recipe_of(config, limit)
        if not math.isfinite(limit.value):
            message = f"a threshold of {limit.value} has no effect."
            yield LintFinding(code="not_finite", place=limit.origin, message=message, hint="Write a number.")
        elif recipe is not None:
            yield from _of_range(limit, recipe)
            yield from _of_improvement(limit, limits, recipe)
        yield from _of_crossed(limit, limits)


def _recipe_of(config: EvalConfig, limit: MetricBound) -> Recipe | None:
    found = _METRIC.match(limit.origin)
    if found is None:
        return next((one for one in RECIPES.values() if one.name == limit.metric.name), None)
    metric = config.metrics_specs[int(found["spec"])].metrics[int(found["metric"])]
    return RECIPES.get(metric.class_name) if is_known(metric.module) else None


def _of_range(limit: MetricBound, recipe: Recipe) -> Iterator[LintFinding]:
    low, high, what = recipe.low, recipe.high, limit.metric.label
    if limit.across is not None or limit.bound == "absolute":
        low, high, what = recipe.low - recipe.high, recipe.high - recipe.low, f"a difference of {what}"
    if limit.bound == "relative" or low <= limit.value <= high:
        return
    passes = (limit.value < low) == limit.at_least
    yield LintFinding(
        code="out_of_range",
        place=limit.origin,
        message=f"{what} is always {_between(low, high)}, so {'every model passes' if passes else 'no model passes'} a "
        f"threshold of {limit.value:g}.",
        hint="Write a fraction of 1 instead of a percentage." if high == 1 else "Write a threshold within the range.",
    )


def _between(low: float, high: float) -> str:
    if math.isinf(high):
        return f"{low:g} or more"
    return f"{high:g} or less" if math.isinf(low) else f"between {low:g} and {high:g}"


def _of_improvement(limit: MetricBound, limits: Sequence[MetricBound], recipe: Recipe) -> Iterator[LintFinding]:
    """Find thresholds whose direction is wrong: they bless the models that they are meant to stop."""
    if not recipe.better or limit.across is not None:
        return
    wanted = recipe.better == "higher"
    if limit.is_change and limit.higher_is_better != wanted:
        written, meant = ("HIGHER", "LOWER") if limit.higher_is_better else ("LOWER", "HIGHER")
        yield LintFinding(
            code="wrong_direction",
            place=limit.origin,
            message=f"{recipe.better} values of {limit.metric.label} are better, but the direction is "
            f"{written}_IS_BETTER: a model that gets worse would pass.",
            hint=f"Set direction to {meant}_IS_BETTER, and check the sign of the threshold.",
        )
    others = (one for one in limits if one.metric == limit.metric and not one.is_change and one.at_least == wanted)
    if not limit.is_change and limit.at_least != wanted and next(others, None) is None:
        yield LintFinding(
            code="wrong_bound",
            severity="warning",
            place=limit.origin,
            message=f"{recipe.better} values of {limit.metric.label} are better, and only better models can fail this "
            "threshold.",
            hint=f"Set {'lower_bound' if wanted else 'upper_bound'} for the models that are not good enough.",
        )


def _of_crossed(limit: MetricBound, limits: Sequence[MetricBound]) -> Iterator[LintFinding]:
    if limit.bound != "lower":
        return
    place = (limit.metric, limit.slicing, limit.across)
    for other in limits:
        if (
            other.bound == "upper"
            and (other.metric, other.slicing, other.across) == place
            and other.value < limit.value
        ):
            yield LintFinding(
                code="crossed_bounds",
                place=limit.origin,
                message=f"the lower bound {limit.value:g} is above the upper bound {other.value:g} ({other.origin}), "
                "so no model passes.",
                hint="Swap the two bounds.",
            )


def _makes(keys: set[str], values: dict[str, Any], wanted: Slicing) -> bool:
    """Return whether a slicing spec can make a slice that the threshold is for."""
    wanted_values = dict(wanted.feature_values)
    by_feature = {feature_of(key): key for key in keys}  # `age=[20.0,40.0)` is a slice of `age[0,20,40]`
    if keys | set(values) != set(wanted.feature_keys) | {by_feature.get(name, name) for name in wanted_values}:
        return False
    return all(str(wanted_values[name]) == str(values[name]) for name in set(values) & set(wanted_values))


def _of_columns(
    config: EvalConfig, plan: EvaluationPlan, columns: Sequence[str], *, has_baseline_table: bool, of_model: bool
) -> Iterator[LintFinding]:
    known = set(columns)
    named = [
        (f"eval_config.model_specs[{index}].{field}", getattr(spec, field))
        for index, spec in enumerate(config.model_specs)
        for field in ("label_key", "example_weight_key", "prediction_key")
        if not (field == "prediction_key" and (of_model or (spec.is_baseline and has_baseline_table)))
    ]
    for index, slicing in enumerate(config.slicing_specs):
        place = f"eval_config.slicing_specs[{index}]"
        named += [(place, feature_of(name)) for name in (*slicing.feature_keys, *slicing.feature_values)]
    named += [(f"metric {one.key.label}", name) for one in plan.metrics for name in (one.query, one.gain)]
    keys = [spec.prediction_key for spec in config.model_specs if spec.prediction_key]
    others = [getattr(spec, field) for spec in config.model_specs for field in ("label_key", "example_weight_key")]
    by_class = {key for key in keys if len(class_columns(key, columns, filter(None, [*others, *keys]))) > 1}
    for place, name in named:
        if name and name not in known and not (name in by_class and place.endswith(".prediction_key")):
            yield LintFinding(
                code="no_such_column",
                place=place,
                message=f"the data has no column '{name}'.",
                hint=_meant(name, columns, keys),
            )


def _meant(name: str, columns: Sequence[str], keys: Sequence[str]) -> str:
    single = class_columns(name, columns) if name in keys else []
    if len(single) == 1:
        return f"A class alone has a column, '{name}.{single[0]}': write one for each of two classes or more."
    return did_you_mean(name, columns)


def stop(findings: Sequence[LintFinding]) -> None:
    """Raise where a finding is an error.

    Raises:
        UsageError: With all errors, one a line.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        more = "".join(f"\n{finding.sentence}" for finding in errors[1:])
        raise UsageError(f"eval_config.{errors[0].code}", errors[0].sentence + more)
