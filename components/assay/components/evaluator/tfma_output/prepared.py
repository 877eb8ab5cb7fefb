"""The configuration as TFMA runs it, and writes it beside its figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.gating.limits import EvalConfig
from assay.native import eval_config_pb2

CANDIDATE_NAME, BASELINE_NAME = "candidate", "baseline"


def prepared_config(config: EvalConfig, *, has_baseline: bool) -> EvalConfig:
    """Gives the configuration with TFMA's defaults, as TFX's Evaluator prepares it.

    With a baseline, a single model spec becomes `candidate` and `baseline`; without one, the baseline's spec and all
    change thresholds go, and a single model loses its name.
    """
    prepared = eval_config_pb2().EvalConfig()
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
    """Gives the name of the model that is judged, in the prepared configuration."""
    return next(str(spec.name) for spec in prepared.model_specs if not spec.is_baseline)


def baseline_of(prepared: EvalConfig) -> str | None:
    """Gives the name of the baseline in the prepared configuration, or None where it has none."""
    return next((str(spec.name) for spec in prepared.model_specs if spec.is_baseline), None)


def _thresholds(config: EvalConfig) -> Iterator[Any]:
    """Gives every `MetricThreshold` that is set."""
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
