"""LocalDagRunner: runs a pipeline in this process, on this machine, with no server."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from assay.engines.base import Engine
from assay.engines.embedded import EmbeddedEngine
from assay.errors import UsageError, check_not_url, did_you_mean, disk_full, missing_packages
from assay.lineage import LineageStore
from assay.runners.local.liveness import owned
from assay.runners.local.progress import Lines, Progress
from assay.runners.local.recovery import clear_dead_runs
from assay.runners.local.resolution import check_baselines
from assay.runners.local.result import RunResult, StepResult, write_run_record
from assay.runners.local.session import RootLayout, Session, record_store
from assay.runners.local.step import take_step
from assay.spec.annotations import UserFunctionMark, UserModuleMark, UserModuleNameMark
from assay.spec.node import ComponentNode
from assay.spec.pipeline import Pipeline
from assay.spec.signature import REQUIRED
from assay.spec.source_digest import check_module, dotted_digest, module_digest, module_name_digest
from assay.spec.values import RuntimeParameter

# What can be known to fail before the first node runs: packages that are not installed, user code that is not there.
#
# A Trainer may start hours after the run did; its packages and its module file are looked for at once.


def check_packages(pipeline: Pipeline) -> None:
    """Check that the optional packages of every node are installed.

    Raises:
        UsageError: If one is not; all nodes that cannot run are named, with what they lack.
    """
    needs = {
        node.id: node.spec.requires for node in pipeline.nodes if isinstance(node, ComponentNode) and node.spec.requires
    }
    if pipeline.beam_pipeline_args:
        needs["beam_pipeline_args"] = ("apache_beam",)
    lacking = {name: error for name, modules in needs.items() if (error := missing_packages(name, modules))}
    if lacking:
        first = next(iter(lacking.values()))
        raise UsageError(
            first.code,
            f"{pipeline.name} cannot run here. " + " ".join(error.message for error in lacking.values()),
            first.hint,
        )


def check_user_code(pipeline: Pipeline, values: Mapping[str, Any]) -> None:
    """Check that every module that the steps name can be found and read, and defines the function that it is for.

    Args:
        pipeline: The pipeline. A module that only an earlier step's output parameter names is not known yet.
        values: The values of the runtime parameters.

    Raises:
        UsageError: For a missing or unreadable module or one without the function; the step and the argument are named.
    """
    for node in pipeline.nodes:
        if not isinstance(node, ComponentNode):
            continue
        for name, declared in node.spec.parameters.items():
            if not isinstance(declared.mark, (UserModuleMark, UserModuleNameMark, UserFunctionMark)):
                continue
            value = node.arguments.get(name, None if declared.default is REQUIRED else declared.default)
            if isinstance(value, RuntimeParameter):
                value = values[value.name]
            if not isinstance(value, str):
                continue
            try:
                match declared.mark:
                    case UserModuleMark():
                        module_digest(Path(value))
                        check_module(Path(value), declared.mark.function)
                    case UserModuleNameMark():
                        module_name_digest(value)
                    case _:
                        dotted_digest(value)
            except UsageError as error:
                raise UsageError(error.code, f"{node.id}.{name}: {error.message}", error.hint) from error


class LocalDagRunner:
    """Runs pipelines on this machine.

    Steps with an unchanged fingerprint are taken from earlier runs below the same root, so a run that was killed goes
    on where it stopped.

    Args:
        root: Where artifacts, runs and lineage go; the pipeline's own root, or `assay-root/<pipeline>`, by default.
        engine: Runs the kernels; by default Beam where the pipeline has `beam_pipeline_args`, else all cores of this
            machine.
        progress: Told as steps start and end; prints one line a step by default.
        seed: Seeds everything random in the steps.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        engine: Engine | None = None,
        progress: Progress | None = None,
        seed: int = 0,
    ) -> None:
        self._root = Path(root) if root is not None else None
        self._engine = engine
        self._progress: Progress = progress or Lines()
        self._seed = seed

    def run(
        self, pipeline: Pipeline, parameters: Mapping[str, Any] | None = None, *, force: Collection[str] = ()
    ) -> RunResult:
        """Run a pipeline.

        Args:
            pipeline: The pipeline.
            parameters: Values of runtime parameters by name.
            force: Ids of steps that run even where the cache has them.

        Returns:
            How each step ended. A failed step or a closed gate is part of the result, not an exception.

        Raises:
            UsageError: For an unknown parameter or step, a package of a node that is not installed, or a module file
                that cannot be read.
            ArtifactError: If the root cannot be written, or the baseline of a pipeline that has one is lost.
            LineageError: If the lineage store cannot be opened.
        """
        values = pipeline.parameter_values(parameters or {})
        _check_force(pipeline, force)
        check_packages(pipeline)
        check_user_code(pipeline, values)
        root = self._root or pipeline.root or Path("assay-root") / pipeline.name
        check_not_url(root, "The root of a local run")
        root = root.resolve()
        layout = RootLayout(root, pipeline.metadata)
        run_id = _new_run_id()
        try:
            layout.run(run_id).mkdir(parents=True)
        except OSError as error:
            raise disk_full(root, error) from error
        with owned(layout.locks, run_id), LineageStore.open(layout.lineage) as store:
            record_store(layout)
            clear_dead_runs(store, layout)
            session = Session(
                pipeline=pipeline,
                run_id=run_id,
                layout=layout,
                store=store,
                engine=self._engine or _engine_for(pipeline),
                progress=self._progress,
                parameters=values,
                force=frozenset(force),
                seed=self._seed,
            )
            check_baselines(session)
            return _run(session)


def _engine_for(pipeline: Pipeline) -> Engine:
    if not pipeline.beam_pipeline_args:
        return EmbeddedEngine()
    from assay.engines.beam import BeamEngine  # noqa: PLC0415 (Beam takes seconds to import, and most runs need none)

    return BeamEngine(pipeline.beam_pipeline_args)


def _check_force(pipeline: Pipeline, force: Collection[str]) -> None:
    ids = [node.id for node in pipeline.nodes if isinstance(node, ComponentNode)]
    for node_id in force:
        if node_id not in ids:
            raise UsageError(
                "run.unknown_step", f"{pipeline.name} has no step '{node_id}' to force.", did_you_mean(node_id, ids)
            )


def _run(session: Session) -> RunResult:
    started = time.perf_counter()
    session.store.start_run(session.run_id, session.pipeline.name, session.parameters, session.run_id)
    result = _result(session, started)
    write_run_record(result, "running")
    try:
        for node in session.pipeline.nodes:
            step = take_step(session, node)
            session.results[node.id] = step
            _link_outputs(session, step)
            session.progress.step_ended(step)
            result = _result(session, started)
            write_run_record(result, "running")
    except BaseException:
        session.store.finish_run(session.run_id, "FAILED", 1)
        write_run_record(replace(_result(session, started), exit_code=1), "interrupted")
        raise
    state = "complete" if result.exit_code != 1 else "failed"
    session.store.finish_run(session.run_id, "FAILED" if state == "failed" else "COMPLETE", result.exit_code)
    write_run_record(result, state)
    session.progress.run_ended(result)
    return result


def _new_run_id() -> str:
    """Return an id that sorts by when the run began, also within a second, and that two processes do not share."""
    now = datetime.now(timezone.utc)
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond:05x}{secrets.token_hex(1)}"


def _result(session: Session, started: float) -> RunResult:
    steps = tuple(session.results.values())
    return RunResult(
        run_id=session.run_id,
        pipeline=session.pipeline.name,
        root=session.layout.root,
        folder=session.layout.run(session.run_id),
        parameters=session.parameters,
        steps=steps,
        seconds=time.perf_counter() - started,
        exit_code=_exit_code(steps),
    )


def _exit_code(steps: tuple[StepResult, ...]) -> int:
    """Return 1 for a failed step, else what the first closed gate says, else 5 for a step that did nothing, else 0."""
    if any(step.status == "failed" for step in steps):
        return 1
    closed = next((step.closed_gate.exit_code for step in steps if step.closed_gate), 0)
    return closed or (5 if any(step.idle for step in steps) else 0)


def _link_outputs(session: Session, step: StepResult) -> None:
    """Links a step's artifacts into the run's folder, where a person looks for them."""
    for key, artifacts in step.outputs.items():
        for index, artifact in enumerate(artifacts):
            link = session.layout.link(session.run_id, step.node_id, key, index, len(artifacts))
            try:
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(os.path.relpath(artifact.path, link.parent))
            except OSError as error:
                raise disk_full(link, error) from error
