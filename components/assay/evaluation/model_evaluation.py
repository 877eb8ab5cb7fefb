"""Evaluates models: metrics by the kernels, what those lack by TFMA, and the gate's verdict."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.data.tfrecord import read_records
from assay.engines.embedded.engine import EmbeddedEngine
from assay.errors import DataError, UsageError, argument
from assay.evaluation.config import GateConfig
from assay.evaluation.decision import Rules, decided, resampling_for
from assay.evaluation.files import METRICS_TABLE, write_for_people, write_metrics, write_metrics_table, write_tfma_files
from assay.evaluation.lint import LintFinding, lint, of_bounds, stop
from assay.evaluation.model_rows import no_model, predict_rows
from assay.evaluation.plan import EvaluationPlan, metric_name, plan_of
from assay.evaluation.request import EvaluationRequest, EvaluationResult
from assay.evaluation.slicing import absent_slices, is_cut
from assay.evaluation.table_evaluation import evaluate_predictions
from assay.evaluation.tfma_files import numbers_of
from assay.evaluation.tfma_slices import baseline_of, candidate_of, prepared_config
from assay.files import write_durably
from assay.gating.decision import decide
from assay.gating.thresholds import limits_of
from assay.models.predictor import ALL_CLASSES
from assay.models.saved_model import open_model
from assay.native import metrics_for_slice_pb2

if TYPE_CHECKING:
    from assay.evaluation.accumulation import Resampling
    from assay.evaluation.named_columns import Naming
    from assay.gating.metric_values import Figures, MetricKey, SliceKey
    from assay.gating.thresholds import EvalConfig

COMPUTED_BY = "computed_by.json"
"""The file that says which metric classes the kernels computed, and which TFMA."""

_SAVED_MODEL_TYPES = {"", "tf_keras", "tf_generic"}


def evaluate(work: EvaluationRequest, output: Path, rules: Rules | None = None) -> EvaluationResult:
    """Write TFMA's files, `metrics.parquet`, `summary.md` and `flips.parquet` to `output`, and return the verdict.

    Args:
        work: What to evaluate.
        output: Where the files go.
        rules: The gate's settings outside of the configuration.

    Raises:
        UsageError: A metric is unknown, or the configuration does not fit the model.
        DataError: The examples lack the label, or a feature to slice by.
        ArtifactError: A model cannot be loaded.
    """
    rules = rules or Rules()
    config = rules.applied_to(GateConfig(work.config, work.additions))
    plan = plan_of(work.config)
    reason = _why_tfma(work)
    if work.metrics_engine == "kernel" and (reason or plan.lacking):
        lacks = reason or f"{plan.lacking[0].place}: {plan.lacking[0].message}"
        raise UsageError(
            "evaluator.kernel",
            f"{argument('engine', 'kernel')} cannot evaluate this: {lacks}",
            f"Set {argument('engine', 'auto')}.",
        )
    if work.metrics_engine == "tfma" or reason:
        if config.additions.asks_for_evidence:
            raise UsageError(
                "evaluator.significant",
                f"eval_config asks for significance, which TFMA does not support: {reason or 'engine is tfma'}.",
                "Remove `significant`, or use the kernels engine.",
            )
        evaluated = _by_tfma(work, output, reason or "", config, rules)
    else:
        evaluated = _by_kernels(work, plan, output, config, rules)
    write_for_people(output, evaluated.verdict, evaluated.flips)
    named = [metric.class_name for spec in work.config.metrics_specs for metric in spec.metrics]
    by_kernel = [name for name in dict.fromkeys(named) if name not in evaluated.by_tfma]
    computed_by = json.dumps({"kernel": by_kernel, "tfma": list(evaluated.by_tfma)}, indent=2)
    write_durably(output / COMPUTED_BY, computed_by.encode())
    return evaluated


@dataclass(frozen=True, slots=True)
class _Part:
    """What TFMA computed for a configuration of what the kernels lack: its records, and whose they are."""

    metrics: tuple[Any, ...] = ()
    plots: tuple[Any, ...] = ()
    classes: tuple[str, ...] = ()
    name_of: Callable[[Any], str] = metric_name


def _by_kernels(
    work: EvaluationRequest, plan: EvaluationPlan, output: Path, config: GateConfig, rules: Rules
) -> EvaluationResult:
    findings = _lint(work)
    predictions = predict_rows(work.config, work.source, work.model, work.baseline)
    evaluation = evaluate_predictions(
        work.config, predictions, work.engine, resampling=_resampling(work, config, rules), lacking_elsewhere=True
    )
    prepared = prepared_config(work.config, has_baseline=predictions.keys.baseline is not None)
    part = _lacking(work, plan, prepared, predictions.naming)
    write_tfma_files(
        output,
        evaluation,
        more=(part.metrics, part.plots),
        name_of=part.name_of,
        data_location=work.recorded_data,
        model_locations=work.recorded_models,
    )
    figures = _with_numbers(evaluation.figures, prepared, part)
    write_metrics(output, evaluation, 1 - 2 * config.additions.policy.for_evidence().alpha, figures=figures)
    verdict, flips = decided(config, evaluation, predictions, rules, figures=figures, name_of=part.name_of)
    # What the kernels lack is not wrong here, and is reported below.
    waiting = {one.place for one in plan.lacking}
    notes = [f"warning: {finding.sentence}" for finding in findings if finding.place not in waiting]
    notes += [f"TFMA computed {', '.join(part.classes)}, which have no kernel."] if part.classes else []
    notes += _by_python(work)
    return EvaluationResult(verdict, evaluation.rows, evaluation.figures.examples, part.classes, tuple(notes), flips)


def _by_python(work: EvaluationRequest) -> Iterator[str]:
    """Name the models that TensorFlow's C API cannot run."""
    for model in (work.model, work.baseline):
        why = open_model(model).why_python if isinstance(model, Path) else None
        if why is not None and isinstance(model, Path) and model.is_dir():
            yield f"TensorFlow's C API, as TensorFlow Serving, cannot run the model at {model} ({why}); Python's did."


def _resampling(work: EvaluationRequest, config: GateConfig, rules: Rules) -> Resampling | None:
    if not config.additions.asks_for_evidence:
        return None
    threads = work.engine.threads if isinstance(work.engine, EmbeddedEngine) else 1
    return resampling_for(config, replace(rules.sampling, threads=threads))


def _lacking(work: EvaluationRequest, plan: EvaluationPlan, prepared: EvalConfig, naming: Naming | None) -> _Part:
    """Return TFMA's results for the metrics and plots that the kernels lack."""
    if not plan.lacking:
        return _Part()
    _check_tfma_slices(work)
    [first, *_] = plan.lacking
    only = f"{first.place}: TFMA alone computes {first.class_name}"
    if callable(work.model) or callable(work.baseline):
        raise UsageError("evaluator.tfma_only", f"{only}, which cannot call Python functions.")
    if naming is not None and not naming.is_tfmas:
        raise UsageError(
            "evaluator.tfma_only",
            f"{only}, and it numbers classes as each model's '{ALL_CLASSES}' has them; here they are named otherwise, "
            "or the models' orders differ.",
            f"Leave the metric out, or write lists and '{ALL_CLASSES}' in one order for both models.",
        )
    from assay.evaluation.tfma_config import metric_name as tfma_metric_name
    from assay.evaluation.tfma_engine import run_tfma

    places = {one.place for one in plan.lacking}
    reduced = type(prepared)()
    reduced.CopyFrom(prepared)
    for index, spec in enumerate(reduced.metrics_specs):
        kept = [
            metric
            for position, metric in enumerate(spec.metrics)
            if f"eval_config.metrics_specs[{index}].metrics[{position}]" in places
        ]
        del spec.metrics[:]
        spec.metrics.extend(kept)
    with tempfile.TemporaryDirectory(prefix="assay-tfma-") as folder:
        run_tfma(work, reduced, Path(folder))
        pb2 = metrics_for_slice_pb2()
        metrics = tuple(_messages(Path(folder), "metrics", pb2.MetricsForSlice))
        plots = tuple(_messages(Path(folder), "plots", pb2.PlotsForSlice))
    classes = tuple(dict.fromkeys(one.class_name for one in plan.lacking))
    return _Part(metrics, plots, classes, tfma_metric_name)


def _messages(folder: Path, kind: str, message: Any) -> Iterator[Any]:
    for path in sorted(folder.glob(f"{kind}-*.tfrecord")):
        for record in read_records(path):
            yield message.FromString(record)


def _with_numbers(figures: Figures, prepared: EvalConfig, part: _Part) -> Figures:
    """Add TFMA's numbers to the kernels'."""
    if not part.metrics:
        return figures
    candidate = {key: dict(of_slice) for key, of_slice in figures.candidate.items()}
    baseline = {key: dict(of_slice) for key, of_slice in (figures.baseline or {}).items()}
    of_model: dict[str | None, dict[SliceKey, dict[MetricKey, float]]] = {
        baseline_of(prepared): baseline,
        candidate_of(prepared): candidate,
    }
    for message in part.metrics:
        for model, key, metric, value in numbers_of(message):
            if key in candidate and model in of_model:
                of_model[model].setdefault(key, {})[metric] = value
    return replace(figures, candidate=candidate, baseline=None if figures.baseline is None else baseline)


def _by_tfma(work: EvaluationRequest, output: Path, reason: str, config: GateConfig, rules: Rules) -> EvaluationResult:
    from assay.evaluation import tfma_config
    from assay.evaluation.tfma_engine import read_figures, read_validation, run_tfma

    limits = limits_of(work.config, tfma_config.metric_name)
    stop(list(of_bounds(work.config, limits)))
    if callable(work.model) or callable(work.baseline):
        raise UsageError(
            "evaluator.tfma_function",
            "TFMA evaluates SavedModels, not Python functions.",
            f"Set {argument('engine', 'auto')}.",
        )
    _check_tfma_slices(work)
    tfma_config.check_metrics(work.config)
    prepared = tfma_config.with_defaults(work.config, has_baseline=work.baseline is not None)
    rows, examples = run_tfma(work, prepared, output)
    if not rows:
        where = work.data_location or "the splits"
        raise DataError("evaluator.no_examples", f"There are no examples to evaluate in {where}.")
    figures = read_figures(output, prepared, examples)
    write_metrics_table(output / METRICS_TABLE, figures)
    smallest = work.config.options.min_slice_size.value
    verdict = decide(
        limits,
        figures,
        policy=config.additions.policy.for_gate(),
        subjects=rules.subjects,
        waived=rules.waived,
        # A pipeline of TFMA's does not count the rows of slices, and leaves out small ones without a word.
        absent=absent_slices(work.config, {**examples, **figures.candidate}) if examples or smallest <= 1 else (),
        second_opinion=read_validation(output) if tfma_config.has_thresholds(prepared) else None,
    )
    classes = tuple(dict.fromkeys(metric.class_name for spec in work.config.metrics_specs for metric in spec.metrics))
    said = f"TFMA computed all metrics{f': {reason}' if reason else ''}."
    return EvaluationResult(verdict, rows, examples, classes, (said,))


def _check_tfma_slices(work: EvaluationRequest) -> None:
    for index, spec in enumerate(work.config.slicing_specs):
        for key in filter(is_cut, spec.feature_keys):
            raise UsageError(
                "evaluator.tfma_slices",
                f"slicing_specs[{index}] cuts by '{key}', which TFMA cannot do, but it must compute some "
                "of the metrics.",
                "Remove the metrics without a kernel (`assay gate lint` names them), or slice by values.",
            )


def check_configuration(work: EvaluationRequest) -> None:
    """Check what can be known before there are rows or a model: what an evaluation by the kernels rejects at once.

    Args:
        work: The configuration; whether there is a model and a baseline. Rows and models are not read.

    Raises:
        UsageError: The configuration cannot be evaluated.
    """
    loads = any(metric.module for spec in work.config.metrics_specs for metric in spec.metrics)
    if work.metrics_engine != "tfma" and not loads and _why_tfma(work) is None:
        _lint(work)


def _lint(work: EvaluationRequest) -> list[LintFinding]:
    if work.model is None and not any(spec.prediction_key for spec in work.config.model_specs):
        raise no_model()
    findings = lint(work.config, has_baseline_table=work.baseline is not None, of_model=True)
    stop(findings)
    return findings


def _why_tfma(work: EvaluationRequest) -> str | None:
    """Return what the kernels cannot do at all, if anything."""
    return next(_reasons(work), None)


def _reasons(work: EvaluationRequest) -> Iterator[str]:
    config = work.config
    if work.custom_eval_shared_model or work.custom_extractors:
        yield "the module has functions of TFMA's own"
    if config.options.compute_confidence_intervals.value:
        yield "options.compute_confidence_intervals asks for its intervals"
    for index, spec in enumerate(config.metrics_specs):
        if spec.output_names:
            yield f"metrics_specs[{index}].output_names is for a model with several outputs"
        if spec.thresholds or spec.per_slice_thresholds:
            yield f"metrics_specs[{index}] holds metrics that the model computes itself"
    yield from _reasons_of_models(work)


def _reasons_of_models(work: EvaluationRequest) -> Iterator[str]:
    for index, spec in enumerate(work.config.model_specs):
        place = f"model_specs[{index}]"
        several = [name for name in ("label_keys", "prediction_keys", "example_weight_keys") if getattr(spec, name)]
        if several:
            yield f"{place}.{several[0]} is for a model with several outputs"
        if spec.model_type not in _SAVED_MODEL_TYPES:
            yield f"{place} is of type {spec.model_type}"
        if any("@" in name for name in spec.preprocessing_function_names):
            yield f"{place} names preprocessing functions of its own"
    models = [model for model in (work.model, work.baseline) if isinstance(model, Path)]
    if os.environ.get("TF_USE_LEGACY_KERAS") and any((model / "keras_metadata.pb").is_file() for model in models):
        yield "the model brings metrics of its own"
