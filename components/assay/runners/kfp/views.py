"""What a step shows in KFP's interface, made from the artifacts that it sealed.

A step has a view for each kind that its outputs' types offer; which these are follows from the declaration, so that the
compiled component and the container agree on the names.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from assay.artifacts.anomalies import ExampleAnomalies
from assay.artifacts.base import Artifact
from assay.artifacts.evaluation import ModelEvaluation
from assay.artifacts.pushed_model import RECEIPT, PushedModel
from assay.gate.markdown import to_markdown
from assay.gate.verdict import FILE_NAME, read_verdict
from assay.spec.signature import ComponentSpec

HTML, MARKDOWN, METRICS = "html_report", "markdown_summary", "metrics"
# The wire type of each view, by the output's name.
VIEWS = {HTML: "system.HTML", MARKDOWN: "system.Markdown", METRICS: "system.Metrics"}
_GATES = {"ExampleAnomalies", "InfraBlessing", "ModelBlessing"}
_OFFERS = {
    HTML: _GATES | {"ExampleStatistics", "Examples", "ModelEvaluation", "PushedModel", "Quarantine", "Schema"},
    MARKDOWN: _GATES | {"PushedModel"},
    METRICS: _GATES | {"ExampleStatistics", "Examples", "ModelEvaluation", "PushedModel"},
}


def views_of(spec: ComponentSpec) -> tuple[str, ...]:
    """The views that a component's step has; a name that the component declares itself stays its own."""
    types = {output.artifact.type().name for output in spec.outputs.values()}
    own = {*spec.outputs, *spec.output_parameters, *spec.inputs, *spec.parameters}
    return tuple(view for view in VIEWS if types & _OFFERS[view] and view not in own)


def page(title: str, artifacts: Mapping[str, Artifact]) -> str:
    """Gives a self-contained HTML page about a step's outputs."""
    parts = [
        f"<section><h2>{html.escape(key)}</h2>{_section(artifact)}</section>" for key, artifact in artifacts.items()
    ]
    style = (
        "body{font:14px system-ui,sans-serif;margin:2em;max-width:72em}td,th{text-align:left;padding:.2em .8em .2em 0;"
        "vertical-align:top}pre{background:#f4f4f4;padding:1em;overflow:auto}.no{color:#b00020}.yes{color:#1b7f3b}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style}</style><h1>{html.escape(title)}</h1>{''.join(parts)}</html>"
    )


def _section(artifact: Artifact) -> str:
    rows = [("type", artifact.type_name), ("digest", artifact.digest), *artifact.properties.items()]
    rows += [(f"rows of {split}", count) for split, count in artifact.rows.items()]
    body = _table(("", ""), rows)
    if (artifact.path / FILE_NAME).is_file():
        verdict = read_verdict(artifact.path)
        checks = [("passed" if check.ok else check.severity, check.subject, check.sentence) for check in verdict.checks]
        css = "yes" if verdict.ok else "no"
        body = f'<p class="{css}">{html.escape(verdict.summary)}</p>{_table(("", "subject", "check"), checks)}{body}'
    if (artifact.path / "schema.pbtxt").is_file():
        body += f"<pre>{html.escape((artifact.path / 'schema.pbtxt').read_text(encoding='utf-8'))}</pre>"
    return body


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def summary(title: str, artifacts: Iterable[Artifact]) -> str:
    """Gives the decision of a gate, or what became of a push, as Markdown."""
    parts = []
    for artifact in artifacts:
        if (artifact.path / FILE_NAME).is_file():
            parts.append(to_markdown(read_verdict(artifact.path), title=title))
        elif isinstance(artifact, PushedModel):
            receipt = (artifact.path / RECEIPT).read_text(encoding="utf-8")
            pushed = "pushed" if artifact.properties.get("pushed") else "not pushed"
            parts.append(f"## {title}: {pushed}\n\n```json\n{receipt}\n```\n")
    return "\n".join(parts)


def metrics(artifacts: Mapping[str, Artifact], parameters: Mapping[str, Any]) -> dict[str, float]:
    """Gives figures for KFP's table of metrics: rows by split, counts of anomalies, the candidate's overall metrics."""
    figures: dict[str, float] = {}
    for key, artifact in artifacts.items():
        figures |= {f"{key}_rows_{split}": float(count) for split, count in artifact.rows.items()}
        if isinstance(artifact, ModelEvaluation):
            figures |= _overall(artifact.path / "metrics.parquet")
        if isinstance(artifact, ExampleAnomalies):
            figures[f"{key}_splits"] = float(len(artifact.split_names))
    figures |= {name: float(value) for name, value in parameters.items() if isinstance(value, (bool, int, float))}
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def _overall(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    rows = pq.read_table(path, columns=["model", "slice", "metric", "value"]).to_pylist()
    return {
        row["metric"]: row["value"]
        for row in rows
        if row["model"] == "candidate" and row["slice"] == "Overall" and row["value"] is not None
    }
