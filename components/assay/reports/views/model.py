"""A model, its hyperparameters, and the receipt of its push."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from assay.artifacts import HyperParameters, Model, PushedModel
from assay.reports.blocks import Column, DataTable, Facts, Pill, Section, SmallTable
from assay.reports.figures import size
from assay.reports.views.shown import Shown

_RECEIPT_WORDS = {
    "base": "folder of versions",
    "destination": "pushed to",
    "version": "version",
    "model_digest": "model",
    "content_digest": "files",
    "restores": "restores",
    "removed": "removed versions",
}


def show_model(artifact: Model) -> Shown:
    """Return the page of a model: its files with their sizes."""
    files = [path for path in artifact.path.rglob("*") if path.is_file() and path.name != "manifest.json"]
    weights = sum(path.stat().st_size for path in files if "variables" in path.parts)
    graph = sum(path.stat().st_size for path in files if path.name in {"saved_model.pb", "keras_metadata.pb"})
    assets = [path.name for path in files if path.parent.name == "assets"]
    facts = Facts([("weights", size(weights)), ("graph", size(graph)), ("assets", len(assets))])
    return Shown(sections=[Section(title="Sizes", blocks=[facts])], summary="A SavedModel for serving.")


def show_hyperparameters(artifact: HyperParameters) -> Shown:
    """Return the page of hyperparameters."""
    values: dict[str, Any] = artifact.read().get("values", {})
    table = DataTable(
        name="values",
        caption="Hyperparameters",
        columns=[Column(label="Name", kind="name", search=True), Column(label="Value", kind="text")],
        rows=[[name, str(value)] for name, value in values.items()],
        counted=("hyperparameter", "hyperparameters"),
    )
    return Shown(sections=[Section(title="Values", blocks=[table])])


def show_pushed_model(artifact: PushedModel) -> Shown:
    """Return the page of a push: its receipt."""
    receipt = artifact.receipt() if (artifact.path / "receipt.json").is_file() else {}
    rows: list[tuple[str, Any]] = [
        (words, receipt[name]) for name, words in _RECEIPT_WORDS.items() if receipt.get(name)
    ]
    rows += [(f"{kind.replace('_', ' ')} by", digest) for kind, digest in receipt.get("blessings", {}).items()]
    if receipt.get("pushed_at"):
        at = datetime.fromtimestamp(receipt["pushed_at"], tz=timezone.utc)
        rows.append(("pushed at", f"{at:%Y-%m-%d %H:%M:%S} UTC"))
    shown = [(name, ", ".join(value) if isinstance(value, list) else value) for name, value in rows]
    table = SmallTable(caption="Receipt", header=("What", "Value"), rows=shown)
    pushed = receipt.get("pushed", bool(artifact.properties.get("pushed")))
    return Shown(
        sections=[Section(title="Receipt", blocks=[table])] if shown else [],
        summary=str(receipt.get("reason", "")),
        status=Pill("pushed", "ok") if pushed else Pill("not pushed", "bad"),
    )
