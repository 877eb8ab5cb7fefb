"""What TFMA makes of an `EvalConfig`: its defaults, its names for metrics, and what it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.metrics.metric_specs import tf_keras
from tensorflow_model_analysis.proto import config_pb2

from assay.errors import UsageError, did_you_mean
from assay.gating.thresholds import limits_of
from assay.protos import tfma as messages

if TYPE_CHECKING:
    from assay.gating.thresholds import EvalConfig


def as_tfmas(message: Any) -> Any:
    """Return a configuration, or a part of one, as TFMA's own class, which its functions take."""
    return getattr(config_pb2, message.DESCRIPTOR.name).FromString(message.SerializeToString(deterministic=True))


def with_defaults(config: EvalConfig, *, has_baseline: bool) -> EvalConfig:
    """Return the configuration as TFMA runs it, as TFX's Evaluator prepares it.

    With a baseline, a single model spec becomes `candidate` and `baseline`; without one, the baseline's spec and all
    change thresholds go.

    Raises:
        UsageError: TFMA refuses the configuration.
    """
    if config.cross_slicing_specs or any(limit.across for limit in limits_of(config, lambda one: str(one.class_name))):
        raise UsageError(
            "eval_config.cross_slice",
            "Cross-slice comparisons are not supported if TFMA computes everything.",
            "Remove cross_slicing_specs and cross_slice_thresholds, or whatever requires TFMA.",
        )
    prepared = as_tfmas(config)
    if has_baseline and len(prepared.model_specs) == 1:
        # TFMA adds the baseline only to a model spec without a name, and would otherwise never look at the baseline.
        prepared.model_specs[0].name = ""
        for spec in prepared.metrics_specs:
            del spec.model_names[:]
    prepared = tfma.utils.update_eval_config_with_defaults(prepared, has_baseline=has_baseline, rubber_stamp=True)
    try:
        tfma.utils.verify_eval_config(prepared)
    except ValueError as error:
        raise UsageError("eval_config.tfma", f"TFMA rejects eval_config: {error}") from error
    return messages.EvalConfig.FromString(prepared.SerializeToString(deterministic=True))


def check_metrics(config: EvalConfig) -> None:
    """Make every metric of the configuration once.

    Raises:
        UsageError: A metric's class is unknown (the closest name is given), or its settings are wrong.
    """
    for index, spec in enumerate(config.metrics_specs):
        for position, metric in enumerate(spec.metrics):
            place = f"eval_config.metrics_specs[{index}].metrics[{position}]"
            try:
                metric_name(metric)
            except (ValueError, TypeError, ImportError, AttributeError, NotImplementedError) as error:
                raise _unusable(metric, place, error) from error


def metric_name(metric: Any) -> str:
    """Return TFMA's name for a `MetricConfig`, such as `auc` for class `AUC`."""
    return str(metric_specs.metric_instance(as_tfmas(metric)).name)


def has_thresholds(config: EvalConfig) -> bool:
    """Return whether TFMA finds any threshold in the prepared configuration."""
    prepared = as_tfmas(config)
    return bool(tfma.metrics.metric_thresholds_from_metrics_specs(prepared.metrics_specs, eval_config=prepared))


def candidate_name(config: EvalConfig) -> str:
    """Return the name of the model that is judged, in the prepared configuration."""
    return next(str(spec.name) for spec in config.model_specs if not spec.is_baseline)


def baseline_name(config: EvalConfig) -> str | None:
    """Return the name of the baseline in the prepared configuration, or None where it has none."""
    return next((str(spec.name) for spec in config.model_specs if spec.is_baseline), None)


def _unusable(metric: Any, place: str, error: Exception) -> UsageError:
    known = {*metric_types.registered_metrics(), *_keras_metrics()}
    if metric.module or metric.class_name in known:
        return UsageError("eval_config.metric", f"{place}: {metric.class_name} cannot be created: {error}")
    return UsageError(
        "eval_config.unknown_metric",
        f"{place}: unknown metric '{metric.class_name}'.",
        did_you_mean(metric.class_name, known),
    )


def _keras_metrics() -> set[str]:
    return {name for name, value in vars(tf_keras.metrics).items() if isinstance(value, type)}
