"""Beam's portable runner with its parts apart: a job server, a pool of workers in the beam image, and a pipeline."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workshop import TrialError, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "/minio/assay"
PIPELINE = "/src/tests/containers/beam_pipeline.py"
JOB_SERVER = "apache_beam.runners.portability.local_job_service_main"


@dataclass(frozen=True)
class BeamTrial:
    """Where the pipeline runs, and on what.

    Attributes:
        workshop: Has the images.
        full: The image that the pipeline and the job server run in.
        beam: The image of the workers.
        source: The project.
        bucket: The folder that driver and workers share, as a bucket would be.
        model: The model that is evaluated, as a container sees it.
    """

    workshop: Workshop
    full: str
    beam: str
    source: Path
    bucket: Path
    model: str

    def run(self, name: str, arguments: list[str]) -> Path:
        """Runs the pipeline with Beam's options; gives the root with its artifacts.

        Raises:
            TrialError: If it fails.
        """
        settings = [f"XDG_CACHE_HOME={BUCKET}/data", f"BEAM_ARGUMENTS={' '.join(arguments)}", f"MODEL={self.model}"]
        log = self.workshop.folder / f"beam-{name}.log"
        with self.workshop.container(self.full) as container:
            run = f"cd /tmp && assay run {PIPELINE} --root {BUCKET}/{name}; code=$?; test $code = 4 || exit $code"
            mounts = {self.source: "/src", self.bucket: BUCKET}
            container.run(["env", *settings, "sh", "-c", run], mounts=mounts, log=log)
        return self.bucket / name

    def run_on_workers(self, name: str) -> Path:
        """Runs it by way of a job server, with workers in the beam image.

        Raises:
            TrialError: If a server does not come up, or the pipeline fails.
        """
        jobs, pool = free_port(), free_port()
        (self.bucket / "beam").mkdir(exist_ok=True)
        (self.bucket / "beam").chmod(0o777)
        arguments = [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{jobs}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{pool}",
            f"--temp_location={BUCKET}/beam",
        ]
        server = ["python3", "-m", JOB_SERVER, f"--port={jobs}"]
        boot = ["/opt/apache/beam/boot", "--worker_pool", f"--service_port={pool}"]
        with (
            serving(self.workshop, self.full, server, jobs, {}),
            serving(self.workshop, self.beam, boot, pool, {self.source: "/src", self.bucket: BUCKET}),
        ):
            return self.run(name, arguments)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(workshop: Workshop, image: str, command: list[str], port: int, mounts: dict[Path, str]) -> Iterator[None]:
    """A server in a container, from when it listens until the end of the block.

    Raises:
        TrialError: If it ends, or does not listen within a minute.
    """
    log = workshop.folder / f"{image.split(':', maxsplit=1)[0].replace('/', '-')}-server.log"
    volumes = [word for folder, place in mounts.items() for word in ("--volume", f"{folder}:{place}")]
    with workshop.container(image) as container, log.open("wb") as stream:
        # The job server tells workers its host's name, which no other container could look up.
        run = ["buildah", *workshop.options, "run", "--hostname", "localhost", *volumes, container.name, "--", *command]
        process = subprocess.Popen(run, stdout=stream, stderr=stream, env=workshop.environment, start_new_session=True)
        try:
            wait_for(port, process, log)
            yield
        finally:
            # The group: buildah does not hand a signal on to what it runs.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until somebody listens."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TrialError(f"The server at port {port} did not come up; see {log}:\n{log.read_text()[-2000:]}")
