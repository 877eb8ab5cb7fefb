"""Refusing, on the first batch, data that lacks what the configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorflow_model_analysis import constants

from assay.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from assay.gating.limits import EvalConfig

_INTERNAL = {constants.ARROW_INPUT_COLUMN}


def check_extracts(extracts: dict[str, Any], config: EvalConfig) -> None:
    """Checks that a batch has the labels, weights and slicing features that the configuration names.

    TFMA leaves out what it does not find: a label that is missing fails deep inside a metric, a slicing feature that is
    missing makes no slice and no complaint.

    Raises:
        DataError: Something is missing; the closest name is given.
    """
    for spec in config.model_specs:
        features = _features(extracts, spec.name)
        keys = [("label_key", spec.label_key), ("example_weight_key", spec.example_weight_key)]
        keys += [("prediction_key", spec.prediction_key)] if constants.PREDICTIONS_KEY not in extracts else []
        for field, key in keys:
            if key and key not in features:
                raise _missing(f"{field} '{key}'", key, features)
    everywhere = set().union(*(_features(extracts, spec.name) for spec in config.model_specs))
    for index, slicing in enumerate(config.slicing_specs):
        for key in (*slicing.feature_keys, *slicing.feature_values):
            if key not in everywhere:
                raise _missing(f"feature '{key}' of slicing_specs[{index}]", key, everywhere)


def _features(extracts: dict[str, Any], model_name: str) -> set[str]:
    """Names the features that a model's specification can refer to: those of the data and those it transforms."""
    transformed = extracts.get(constants.TRANSFORMED_FEATURES_KEY) or {}
    by_model = transformed.get(model_name)
    own = by_model if isinstance(by_model, dict) else transformed
    return {*(extracts.get(constants.FEATURES_KEY) or {}), *own} - _INTERNAL


def _missing(what: str, key: str, known: set[str]) -> DataError:
    return DataError(
        "evaluator.no_such_feature",
        f"eval_config names the {what}, which neither the examples nor the model's transformed features have.",
        did_you_mean(key, known),
    )
