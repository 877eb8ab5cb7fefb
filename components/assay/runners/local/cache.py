"""Whether an earlier execution's outputs still stand for a step's work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.artifacts.base import Artifact
from assay.artifacts.store import damage
from assay.lineage.records import ExecutionRecord
from assay.runners.local.session import Session, artifact_of
from assay.spec.node import ComponentNode

Outputs = dict[str, tuple[Artifact, ...]]


def find_cached(
    session: Session, node: ComponentNode, fingerprint: str, parameters: Mapping[str, Any]
) -> tuple[ExecutionRecord | None, Outputs, str]:
    """Looks for an execution of the same fingerprint whose outputs are all whole.

    Returns:
        The execution and its outputs; or None, no outputs, and why an earlier execution was passed over.
    """
    if not session.pipeline.enable_cache:
        return None, {}, ""
    if node.id in session.force:
        return None, {}, "run anew: --force"
    execution = session.store.find_cached(session.pipeline.name, node.spec.name, fingerprint)
    if execution is None:
        return None, {}, ""
    outputs: Outputs = {}
    for key, records in session.store.outputs_of(execution.id).items():
        artifacts = []
        for record in records:
            damaged = damage(Path(record.location), record.digest)
            if damaged:
                session.store.mark_deleted([record.id])
                return None, {}, f"run anew: {key} of the cached execution {damaged}"
            artifacts.append(artifact_of(record, node.spec.outputs[key].artifact))
        outputs[key] = tuple(artifacts)
    if node.spec.still_valid is not None:
        reason = node.spec.still_valid(parameters, {key: artifacts[0] for key, artifacts in outputs.items()})
        if reason:
            return None, {}, f"run anew: {reason}"
    return execution, outputs, ""
