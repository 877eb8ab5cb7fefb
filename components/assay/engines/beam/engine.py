"""Runs the kernels on Apache Beam.

Shards travel to the workers; states and results come back as files in a folder that driver and workers share, and the
driver merges them in the order of the shards. So the result is, to the byte, that of the embedded engine, whatever the
runner, its parallelism and its retries.
"""

from __future__ import annotations

import pickle
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, TypeVar

import apache_beam as beam
import pyarrow as pa
from apache_beam.internal.cloudpickle import cloudpickle
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from assay.engines.base import Accumulator, Shard, Source
from assay.engines.units import groups_of, units_of
from assay.errors import AssayError, EngineError

S = TypeVar("S")
R = TypeVar("R")
T = TypeVar("T")
Part = Sequence[Shard]


@dataclass(frozen=True, slots=True)
class BeamEngine:
    """An engine on a Beam runner.

    Attributes:
        arguments: Beam's options, such as `--runner=FlinkRunner` or `--direct_running_mode=multi_processing`.
    """

    arguments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The engine's name in logs and manifests."""
        return "beam"

    def reduce(self, source: Source, accumulator: Accumulator[S, R]) -> R:
        """Feed every batch of `source` to `accumulator` and extract the result.

        Raises:
            EngineError: If the runner fails, or loses or repeats a part.
        """
        total: Any = None
        for state in self._results(list(groups_of(source)), _StatesOf(accumulator, bounded=source.bounded)):
            total = state if total is None else accumulator.merge([total, state])
        return accumulator.extract(accumulator.create() if total is None else total)

    def map(self, source: Source, function: Callable[[pa.RecordBatch], T]) -> Iterator[T]:
        """Apply `function` to every batch, in order.

        Raises:
            EngineError: If the runner fails, or loses or repeats a part.
        """
        yield from self._results([[shard] for shard in source.shards], _ResultsOf(function))

    def _results(self, parts: Sequence[Part], work: Callable[[Part], Iterator[T]]) -> Iterator[T]:
        """Yield the result of `work` for each part, in order; one result is in memory at a time."""
        options = PipelineOptions(list(self.arguments))
        with tempfile.TemporaryDirectory(prefix="assay-beam-") as local:
            folder = _shared_folder(options, local)
            done = self._run(parts, _WriteResult(work, folder), options, folder)
            if done != list(range(len(parts))):
                raise EngineError(
                    "beam.shards_lost",
                    f"{len(parts)} parts were sent to Beam's workers, but the results of {len(done)} came back.",
                    "Nothing was published. Please report the runner and its version.",
                )
            for number in done:
                with FileSystems.open(_result_path(folder, number)) as stream:
                    yield from _unpickled(stream)
            if folder != local:
                FileSystems.delete([folder])

    def _run(self, parts: Sequence[Part], work: _WriteResult, options: PipelineOptions, folder: str) -> list[int]:
        """Run the pipeline and return the numbers of the parts whose results were written."""
        runner = FnApiRunner() if options.view_as(StandardOptions).runner in {None, "DirectRunner"} else None
        try:
            with beam.Pipeline(runner=runner, options=options) as pipeline:
                _ = (
                    pipeline
                    | "Parts" >> beam.Create([cloudpickle.dumps(item) for item in enumerate(parts)])
                    | "Spread" >> beam.Reshuffle()
                    | "Work" >> beam.Map(work)
                )
        except AssayError as error:
            _restore_code(error)
            raise
        except Exception as error:
            raise _runner_failed(error) from error
        found = FileSystems.match([f"{folder}/result-*"])[0].metadata_list
        return sorted(int(metadata.path.rsplit("-", 1)[1]) for metadata in found)


@dataclass(frozen=True, slots=True)
class _StatesOf:
    """The state of each unit of a part's rows."""

    accumulator: Accumulator[Any, Any]
    bounded: bool

    def __call__(self, part: Part) -> Iterator[Any]:
        units: Iterable[Iterable[pa.RecordBatch]] = (unit for shard in part for unit in units_of(shard))
        if self.bounded:
            units = [(batch for shard in part for batch in shard.batches())]
        for unit in units:
            state = self.accumulator.create()
            for batch in unit:
                state = self.accumulator.add_batch(state, batch)
            yield state


@dataclass(frozen=True, slots=True)
class _ResultsOf:
    """The result of each batch of a part."""

    function: Callable[[pa.RecordBatch], Any]

    def __call__(self, part: Part) -> Iterator[Any]:
        for shard in part:
            for batch in shard.batches():
                yield self.function(batch)


@dataclass(frozen=True, slots=True)
class _WriteResult:
    """Works on one part and writes the results; a retry writes the same file again."""

    work: Callable[[Part], Iterator[Any]]
    folder: str

    def __call__(self, item: bytes) -> int:
        number, part = pickle.loads(item)  # noqa: S301 (written by the driver of this run)
        path = _result_path(self.folder, number)
        temporary = f"{self.folder}/.{number}-{uuid.uuid4().hex}"
        with FileSystems.create(temporary) as stream:
            for result in self.work(part):
                stream.write(cloudpickle.dumps(result))
        if FileSystems.exists(path):  # an earlier attempt of the same bundle wrote it; the content is the same
            FileSystems.delete([temporary])
        else:
            FileSystems.rename([temporary], [path])
        return int(number)


def _unpickled(stream: IO[bytes]) -> Iterator[Any]:
    """Return the values that were written to a file one after another."""
    while True:
        try:
            yield pickle.load(stream)  # noqa: S301 (written by this run's own workers)
        except EOFError:
            return


def _result_path(folder: str, number: int) -> str:
    return f"{folder}/result-{number}"


def _shared_folder(options: PipelineOptions, local: str) -> str:
    """Return a folder that driver and workers see: below `--temp_location` where one is given, else on this machine."""
    location = options.view_as(GoogleCloudOptions).temp_location
    if not location:
        return local
    folder: str = FileSystems.join(location, f"assay-{uuid.uuid4().hex}")
    FileSystems.mkdirs(folder)
    return folder


def _restore_code(error: AssayError) -> None:
    """Take out " [while running 'Work']", which Beam adds to an error's first argument: to the code of ours."""
    error.code = error.code.partition(" ")[0]
    error.args = (error.code, *error.args[1:])


def _runner_failed(error: Exception) -> AssayError:
    """Return the error of our own that a worker raised, where Beam kept it; else one that shows the runner's words."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AssayError):
            _restore_code(cause)
            return cause
        cause = cause.__cause__ or cause.__context__
    details = getattr(error, "details", None)  # gRPC's errors print as a block that ends with a bracket
    text = str(details()) if callable(details) else str(error)
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return EngineError(
        "beam.runner_failed",
        f"Beam's runner failed: {type(error).__name__}: {lines[-1] if lines else error}",
        "The step's log has the worker's traceback.",
    )
