"""Runs one step: stage, call, check, seal, record."""

from __future__ import annotations

import contextlib
import shutil
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import assay
from assay.artifacts.base import Artifact
from assay.artifacts.store import Producer, is_storage_failure, seal
from assay.errors import AssayError, EngineError, UsageError, disk_full
from assay.lineage.records import NewArtifact
from assay.runners.local.capture import output_to
from assay.runners.local.recovery import remove_outputs
from assay.runners.local.resolution import Inputs
from assay.runners.local.session import Session, new_record
from assay.spec.context import ExecutionContext, RowCount
from assay.spec.fingerprint import Fingerprint
from assay.spec.node import ComponentNode
from assay.spec.signature import ComponentSpec
from assay.spec.user_code import run_user_code
from assay.spec.values import canonical, typed

Outputs = dict[str, tuple[Artifact, ...]]


@dataclass(frozen=True, slots=True)
class Executed:
    """What an execution made: sealed and recorded outputs, output parameters, and row counts."""

    outputs: Outputs
    parameters: Mapping[str, Any]
    rows: Mapping[str, RowCount]


def execute(
    session: Session,
    node: ComponentNode,
    execution_id: int,
    inputs: Inputs,
    parameters: Mapping[str, Any],
    fingerprint: Fingerprint,
) -> Executed:
    """Runs a component and publishes its outputs; whatever goes wrong, nothing of it stays behind.

    Raises:
        AssayError: What the component raised, or what stands for it.
    """
    spec, layout = node.spec, session.layout
    staging = layout.staging(execution_id)
    try:
        with _one_error_tree(spec, staging):
            staged = _staged(spec, staging)
            context = _context(session, node, staging)
            returned = _call(spec, context, inputs, staged, parameters, layout.log(session.run_id, node.id))
            written = {key: artifact for key, artifact in staged.items() if _kept(spec, key, artifact)}
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
        remove_outputs(layout, node.id, execution_id)
        if isinstance(error, AssayError):
            session.store.fail_execution(execution_id, error.code, str(error))
        else:
            session.store.fail_execution(execution_id, "run.interrupted", f"{type(error).__name__}: {error}")
        raise
    for key, artifact in written.items():
        artifact.id = records[key][0].id
    shutil.rmtree(staging, ignore_errors=True)
    return Executed({key: (artifact,) for key, artifact in written.items()}, returned, context.rows)


def _staged(spec: ComponentSpec, staging: Path) -> dict[str, Artifact]:
    staged: dict[str, Artifact] = {}
    for key, output in spec.outputs.items():
        folder = staging / key
        folder.mkdir(parents=True)
        staged[key] = output.artifact(folder)
    return staged


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


def _call(
    spec: ComponentSpec,
    context: ExecutionContext,
    inputs: Inputs,
    outputs: Mapping[str, Artifact],
    parameters: Mapping[str, Any],
    log: Path,
) -> dict[str, Any]:
    """Calls the component's function and gives its output parameters in their JSON form."""
    arguments: dict[str, Any] = dict(outputs)
    for key, declared in spec.inputs.items():
        artifacts = inputs.get(key, ())
        arguments[key] = artifacts if declared.many else (artifacts[0] if artifacts else None)
    for name, declared_parameter in spec.parameters.items():
        value = parameters[name]
        arguments[name] = value if value is None else typed(value, declared_parameter.type, f"{spec.name}.{name}")
    if spec.context_name:
        arguments[spec.context_name] = context
    with output_to(log), _logged(), _user_code(spec):
        returned = spec.function(**arguments)
    return _output_parameters(spec, returned)


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Writes the traceback of whatever passes to the step's log."""
    try:
        yield
    except Exception:
        traceback.print_exc()
        raise


def _user_code(spec: ComponentSpec) -> contextlib.AbstractContextManager[None]:
    """Shows the user's own frames where the component itself is the user's."""
    if spec.function.__module__.startswith("assay."):
        return contextlib.nullcontext()
    return run_user_code(spec.name, spec.function.__code__.co_filename)


def _output_parameters(spec: ComponentSpec, returned: Any) -> dict[str, Any]:
    """Checks what a component returned against its declaration.

    Raises:
        UsageError: For a missing, undeclared or ill-typed value.
    """
    if hasattr(returned, "_asdict"):
        returned = returned._asdict()
    values = canonical(returned or {}, f"{spec.name}'s return value")
    if not isinstance(values, dict) or set(values) != set(spec.output_parameters):
        found = sorted(values) if isinstance(values, dict) else repr(returned)
        raise UsageError(
            "component.returned",
            f"{spec.name} must return {sorted(spec.output_parameters) or 'nothing'}, got {found}.",
        )
    for name, declared in spec.output_parameters.items():
        typed(values[name], declared.type, f"{spec.name}.{name}")
    return values


def _kept(spec: ComponentSpec, key: str, artifact: Artifact) -> bool:
    """Whether an output was written; an optional one may stay empty."""
    return not spec.outputs[key].optional or any(artifact.path.iterdir())


@contextlib.contextmanager
def _one_error_tree(spec: ComponentSpec, staging: Path) -> Iterator[None]:
    """Turns whatever a component raises into an AssayError.

    Raises:
        ArtifactError: For a full or read-only disk.
        EngineError: For an exception that no component should let pass.
    """
    try:
        yield
    except AssayError:
        raise
    except OSError as error:
        if is_storage_failure(error):
            raise disk_full(Path(error.filename or staging), error) from error
        raise _crashed(spec, error) from error
    except Exception as error:
        raise _crashed(spec, error) from error


def _crashed(spec: ComponentSpec, error: Exception) -> EngineError:
    what = f"{spec.name} failed: {type(error).__name__}: {error}"
    return EngineError("component.crashed", what, "The step's log has the traceback; please report it.")
