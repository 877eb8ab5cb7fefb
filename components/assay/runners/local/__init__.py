"""The local runner: in-process, cached by content, resumable."""

from __future__ import annotations

from assay.runners.local.progress import Lines, Progress, Silence
from assay.runners.local.result import RunResult, StepResult
from assay.runners.local.runner import LocalDagRunner

__all__ = ["Lines", "LocalDagRunner", "Progress", "RunResult", "Silence", "StepResult"]
