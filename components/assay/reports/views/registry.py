"""Which view shows which type of artifact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.artifacts import (
    Artifact,
    ExampleAnomalies,
    Examples,
    ExampleStatistics,
    HyperParameters,
    InferenceResult,
    InfraBlessing,
    Model,
    ModelBlessing,
    ModelEvaluation,
    ModelRun,
    PushedModel,
    Quarantine,
    Schema,
    TransformGraph,
)
from assay.reports.opening import Related
from assay.reports.views.anomalies import show_anomalies
from assay.reports.views.evaluation import show_evaluation
from assay.reports.views.examples import show_examples, show_predictions, show_quarantine
from assay.reports.views.model import show_hyperparameters, show_model, show_pushed_model
from assay.reports.views.schema import show_schema
from assay.reports.views.shown import Shown
from assay.reports.views.statistics import show_statistics
from assay.reports.views.training import show_model_run
from assay.reports.views.transform import show_transform_graph
from assay.reports.views.verdict import show_blessing

_VIEWS: tuple[tuple[type[Artifact], Callable[[Any], Shown]], ...] = (
    (ExampleStatistics, show_statistics),
    (Schema, show_schema),
    (Examples, show_examples),
    (Quarantine, show_quarantine),
    (InferenceResult, show_predictions),
    (TransformGraph, show_transform_graph),
    (ModelRun, show_model_run),
    (HyperParameters, show_hyperparameters),
    (ModelEvaluation, show_evaluation),
    (ModelBlessing, show_blessing),
    (InfraBlessing, show_blessing),
    (PushedModel, show_pushed_model),
    (Model, show_model),
)


def view_of(artifact: Artifact, related: Related | None = None) -> Shown:
    """Return what the artifact's page shows; for a type without a view, its properties and files only."""
    if isinstance(artifact, ExampleAnomalies):
        return show_anomalies(artifact, related)
    for kind, show in _VIEWS:
        if isinstance(artifact, kind):
            return show(artifact)
    return Shown()
