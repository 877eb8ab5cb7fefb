"""Runs one step: stage, call, check, seal, record."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import assay
from assay.artifacts.base import Artifact
from assay.artifacts.store import Producer, seal
from assay.errors import AssayError, disk_full
from assay.lineage.records import NewArtifact
from assay.runners.calling import call_component, is_written, one_error_tree, staged_outputs
from assay.runners.local.recovery import remove_outputs
from assay.runners.local.resolution import Inputs
from assay.runners.local.session import Session, new_record
from assay.spec.context import ExecutionContext, RowCount
from assay.spec.fingerprint import Fingerprint
from assay.spec.node import ComponentNode


@contextlib.contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Redirects the process's standard output and error to the end of `log` while the block runs.

    Libraries in C++ write to the file descriptors, Python code to `sys.stdout` and `sys.stderr` (which a notebook or a
    test runner replaces), so both are redirected.

    Raises:
        ArtifactError: If the log cannot be opened.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        stream = log.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
    except OSError as error:
        raise disk_full(log, error) from error
    saved = os.dup(1), os.dup(2)
    with stream, contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        _flush_standard_streams()
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        try:
            yield
        finally:
            _flush_standard_streams()
            for descriptor, original in zip((1, 2), saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)


def _flush_standard_streams() -> None:
    """Flushes the redirected and the original streams; a closed or full one has nothing to lose."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()


Outputs = dict[str, tuple[Artifact, ...]]


@dataclass(frozen=True, slots=True)
class Executed:
    """What an execution made: sealed and recorded outputs, output parameters, row counts, and its own remarks."""

    outputs: Outputs
    parameters: Mapping[str, Any]
    rows: Mapping[str, RowCount]
    remarks: tuple[str, ...]
    idle: bool


def execute(
    session: Session,
    node: ComponentNode,
    execution_id: int,
    inputs: Inputs,
    parameters: Mapping[str, Any],
    fingerprint: Fingerprint,
) -> Executed:
    """Run a component and publish its outputs; whatever goes wrong, nothing of it stays behind.

    Raises:
        AssayError: What the component raised, or what stands for it.
    """
    spec, layout = node.spec, session.layout
    staging = layout.staging(execution_id)
    try:
        with one_error_tree(spec, staging):
            staged = staged_outputs(spec, staging)
            context = _context(session, node, staging)
            with output_to(layout.log(session.run_id, node.id)), _logged():
                returned = call_component(spec, context, inputs, staged, parameters)
            written = {key: artifact for key, artifact in staged.items() if is_written(spec, key, artifact)}
            for key, artifact in written.items():
                producer = Producer(
                    component=spec.name,
                    component_version=assay.__version__,
                    node_id=node.id,
                    output_key=key,
                    pipeline=session.pipeline.name,
                    run_id=session.run_id,
                    execution_id=execution_id,
                    fingerprint=fingerprint.digest,
                )
                seal(artifact, layout.artifact(node.id, key, execution_id), producer)
            new: dict[str, list[NewArtifact | int]] = {key: [new_record(artifact)] for key, artifact in written.items()}
            rows = {
                split: {"read": n.read, "written": n.written, "rejected": n.rejected}
                for split, n in context.rows.items()
            }
            records = session.store.complete_execution(execution_id, new, returned, rows)
    except BaseException as error:
        remove_outputs(layout, session.run_id, node.id, execution_id)
        if isinstance(error, AssayError):
            session.store.fail_execution(execution_id, error.code, str(error))
        else:
            session.store.fail_execution(execution_id, "run.interrupted", f"{type(error).__name__}: {error}")
        raise
    for key, artifact in written.items():
        artifact.id = records[key][0].id
    shutil.rmtree(staging, ignore_errors=True)
    outputs: Outputs = {key: (artifact,) for key, artifact in written.items()}
    return Executed(outputs, returned, context.rows, (*context.idle, *context.remarks), idle=bool(context.idle))


def _context(session: Session, node: ComponentNode, staging: Path) -> ExecutionContext:
    temp_dir = staging / ".temp"
    temp_dir.mkdir(parents=True)
    return ExecutionContext(
        engine=session.engine,
        temp_dir=temp_dir,
        seed=session.seed,
        log=lambda message: print(message, flush=True),  # noqa: T201 (standard output is the step's log here)
        pipeline_name=session.pipeline.name,
        run_id=session.run_id,
        node_id=node.id,
        beam_pipeline_args=session.pipeline.beam_pipeline_args,
        wired=frozenset(node.input_channels()),
    )


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Write the traceback of whatever passes to the step's log."""
    try:
        yield
    except Exception:
        traceback.print_exc()
        raise
