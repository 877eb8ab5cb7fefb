"""The run as one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from assay.artifacts import Artifact
from assay.cli.summary.produced import verdicts
from assay.runners.local.result import run_record

if TYPE_CHECKING:
    from assay.runners.local import RunResult


def run_document(result: RunResult) -> str:
    """The run's record, as `run.json` holds it, with `verdicts`: what each gate decided, and which checks failed.

    A verdict with all of its checks lies at its `path`.
    """
    state = "failed" if result.exit_code == 1 else "complete"
    decided = [
        {
            "step": judged.step.node_id,
            "output": judged.key,
            "type": judged.artifact.type_name,
            "ok": judged.verdict.ok,
            "summary": judged.verdict.summary,
            "checks": len(judged.verdict.checks),
            "failed": [
                {"id": check.id, "severity": check.severity, "sentence": check.sentence}
                for check in judged.verdict.failed
            ],
            "path": str(judged.artifact.path / "verdict.json"),
        }
        for judged in verdicts(result, Artifact)
    ]
    return msgspec.json.format(msgspec.json.encode(run_record(result, state) | {"verdicts": decided})).decode()
