"""Loading the models that are evaluated, and refusing early what does not fit them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf
import tensorflow_model_analysis as tfma

from assay.components.evaluator.kernel_engine.model_rows import no_model
from assay.errors import ArtifactError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from assay.gating.limits import EvalConfig


@dataclass(frozen=True, slots=True)
class Models:
    """The models of an evaluation.

    Attributes:
        shared: TFMA's `EvalSharedModel`s.
        loaded: The models themselves. TFMA keeps no more than a weak reference, so that without these each extractor
            would load them again.
    """

    shared: list[Any]
    loaded: list[Any]

    @property
    def as_argument(self) -> Any:
        """The models as TFMA's functions take them: one, several, or None."""
        return self.shared[0] if len(self.shared) == 1 else (self.shared or None)


def load_models(
    candidate: Path | None, baseline: Path | None, config: EvalConfig, *, factory: Callable[..., Any] | None = None
) -> Models:
    """Loads the model of each model spec of the prepared configuration.

    Args:
        candidate: The candidate's SavedModel; None where every model spec names a prediction key.
        baseline: The baseline's SavedModel.
        config: The configuration with TFMA's defaults.
        factory: The user's `custom_eval_shared_model`, in place of TFMA's.

    Raises:
        UsageError: There is no model and no prediction key, or a signature that the configuration names is not there.
        ArtifactError: A model cannot be loaded; a baseline that cannot be loaded is told from one that is not there.
    """
    models = Models([], [])
    for spec in config.model_specs:
        path = baseline if spec.is_baseline else candidate
        if path is None:
            if not (spec.prediction_key or spec.prediction_keys):
                raise no_model()
            continue
        role = "baseline model" if spec.is_baseline else "model"
        _require_saved_model(path, role)
        shared = (factory or tfma.default_eval_shared_model)(
            eval_saved_model_path=str(path), model_name=spec.name, eval_config=config, add_metrics_callbacks=None
        )
        loaded = _loaded(shared, path, role)
        if factory is None:
            _check_signatures(loaded, spec, role)
        models.shared.append(shared)
        models.loaded.append(loaded)
    return models


def _require_saved_model(path: Path, role: str) -> None:
    if not any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt", "tflite", "model.json")):
        raise ArtifactError(
            "evaluator.no_saved_model",
            f"Expected a SavedModel for the {role} at {path}; there is no saved_model.pb.",
            "The Trainer's run_fn must save the model to fn_args.serving_model_dir.",
        )


def _loaded(shared: Any, path: Path, role: str) -> Any:
    if shared.model_loader is None:
        return None  # a user's own kind of model, which their extractors load
    try:
        return shared.model_loader.load()
    except (OSError, ValueError, KeyError, RuntimeError, tf.errors.OpError) as error:
        code = "evaluator.baseline_unloadable" if shared.is_baseline else "evaluator.model_unloadable"
        raise ArtifactError(code, f"The {role} at {path} cannot be loaded: {error}") from error


def _check_signatures(model: Any, spec: Any, role: str) -> None:
    known = set(getattr(model, "signatures", None) or ())
    if not known:
        return
    wanted = [("signature_name", spec.signature_name)] if spec.signature_name else []
    wanted += [("preprocessing_function_names", name) for name in spec.preprocessing_function_names]
    for field, name in wanted:
        # TFMA also takes attributes of the model, dotted ones among them.
        if name not in known and not hasattr(model, name.split(".", maxsplit=1)[0]):
            raise UsageError(
                "eval_config.signature",
                f"eval_config's {field} '{name}' is no signature of the {role}.",
                did_you_mean(name, known),
            )
