"""What a step shows in KFP's interface, made from the artifacts that it sealed.

Which views a step has follows from the types of its outputs, so that the compiled component and the container agree.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from assay.artifacts.base import Artifact
from assay.artifacts.evaluation import ModelEvaluation
from assay.artifacts.pushed_model import RECEIPT, PushedModel
from assay.errors import AssayError
from assay.gating.markdown import to_markdown
from assay.gating.verdict import FILE_NAME, read_verdict
from assay.spec.signature import ComponentSpec

HTML, MARKDOWN, METRICS, CLASSIFICATION = "html_report", "markdown_summary", "metrics", "classification_metrics"
# The wire type of each view, by the output's name.
VIEWS = {
    HTML: "system.HTML",
    MARKDOWN: "system.Markdown",
    METRICS: "system.Metrics",
    CLASSIFICATION: "system.ClassificationMetrics",
}
# The page is that of the first of these types that a step puts out.
_PAGES = (
    "ModelEvaluation",
    "ExampleAnomalies",
    "InfraBlessing",
    "ModelBlessing",
    "ExampleStatistics",
    "Schema",
    "PushedModel",
    "Quarantine",
    "Examples",
)
_GATES = {"ExampleAnomalies", "InfraBlessing", "ModelBlessing"}
_OFFERS: Mapping[str, set[str]] = {
    HTML: set(_PAGES),
    MARKDOWN: _GATES | {"PushedModel"},
    METRICS: _GATES | {"ExampleStatistics", "Examples", "ModelEvaluation", "PushedModel"},
    CLASSIFICATION: {"ModelEvaluation"},
}


def views_of(spec: ComponentSpec) -> tuple[str, ...]:
    """Return the views that a component's step has; a name that the component declares itself stays its own."""
    types = {output.artifact.type().name for output in spec.outputs.values()}
    own = {*spec.outputs, *spec.output_parameters, *spec.inputs, *spec.parameters}
    return tuple(view for view in VIEWS if types & _OFFERS[view] and view not in own)


def page(title: str, outputs: Mapping[str, Artifact], related: Mapping[str, Artifact]) -> str:
    """Return a self-contained HTML page about the output that says most.

    Args:
        title: The step's name.
        outputs: The sealed outputs by key.
        related: What the step read and gave, by key; anomalies are shown with the statistics that have them.
    """
    from assay.reports import render  # noqa: PLC0415 (templates take a while, and some steps show no page)

    shown = min(
        (each for each in outputs.values() if each.type_name in _PAGES),
        key=lambda each: _PAGES.index(each.type_name),
        default=None,
    )
    if shown is None:
        return _plain_page(title, "The step put out nothing.")
    try:
        return render(shown, related=related)
    except AssayError as error:  # a failed page must not lose the artifact
        return _plain_page(title, str(error))


def _plain_page(title: str, text: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p></html>"
    )


def summary(title: str, artifacts: Iterable[Artifact]) -> str:
    """Return the decision of a gate, or what became of a push, as Markdown."""
    parts = []
    for artifact in artifacts:
        if (artifact.path / FILE_NAME).is_file():
            parts.append(to_markdown(read_verdict(artifact.path), title=title, html=False))
        elif isinstance(artifact, PushedModel):
            receipt = (artifact.path / RECEIPT).read_text(encoding="utf-8")
            pushed = "pushed" if artifact.properties.get("pushed") else "not pushed"
            parts.append(f"## {title}: {pushed}\n\n```json\n{receipt}\n```\n")
    return "\n".join(parts)


def metrics(artifacts: Mapping[str, Artifact], parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return figures for KFP's table of metrics: rows by split, output parameters, the candidate's overall metrics."""
    figures: dict[str, float] = {}
    for key, artifact in artifacts.items():
        figures |= {f"{key}_rows_{split}": float(count) for split, count in artifact.rows.items()}
        if isinstance(artifact, ModelEvaluation):
            from assay.reports.sources.evaluation_files import CANDIDATE, OVERALL, read_metrics  # noqa: PLC0415 (as above)

            overall = [each for each in read_metrics(artifact.path) if (each.model, each.slice) == (CANDIDATE, OVERALL)]
            figures |= {each.name: each.value for each in overall if each.value is not None}
    figures |= {name: float(value) for name, value in parameters.items() if isinstance(value, (bool, int, float))}
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def classification(artifacts: Iterable[Artifact]) -> dict[str, Any]:
    """Return the candidate's ROC curve and confusion matrix in KFP's form, where the evaluation has such plots."""
    from assay.reports.sources.evaluation_files import CANDIDATE, OVERALL, read_plots  # noqa: PLC0415 (as above)

    shown: dict[str, Any] = {}
    for artifact in artifacts:
        if not isinstance(artifact, ModelEvaluation):
            continue
        for plot in read_plots(artifact.path):
            if (plot.model, plot.slice) != (CANDIDATE, OVERALL):
                continue
            if plot.thresholds and "confidenceMetrics" not in shown:
                shown["confidenceMetrics"] = [_point(*each) for each in plot.thresholds if math.isfinite(each[0])]
            if plot.classes and "confusionMatrix" not in shown:
                shown["confusionMatrix"] = _confusion(plot.classes, plot.class_name)
    return shown


def _point(threshold: float, fn: float, tn: float, fp: float, tp: float) -> dict[str, float]:
    """Return a point of the ROC curve, as `dsl.ClassificationMetrics.log_roc_data_point` writes it."""
    return {
        "confidenceThreshold": threshold,
        "recall": tp / (tp + fn) if tp + fn else 0.0,
        "falsePositiveRate": fp / (fp + tn) if fp + tn else 0.0,
    }


def _confusion(cells: Mapping[tuple[int, int], float], name_of: Callable[[int], str]) -> dict[str, Any]:
    """Return a confusion matrix: rows are actual classes, columns predicted ones, as in KFP."""
    classes = sorted({each for pair in cells for each in pair})
    rows = [{"row": [cells.get((actual, predicted), 0.0) for predicted in classes]} for actual in classes]
    return {"annotationSpecs": [{"displayName": name_of(each)} for each in classes], "rows": rows}
