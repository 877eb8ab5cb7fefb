"""Takes one step of a run: decide whether it runs, is cached, or is skipped, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from assay.artifacts.base import Artifact
from assay.artifacts.store import damage
from assay.errors import ArtifactError, AssayError, UsageError, UserCodeError
from assay.lineage.records import ExecutionRecord
from assay.runners.gates import closed_gate
from assay.runners.local.execution import execute
from assay.runners.local.resolution import Inputs, import_artifact, resolve_inputs
from assay.runners.local.result import ClosedGate, StepResult
from assay.runners.local.session import Session, artifact_of, new_record
from assay.spec.annotations import ParsedBy
from assay.spec.channel import OutputParameter
from assay.spec.condition import Operand
from assay.spec.context import RowCount
from assay.spec.fingerprint import Fingerprint, fingerprint
from assay.spec.importer import Importer
from assay.spec.node import ComponentNode, Node
from assay.spec.values import RuntimeParameter, canonical, substitute, typed

Outputs = dict[str, tuple[Artifact, ...]]


def find_cached(
    session: Session, node: ComponentNode, fingerprint: str, parameters: Mapping[str, Any]
) -> tuple[ExecutionRecord | None, Outputs, str]:
    """Look for an execution of the same fingerprint whose outputs are all whole.

    Returns:
        The execution and its outputs; or None, no outputs, and why an earlier execution was passed over.
    """
    if not session.pipeline.enable_cache:
        return None, {}, ""
    if node.id in session.force:
        return None, {}, "Run again: --force."
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
                return None, {}, f"Run again: {key} of the cached execution {damaged}."
            artifacts.append(artifact_of(record, node.spec.outputs[key].artifact))
        outputs[key] = tuple(artifacts)
    if node.spec.still_valid is not None:
        reason = node.spec.still_valid(parameters, {key: artifacts[0] for key, artifacts in outputs.items()})
        if reason:
            return None, {}, f"Run again: {reason}."
    return execution, outputs, ""


class _Work(NamedTuple):
    """What a component step is about to do."""

    inputs: Inputs
    parameters: dict[str, Any]
    fingerprint: Fingerprint


def take_step(session: Session, node: Node) -> StepResult:
    """Run a step, or report why not; errors of the step become its result."""
    started = time.perf_counter()
    try:
        result = _step(session, node)
        result = replace(result, closed_gate=_closed_gate(node, result))
    except AssayError as error:
        result = _failed(session, node, error)
    except OSError as error:  # a folder that may not be read, a disk that fails
        what = f"{node.id} could not read its inputs: {error.filename or ''}: {error.strerror or error}."
        result = _failed(
            session, node, ArtifactError("run.unreadable", what, "Check that the file exists and is readable.")
        )
    return replace(result, seconds=time.perf_counter() - started)


def _step(session: Session, node: Node) -> StepResult:
    reason = _why_skipped(session, node)
    if reason:
        session.store.skip_execution(session.run_id, node.id, _component(node), "run.skipped", reason)
        return StepResult(node_id=node.id, component=_component(node), status="skipped", reason=reason)
    if isinstance(node, ComponentNode):
        return _component_step(session, node)
    if isinstance(node, Importer):
        return _import_step(session, node)
    return StepResult(node_id=node.id, component=_component(node), status="resolved")


def _component(node: Node) -> str:
    return node.spec.name if isinstance(node, ComponentNode) else type(node).__name__


def _why_skipped(session: Session, node: Node) -> str:
    """Return why a step may not run: a closed gate, an upstream step without outputs, or an unmet condition."""
    for result in session.results.values():
        if result.closed_gate and result.closed_gate.stops_run:
            return f"{result.node_id} closed the gate: {result.closed_gate.verdict.summary}"
    for upstream in node.upstream():
        result = session.results[upstream.id]
        if not result.done:
            return f"{upstream.id} {result.status}: {result.reason}"
    for predicate in node.conditions:
        if not predicate.evaluate(lambda operand: _value_of(session, operand)):
            return f"its condition does not hold: {predicate}"
    return ""


def _value_of(session: Session, operand: Operand) -> Any:
    """Return the value of an output that a condition reads.

    Raises:
        UsageError: If the step put out no such artifact.
    """
    result = session.results[operand.node.id]
    if isinstance(operand, OutputParameter):
        return result.output_parameters[operand.key]
    artifacts = result.outputs.get(operand.channel.key, ())
    if operand.index >= len(artifacts):
        raise UsageError("condition.no_artifact", f"A condition reads {operand}, but there is no such artifact.")
    return artifacts[operand.index].properties.get(operand.name)


def _parameters(session: Session, node: ComponentNode) -> dict[str, Any]:
    """Return every parameter's value in its JSON form: given, substituted, or the default."""

    def value_of(placeholder: RuntimeParameter | OutputParameter) -> Any:
        if isinstance(placeholder, RuntimeParameter):
            return session.parameters[placeholder.name]
        return session.results[placeholder.node.id].output_parameters[placeholder.key]

    parameters: dict[str, Any] = {}
    for name, declared in node.spec.parameters.items():
        where = f"{node.spec.name}.{name}"
        if name not in node.arguments:
            parameters[name] = canonical(declared.default, where)
            continue
        given = node.arguments[name]
        value = substitute(given, value_of)
        if isinstance(declared.mark, ParsedBy) and isinstance(given, (RuntimeParameter, OutputParameter)):
            # It could not be parsed before it was known.
            value = canonical(declared.mark.parse(value), where)
        # By way of its type, so that 1 and 1.0, or a dict and the class that it stands for, are one value.
        parameters[name] = value if value is None else canonical(typed(value, declared.type, where), where)
    return parameters


def _component_step(session: Session, node: ComponentNode) -> StepResult:
    inputs = resolve_inputs(session, node)
    parameters = _parameters(session, node)
    work = _Work(inputs, parameters, fingerprint(node.spec, inputs, parameters, session.seed))
    result = StepResult(
        node_id=node.id,
        component=node.spec.name,
        status="cached",
        fingerprint=work.fingerprint.digest,
        inputs=inputs,
    )
    ids = {key: [artifact.id for artifact in artifacts if artifact.id] for key, artifacts in inputs.items()}
    entry = (session.run_id, node.id, node.spec.name, work.fingerprint.digest, parameters, ids)
    execution, outputs, why_not = find_cached(session, node, work.fingerprint.digest, parameters)
    if execution is not None:
        session.store.record_cached(*entry, source_execution_id=execution.id)
        return replace(
            result,
            execution_id=execution.id,
            outputs=outputs,
            output_parameters=execution.output_parameters,
            rows=_rows(execution.rows),
        )
    session.progress.step_started(node.id)
    execution_id = session.store.start_execution(*entry, after=session.layout.last_execution(node.id))
    executed = execute(session, node, execution_id, work.inputs, work.parameters, work.fingerprint)
    return replace(
        result,
        status="complete",
        execution_id=execution_id,
        outputs=executed.outputs,
        output_parameters=executed.parameters,
        rows=executed.rows,
        reason=" ".join(filter(None, (*executed.remarks, "" if executed.idle else why_not))),
        idle=executed.idle,
        log=session.layout.log(session.run_id, node.id),
    )


def _rows(recorded: Mapping[str, Any]) -> dict[str, RowCount]:
    return {split: RowCount(**counts) for split, counts in recorded.items()}


def _import_step(session: Session, node: Importer) -> StepResult:
    """Register the importer's folder; the same folder with the same content is the same artifact."""
    artifact = import_artifact(node)
    key = next(iter(node.outputs))
    parameters = {"source_uri": node.source_uri, "reimport": node.reimport}
    execution_id = session.store.start_execution(session.run_id, node.id, "Importer", artifact.digest, parameters, {})
    record = session.store.register_artifact(
        new_record(artifact), execution_id=execution_id, output_key=key, reimport=node.reimport
    )
    session.store.complete_execution(execution_id, {key: [record.id]}, {}, {})
    artifact.id = record.id
    return StepResult(
        node_id=node.id,
        component="Importer",
        status="imported",
        execution_id=execution_id,
        outputs={key: (artifact,)},
    )


def _failed(session: Session, node: Node, error: AssayError) -> StepResult:
    log = session.layout.log(session.run_id, node.id)
    return StepResult(
        node_id=node.id,
        component=_component(node),
        status="failed",
        error_code=error.code,
        reason=str(error),
        user_traceback=error.user_traceback if isinstance(error, UserCodeError) else "",
        log=log if log.is_file() else None,
    )


def _closed_gate(node: Node, result: StepResult) -> ClosedGate | None:
    """Read the verdict of a gate's output; return None if the gate is open or the step is not a gate."""
    if not result.done or not isinstance(node, ComponentNode):
        return None
    closed = closed_gate(artifact for artifacts in result.outputs.values() for artifact in artifacts)
    if closed is None:
        return None
    verdict, gate = closed
    return ClosedGate(node_id=node.id, verdict=verdict, exit_code=gate.exit_code, stops_run=gate.stops_run)
