"""What runs in a container on Kubeflow Pipelines: one step, from `executor_input` to `executor_output.json`.

    python3 -m assay.runners.kfp.step --component StatisticsGen --executor-input '{{$}}'

It needs neither kfp nor, for the data components, TensorFlow. A step that fails, or is killed, leaves no artifact. A
gate that closes leaves all of them, and then ends with its exit code: 3 for anomalies.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import assay
from assay.artifacts.base import Artifact
from assay.artifacts.store import Producer, seal
from assay.engines.base import Engine
from assay.engines.embedded import EmbeddedEngine
from assay.errors import AssayError, UsageError, UserCodeError
from assay.runners.calling import call_component, is_written, one_error_tree, staged_outputs
from assay.runners.gates import closed_gate
from assay.runners.kfp.blessed_models import VARIABLE, FinishedStep, StepRecord
from assay.runners.kfp.executor_io import ExecutorInput, parse_executor_input
from assay.runners.kfp.inputs import inputs_with_places, open_inputs, parameter_values, wired_names
from assay.runners.kfp.loading import STEERING, load_component
from assay.runners.kfp.outputs import name_places, publish
from assay.runners.kfp.storage import Places
from assay.spec.context import ExecutionContext
from assay.spec.signature import ComponentSpec

# The names of a task on a cluster: its pipeline, its run, and itself.
#
# A command line asks for them by placeholders (`{{$.pipeline_job_uuid}}`). `kfp.local` and Vertex fill them in; the
# open-source server does so in values of parameters only, and hands a container's arguments on as they are. There the
# names are read off the places where its driver wants the outputs: `<root>/<pipeline>/<run
# id>/<task>[/<salt>]/<output>`.


_PLACEHOLDER = "{{$"
_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Where the run's id stands, counted from the end: before the task's salt, which older servers leave out.
_PLACES = (-4, -3)


@dataclass(frozen=True, slots=True)
class TaskNames:
    """The name of a step in its run; empty if unknown."""

    pipeline: str
    run_id: str
    task: str

    def filled(self, outputs: Iterable[str]) -> TaskNames:
        """Return the names; those that are still placeholders are resolved by the URIs of the task's outputs."""
        told = _told(outputs)
        return TaskNames(
            pipeline=told.pipeline if self.pipeline.startswith(_PLACEHOLDER) else self.pipeline,
            run_id=told.run_id if self.run_id.startswith(_PLACEHOLDER) else self.run_id,
            task=told.task if self.task.startswith(_PLACEHOLDER) else self.task,
        )


def _told(outputs: Iterable[str]) -> TaskNames:
    for uri in outputs:
        parts = uri.split("/")
        for at in _PLACES:
            if len(parts) > -at and _RUN_ID.fullmatch(parts[at]):
                return TaskNames(pipeline=parts[at - 1], run_id=parts[at], task=parts[at + 1])
    return TaskNames("", "", "")


GateOf = Literal["outputs", "inputs", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A step's command line.

    Attributes:
        component: The component; see `loading.load_component`.
        source: The embedded file that declares it, where it is a user's.
        executor_input: KFP's JSON.
        pipeline: The pipeline's name.
        run_id: KFP's id of the run.
        node: The step's id.
        registry: Where blessed models are recorded; `ASSAY_REGISTRY` of the environment by default.
        gate: Whose verdict decides the exit code: that of the step's `outputs`, of its `inputs`, or of `none`.
        beam_pipeline_args: Beam's options; empty for the embedded engine.
        seed: Seeds everything random in the step.
        mounts: The folder that holds `/gcs`, `/s3` and `/minio`.
    """

    component: str
    executor_input: str
    source: str = ""
    pipeline: str = ""
    run_id: str = ""
    node: str = ""
    registry: str = ""
    gate: GateOf = "outputs"
    beam_pipeline_args: tuple[str, ...] = ()
    seed: int = 0
    mounts: Path = Path("/")


def run_step(options: Options) -> int:
    """Run a step and write what KFP reads.

    Returns:
        0, or the exit code of a gate that closed and stops the run.

    Raises:
        AssayError: Whatever went wrong; no output is left then.
    """
    given = parse_executor_input(options.executor_input)
    options = _named(options, given)
    with tempfile.TemporaryDirectory(prefix="assay-step-") as folder:
        scratch = Path(folder)
        for name in ("fetched", "code", "temp", "sealed"):
            (scratch / name).mkdir()
        places = Places(scratch / "fetched", options.mounts)
        spec = load_component(options.component, options.source, scratch / "code")
        title = options.node or spec.name
        record = StepRecord(
            registry=options.registry,
            pipeline=options.pipeline,
            run_id=options.run_id,
            node=title,
            component=spec.name,
        )
        with _recorded_failure(record), one_error_tree(spec, scratch):
            inputs = open_inputs(spec, given, places)
            parameters = parameter_values(spec, given, places, scratch / "code")
            record.start(inputs_with_places(given, inputs), parameters)
            context = _context(options, spec, given, scratch / "temp")
            staged = staged_outputs(spec, scratch / "staging")
            returned = call_component(spec, context, inputs, staged, parameters)
            name_places(staged.values(), given, inputs)
            written = {key: artifact for key, artifact in staged.items() if is_written(spec, key, artifact)}
            for key, artifact in written.items():
                seal(artifact, scratch / "sealed" / key, _producer(options, spec, key))
            judged, closed = closed_gate(written.values()), closed_gate(_judging(options.gate, inputs, written))
            publish(spec, title, given, places, inputs, written, returned)
            outputs = {key: (each, given.outputs[key].uri) for key, each in written.items() if key in given.outputs}
            record.complete(
                FinishedStep(
                    inputs=inputs_with_places(given, inputs),
                    outputs=outputs,
                    output_parameters=returned,
                    exit_code=judged[1].exit_code if judged else 0,
                )
            )
        if closed is None or not closed[1].stops_run:
            return 0
        verdict, gate = closed
        print(f"{title} closed the gate: {verdict.summary}", file=sys.stderr)  # noqa: T201 (the step's log)
        return gate.exit_code


def _named(options: Options, given: ExecutorInput) -> Options:
    """Return the command line with the names that the cluster left to us, and the registry of the environment.

    Raises:
        UsageError: If the step is to record what it blesses and does not know for which pipeline.
    """
    names = TaskNames(options.pipeline, options.run_id, options.node).filled(
        each.uri for each in given.outputs.values()
    )
    registry = "" if options.component in STEERING else options.registry or os.environ.get(VARIABLE, "")
    if registry and not names.pipeline:
        raise UsageError(
            "kfp.no_pipeline_name",
            f"{options.component} records blessed models by the pipeline's name, but the pipeline has no name.",
            'Set it on the step: `.configured(pipeline="daily-check")`, or `--pipeline`.',
        )
    return replace(options, pipeline=names.pipeline, run_id=names.run_id, node=names.task, registry=registry)


def _judging(
    gate: GateOf, inputs: Mapping[str, tuple[Artifact, ...]], written: Mapping[str, Artifact]
) -> Sequence[Artifact]:
    """Return the artifacts whose verdict decides the exit code."""
    if gate == "outputs":
        return [*written.values()]
    return [artifact for found in inputs.values() for artifact in found] if gate == "inputs" else []


def _context(options: Options, spec: ComponentSpec, given: ExecutorInput, temp_dir: Path) -> ExecutionContext:
    return ExecutionContext(
        engine=_engine(options.beam_pipeline_args),
        temp_dir=temp_dir,
        seed=options.seed,
        log=lambda message: print(message, flush=True),  # noqa: T201 (standard output is the step's log)
        pipeline_name=options.pipeline,
        run_id=options.run_id,
        node_id=options.node,
        beam_pipeline_args=options.beam_pipeline_args,
        wired=wired_names(spec, given),
    )


def _engine(beam_pipeline_args: tuple[str, ...]) -> Engine:
    if not beam_pipeline_args:
        return EmbeddedEngine()
    from assay.engines.beam import BeamEngine  # noqa: PLC0415 (Beam takes seconds to import, and most steps need none)

    return BeamEngine(beam_pipeline_args)


def _producer(options: Options, spec: ComponentSpec, key: str) -> Producer:
    return Producer(
        component=spec.name,
        component_version=assay.__version__,
        node_id=options.node or spec.name,
        output_key=key,
        pipeline=options.pipeline,
        run_id=options.run_id,
    )


@contextlib.contextmanager
def _recorded_failure(record: StepRecord) -> Iterator[None]:
    """Record a step that fails, or is stopped, and let its error pass."""
    try:
        yield
    except BaseException as error:
        code = error.code if isinstance(error, AssayError) else "run.interrupted"
        try:
            record.fail(code, str(error) or type(error).__name__)
        except AssayError as refused:  # the registry's, which must not hide the step's own
            print(f"The failure could not be recorded: {refused}", file=sys.stderr)  # noqa: T201 (the step's log)
        raise


def parse_command_line(arguments: Sequence[str]) -> Options:
    """Read a step's command line."""
    parser = argparse.ArgumentParser(prog="python3 -m assay.runners.kfp.step", description="Run one step.")
    parser.add_argument("--component", required=True, help="StatisticsGen, package.module:Name, or a name in --source.")
    parser.add_argument("--executor-input", required=True, help="KFP's {{$}}.")
    parser.add_argument("--source", default="", help="The embedded file that declares the component.")
    parser.add_argument("--pipeline", default="")
    parser.add_argument("--run-id", default="")
    parser.add_argument("--node", default="")
    parser.add_argument("--registry", default="", help="Where blessed models are recorded; default: ASSAY_REGISTRY.")
    parser.add_argument(
        "--gate", choices=["outputs", "inputs", "none"], default="outputs", help="Whose verdict decides."
    )
    parser.add_argument("--beam-pipeline-arg", action="append", default=[], help="May be repeated.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mounts", type=Path, default=Path("/"), help="The folder with gcs, s3 and minio.")
    parser.add_argument("--contract", help="Whose files the step reads and writes; kfp.local looks for it.")
    parser.add_argument("--interface", help="A digest of the task's interface; tells apart what KFP files by command.")
    values = vars(parser.parse_args(arguments))
    del values["contract"], values["interface"]
    return Options(beam_pipeline_args=tuple(values.pop("beam_pipeline_arg")), **values)


class _StoppedError(BaseException):
    """The cluster takes the step's machine away; no user's code may take it for an error of its own."""


def _stop(*_: object) -> None:
    raise _StoppedError("The step was stopped from outside.")


def main() -> int:
    """Run a step from the command line; errors end it with 1, wrong usage with 2."""
    signal.signal(signal.SIGTERM, _stop)  # so that scratch folders are removed
    try:
        return run_step(parse_command_line(sys.argv[1:]))
    except _StoppedError:
        print(  # noqa: T201 (the step's log)
            "Error: The step was stopped from outside (SIGTERM: evicted, cancelled, or out of time) before its outputs "
            "were complete.",
            file=sys.stderr,
        )
        return 128 + signal.SIGTERM
    except AssayError as error:
        if isinstance(error, UserCodeError) and error.user_traceback:
            print(error.user_traceback, file=sys.stderr)  # noqa: T201 (the step's log)
        if error.code == "component.crashed" and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201 (the step's log)
        return 2 if isinstance(error, UsageError) else 1


def _leave(exit_code: int) -> None:
    """End the process; at once if it loaded TensorFlow, whose objects complain when the interpreter shuts down."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever read it is gone
            stream.flush()
    if "tensorflow" in sys.modules:
        os._exit(exit_code)
    sys.exit(exit_code)


if __name__ == "__main__":
    _leave(main())
