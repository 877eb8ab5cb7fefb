"""The step that stops a run where the gate before it closed.

KFP's launcher uploads nothing of a container that fails. In a compiled pipeline the gate itself therefore ends well,
with its verdict and its page for all to see, and this step, which has nothing to show, fails.
"""

from __future__ import annotations

from assay.artifacts.base import Artifact
from assay.spec import ExecutionContext, Input, component


@component
def Gate(context: ExecutionContext, verdict: Input[Artifact]) -> None:  # noqa: N802 (a component)
    """Stops the run where the verdict of the step before it says so.

    Args:
        context: The run that the step is part of.
        verdict: The artifact with the verdict.
    """
    context.log(f"The verdict lies in {verdict.path}.")
