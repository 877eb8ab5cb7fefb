"""Examples and models as a table of predictions: the columns that a configuration needs, made row by row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import ArtifactError, UsageError
from assay.evaluation.named_columns import NamedRows
from assay.evaluation.naming import name_classes
from assay.evaluation.plan import plan_of
from assay.evaluation.slicing import slicing_of, specs_of
from assay.evaluation.tables import Keys, Predictions, model_specs_of
from assay.gating.slicing import feature_of
from assay.models.predictor import JudgedModel, PredictedRows, Predictor

if TYPE_CHECKING:
    from assay.engines.base import Source
    from assay.gating.thresholds import EvalConfig
    from assay.models.predictor import Predict

_CANDIDATE, _BASELINE = "prediction of the model", "prediction of the baseline model"


def predict_rows(
    config: EvalConfig, source: Source, model: Path | Predict | None, baseline: Path | Predict | None = None
) -> Predictions:
    """Return the rows of an evaluation; models are loaded here, and predict when the rows are read.

    Args:
        config: The configuration.
        source: The examples.
        model: The candidate; None where its `prediction_key` is a column of the examples.
        baseline: The baseline. Without one, a baseline's model spec with a `prediction_key` of its own is a column.

    Raises:
        UsageError: The configuration does not say what to read, or names a signature that a model lacks.
        ArtifactError: A model cannot be loaded.
    """
    candidate, other = model_specs_of(config)
    features = _features(config, candidate)
    judged = []
    if model is not None:
        judged.append(_judged(candidate, model, "model", _CANDIDATE))
    elif candidate.prediction_key:
        features.setdefault(candidate.prediction_key, f"prediction_key '{candidate.prediction_key}'")
    else:
        raise no_model()
    own = other.prediction_key if other is not None else ""
    column = None
    if baseline is not None:
        judged.append(_judged(other or candidate, baseline, "baseline model", _BASELINE))
        column = _BASELINE
    elif model is None and own and own != candidate.prediction_key:
        features.setdefault(own, f"prediction_key '{own}'")
        column = own
    for one in judged:
        one.check()
    key = _CANDIDATE if model is not None else candidate.prediction_key
    keys = Keys(label=candidate.label_key, weight=candidate.example_weight_key or None, candidate=key, baseline=column)
    naming, models = name_classes(config, source, keys, judged)
    plain = [feature for spec in slicing_of(config) for feature, _ in spec.periods]
    if naming is not None and naming.predictions:
        source = NamedRows(source, naming)
        features = {naming.numbered: features[keys.label]} | features
    elif naming is not None and all(callable(one.model) for one in judged):
        plain.append(keys.label)
    labels = tuple(filter(None, (keys.label, keys.weight)))
    predictor = Predictor(models=models, features=features, labels=labels, plain=tuple(plain))
    rows: Source = PredictedRows(source, predictor)
    whole: Source = PredictedRows(source, replace(predictor, whole=True))
    if naming is not None:
        keys = replace(keys, label=naming.numbered)
        if not naming.predictions:
            rows, whole = NamedRows(rows, naming), NamedRows(whole, naming)
    return Predictions(source=rows, whole=whole, keys=keys, columns=tuple(features), naming=naming)


def _features(config: EvalConfig, candidate: Any) -> dict[str, str]:
    """Return the features that are read, with what the configuration calls each."""
    features = {candidate.label_key: f"label_key '{candidate.label_key}'"}
    if candidate.example_weight_key:
        features[candidate.example_weight_key] = f"example_weight_key '{candidate.example_weight_key}'"
    for index, slicing in enumerate(specs_of(config)):
        for key in map(feature_of, (*slicing.feature_keys, *slicing.feature_values)):
            features.setdefault(key, f"feature '{key}' of slicing_specs[{index}]")
    for metric in plan_of(config).metrics:
        for key in filter(None, (metric.query, metric.gain)):
            features.setdefault(key, f"feature '{key}' of {metric.place}")
    return features


def _judged(spec: Any, model: Path | Predict, role: str, column: str) -> JudgedModel:
    if isinstance(model, Path):
        _require_model(model, role)
    return JudgedModel(
        role=role,
        column=column,
        model=model,
        signature_name=spec.signature_name,
        preprocessing=tuple(spec.preprocessing_function_names),
        prediction_key=spec.prediction_key,
    )


def _require_model(path: Path, role: str) -> None:
    if not path.is_file() and not (path / "saved_model.pb").is_file():
        raise ArtifactError(
            "evaluator.no_saved_model",
            f"Expected a SavedModel for the {role} at {path}; found no saved_model.pb.",
            "The Trainer's run_fn must save the model to fn_args.serving_model_dir.",
        )


def no_model() -> UsageError:
    """Return the error of an evaluation without predictions."""
    return UsageError(
        "evaluator.no_model",
        "Evaluator has no model, and eval_config's model_specs name no prediction_key.",
        "Wire `model`, or set prediction_key to the column that holds the predictions.",
    )
