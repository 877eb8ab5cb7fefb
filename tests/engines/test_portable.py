"""Beam's portable runner with its parts apart: a job server, and a pool that starts workers as our image does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from assay.data.csv import scan_csv
from assay.data.example_records import ExampleRecords, ExampleRecordWriter
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from raising import raises

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Waits until the server listens; False where it ended instead, as it does when the port was taken meanwhile."""
    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


@contextmanager
def serving(folder: Path, module: str, option: str, *options: str) -> Iterator[str]:
    """The address of a server in a process of its own, from when it listens."""
    log = folder / f"{module}.log"
    for _ in range(3):
        port = free_port()
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *options, f"{option}={port}"],
                stdout=stream,
                stderr=stream,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )
        try:
            if listens(process, port):
                yield f"localhost:{port}"
                return
        finally:
            process.terminate()
            process.wait(timeout=60)
    pytest.fail(f"{module} does not listen: {log.read_text()}")


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        jobs = stack.enter_context(serving(folder, "apache_beam.runners.portability.local_job_service_main", "--port"))
        pool = stack.enter_context(serving(folder, "assay.engines.beam.worker", "--service_port", "--worker_pool"))
        yield (
            "--runner=PortableRunner",
            f"--job_endpoint={jobs}",
            "--environment_type=EXTERNAL",
            f"--environment_config={pool}",
        )


def test_statistics_have_the_same_bytes(portable: tuple[str, ...], tmp_path: Path) -> None:
    from assay.engines.beam import BeamEngine

    path = tmp_path / "rows.csv"
    path.write_text("n,x,w\n" + "".join(f"{n},{n / 7},word {n % 1000}\n" for n in range(40_000)))
    source = scan_csv([path], block_bytes=200_000)
    accumulator = DatasetStatistics(StatisticsOptions(max_exact_bytes=100_000))
    expected = EmbeddedEngine().reduce(source, accumulator)
    # A folder that driver and workers share, as a bucket would be.
    arguments = (*portable, f"--temp_location={tmp_path}/shared")
    found = BeamEngine(arguments).reduce(source, accumulator)
    assert found.datasets[0].num_examples == 40_000
    assert found.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)
    assert list((tmp_path / "shared").iterdir()) == [], "the workers' results are cleared away"


def test_what_went_wrong_in_a_worker_is_said(portable: tuple[str, ...], tmp_path: Path) -> None:
    from assay.engines.beam import BeamEngine

    path = tmp_path / "cut.tfrecord.gz"
    with ExampleRecordWriter(path) as writer:
        writer.write(pa.table({"n": list(range(1000))}).to_batches()[0])
    path.write_bytes(path.read_bytes()[:-20])
    with raises("beam.runner_failed", "cut.tfrecord.gz"):
        BeamEngine(portable).reduce(ExampleRecords([path]), DatasetStatistics())
