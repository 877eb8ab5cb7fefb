"""Evaluates tables of predictions: from a configuration and rows to the gate's figures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.errors import DataError, UsageError
from assay.evaluation.accumulation import BASELINE, CANDIDATE, PlannedMetrics, row_columns
from assay.evaluation.plan import EvaluationPlan, plan_of
from assay.evaluation.slicing import slicing_of
from assay.gating.metric_values import Figures, MetricKey, SliceKey
from assay.kernels.metrics.curves import AREAS
from assay.kernels.metrics.metric import CurveMetric
from assay.kernels.uncertainty.intervals import Interval, PairedShares, percentile_interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.engines.base import Engine
    from assay.evaluation.accumulation import ComputedMetrics, Resampling, RowSummary
    from assay.evaluation.files import Bounds
    from assay.evaluation.named_columns import Naming
    from assay.evaluation.tables import Keys, Predictions
    from assay.gating.thresholds import EvalConfig
    from assay.kernels.metrics.rows import Floats
    from assay.kernels.metrics.slices import CellKey
    from assay.kernels.uncertainty.row_means import ClosedForm


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEvaluation:
    """What came of a table.

    Attributes:
        figures: The metrics.
        rows: The number of rows evaluated.
        changes: By model, slice and metric, what each bootstrap replicate adds; empty without a bootstrap.
        trials: By slice and metric, of how many rows the candidate's rates are shares, where they are resampled.
        closed: By slice and metric, areas under ROC curves and means of losses with their errors.
        differing: By slice and metric, on how many of a rate's rows the models differ; see `ComputedMetrics`.
        config: The configuration.
        plan: What it asks for.
        values: By model, slice and metric, every value and plot as the kernels give it.
        keys: The columns that hold labels, weights and predictions.
        seen: What labels and predictions are like.
        naming: How the data names its classes; None where it does not.
        left_out: By slice and metric, how much weight a metric leaves out; only of metrics that leave rows out.
        cells: The number of rows by the slices that they are in, none included.
        doubt: Why it is not sure that the baseline's rows are the candidate's; empty where it is.
    """

    figures: Figures
    rows: int
    changes: Mapping[str, Mapping[SliceKey, Mapping[MetricKey, Floats]]]
    trials: Mapping[SliceKey, Mapping[MetricKey, float]]
    closed: Mapping[SliceKey, Mapping[MetricKey, ClosedForm]]
    differing: Mapping[SliceKey, Mapping[MetricKey, Floats]]
    config: EvalConfig
    plan: EvaluationPlan
    values: Mapping[str, Mapping[SliceKey, Mapping[MetricKey, Any]]]
    keys: Keys
    seen: RowSummary
    naming: Naming | None = None
    left_out: Mapping[SliceKey, Mapping[MetricKey, float]] = field(default_factory=dict)
    cells: Mapping[CellKey, int] = field(default_factory=dict)
    doubt: str = ""


def evaluate_predictions(
    config: EvalConfig,
    predictions: Predictions,
    engine: Engine,
    *,
    resampling: Resampling | None = None,
    lacking_elsewhere: bool = False,
) -> TableEvaluation:
    """Compute every metric of the configuration in every slice, for one model or two.

    A slice of fewer rows than `options.min_slice_size` has no figures, as with TFMA.

    Args:
        config: The configuration.
        predictions: The rows.
        engine: Who reads them.
        resampling: What to bootstrap, if anything.
        lacking_elsewhere: Whether somebody else computes what the kernels lack.

    Raises:
        UsageError: The configuration asks for a metric that the kernels do not compute.
        DataError: The table lacks a column, or has no rows.
    """
    plan = plan_of(config)
    for missing in plan.lacking:
        if missing.code != "plot" and not lacking_elsewhere:
            code = f"eval_config.{'metric' if missing.code == 'setting' else missing.code}"
            raise UsageError(code, f"{missing.place}: {missing.message}", missing.hint)
    keys = predictions.keys
    columns = row_columns(keys.label, keys.weight, keys.candidate, keys.baseline, slicing_of(config))
    computed = engine.reduce(predictions.source, PlannedMetrics([*plan.metrics, *plan.plots], columns, resampling))
    if not computed.rows:
        raise DataError(
            "evaluator.no_examples", "There are no examples to evaluate.", "Check that it is the right split or file."
        )
    plots = frozenset(one.key for one in plan.plots)
    smallest = config.options.min_slice_size.value
    figures = figures_of(computed, has_baseline=keys.baseline is not None, smallest=smallest, plots=plots)
    return TableEvaluation(
        figures=figures,
        rows=computed.rows,
        changes=computed.changes,
        trials=computed.trials,
        closed=computed.closed,
        differing=computed.differing,
        config=config,
        plan=plan,
        values=computed.values,
        keys=keys,
        seen=computed.seen,
        naming=predictions.naming,
        left_out=computed.left_out,
        cells=computed.cells,
        doubt=predictions.doubt,
    )


def bounds_of(evaluation: TableEvaluation, confidence: float = 0.95) -> Bounds:
    """Return bounds of each resampled metric, and of its change from the baseline.

    Wilson's and Tango's for rates, DeLong's for areas under ROC curves and Hall's for means of losses, wherever their
    counts are known; else percentiles of a paired bootstrap.
    """
    bounds: dict[tuple[str, SliceKey, MetricKey], tuple[float, float]] = {}
    figures = evaluation.figures
    theirs = evaluation.changes.get(BASELINE, {})
    for model, slices in ((CANDIDATE, figures.candidate), (BASELINE, figures.baseline or {})):
        for key, metrics in slices.items():
            for metric, value in metrics.items():
                replicates = evaluation.changes.get(model, {}).get(key, {}).get(metric)
                if replicates is None:
                    continue
                _put(bounds, (model, key, metric), _of_value(evaluation, key, metric, model, confidence))
                if model == CANDIDATE and metric in theirs.get(key, {}) and figures.baseline is not None:
                    baseline = figures.baseline[key][metric]
                    shares = shares_of(evaluation, key, metric)
                    _put(
                        bounds,
                        ("change", key, metric),
                        percentile_interval(value - baseline, replicates - theirs[key][metric], confidence)
                        if shares is None
                        else shares.interval(confidence),
                    )
    for key, of_slice in evaluation.closed.items():
        for metric, form in of_slice.items() if key in figures.candidate else ():
            _put(bounds, (CANDIDATE, key, metric), form.estimate().interval(confidence))
            if figures.baseline is not None:
                _put(bounds, (BASELINE, key, metric), form.estimate(1).interval(confidence))
                _put(bounds, ("change", key, metric), form.difference().interval(confidence))
    return bounds


def _of_value(evaluation: TableEvaluation, key: SliceKey, metric: MetricKey, model: str, confidence: float) -> Interval:
    slices = evaluation.figures.candidate if model == CANDIDATE else (evaluation.figures.baseline or {})
    value, trials = slices[key][metric], evaluation.trials.get(key, {}).get(metric)
    # The rows that a rate is a share of are the baseline's too where the models do not choose them.
    if trials and (model == CANDIDATE or metric in evaluation.differing.get(key, {})):
        return wilson_interval(value * trials, trials, confidence)
    found = percentile_interval(value, evaluation.changes[model][key][metric], confidence)
    # What no sample of these rows changes, a perfect score of three rows say, tells nothing of other rows.
    if not found.lower < found.upper:
        return Interval(math.nan, math.nan)
    # Replicates of areas come from bins of scores, whose rounding may leave the range of the area.
    kernels = (one.metric for one in evaluation.plan.metrics if one.key == metric)
    is_area = any(isinstance(one, CurveMetric) and one.formula in AREAS for one in kernels)
    return Interval(max(found.lower, 0.0), min(found.upper, 1.0)) if is_area else found


def shares_of(evaluation: TableEvaluation, key: SliceKey, metric: MetricKey) -> PairedShares | None:
    """Return how many rows each model alone got right, if a metric is a share of the same rows for both."""
    trials = evaluation.trials.get(key, {}).get(metric)
    differing = evaluation.differing.get(key, {}).get(metric)
    baseline = (evaluation.figures.baseline or {}).get(key, {})
    candidate = evaluation.figures.candidate.get(key, {})
    if not trials or differing is None or metric not in baseline or metric not in candidate:
        return None
    counted, predicted = (float(number) for number in np.ravel(differing))
    first = (counted + trials * (candidate[metric] - baseline[metric])) / 2
    # Labels between 0 and 1 count in parts, for which there is no such test; NaN is not a count either.
    if math.isnan(first) or any(abs(number - round(number)) > 1e-6 for number in (first, counted)):
        return None
    return PairedShares(
        first_only=round(first), second_only=round(counted - first), trials=trials, alike=predicted == 0
    )


def _put(
    bounds: dict[tuple[str, SliceKey, MetricKey], tuple[float, float]],
    place: tuple[str, SliceKey, MetricKey],
    interval: Interval,
) -> None:
    if not math.isnan(interval.lower):
        bounds[place] = interval.lower, interval.upper


def figures_of(
    computed: ComputedMetrics, *, has_baseline: bool, smallest: int = 0, plots: frozenset[MetricKey] = frozenset()
) -> Figures:
    """Return the gate's metrics, without those of slices of fewer rows than `smallest`."""
    kept = {key for key, count in computed.examples.items() if count >= smallest}
    candidate, not_numbers = _numbers(computed.values[CANDIDATE], kept, plots)
    return Figures(
        candidate=candidate,
        baseline=_numbers(computed.values[BASELINE], kept, plots)[0] if has_baseline else None,
        not_numbers=not_numbers,
        examples=computed.examples,
        why=computed.why.get(CANDIDATE, {}),
        baseline_why=computed.why.get(BASELINE, {}),
    )


def _numbers(
    values: Mapping[SliceKey, Mapping[MetricKey, Any]], kept: set[SliceKey], plots: frozenset[MetricKey]
) -> tuple[dict[SliceKey, dict[MetricKey, float]], dict[SliceKey, frozenset[MetricKey]]]:
    """Parts metrics with a single number from others."""
    figures: dict[SliceKey, dict[MetricKey, float]] = {}
    others: dict[SliceKey, frozenset[MetricKey]] = {}
    for key, of_slice in values.items():
        if key not in kept:
            continue
        single = {metric: float(value) for metric, value in of_slice.items() if _is_number(value)}
        figures[key] = single
        rest = frozenset(of_slice) - frozenset(single) - plots
        if rest:
            others[key] = rest
    return figures, others


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) or (isinstance(value, np.ndarray) and value.ndim == 0)
