"""What a Beam runner starts in a worker's container: the container contract of Beam's SDKs, without Beam's own program.

    python3 -m assay.engines.beam.worker --id=… --provision_endpoint=…     one worker
    python3 -m assay.engines.beam.worker --worker_pool                     a pool that starts workers when it is asked

Beam's images do this with a program that only those images hold. This one is for images that hold everything a worker
needs: it asks the runner for the job's options and starts Beam's Python harness, and installs nothing.
"""

from __future__ import annotations

import argparse
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import grpc
from apache_beam.portability.api import beam_provision_api_pb2 as provision_api
from apache_beam.portability.api import beam_provision_api_pb2_grpc as provision_service
from apache_beam.portability.api import beam_runner_api_pb2 as runner_api
from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.worker import worker_pool_main
from google.protobuf import json_format, text_format

from assay.errors import AssayError, EngineError

POOL_PORT = 50_000
# What submitting a job always stages: a list of what was installed there. Nothing reads it.
_LISTING = "submission_environment_dependencies.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where a runner answers; one that provisioning names comes before one of the command line.

    Attributes:
        provision: Tells a worker about its job.
        control: Gives it work.
        logging: Takes its log.
    """

    provision: str
    control: str = ""
    logging: str = ""


def environment_of(worker_id: str, info: provision_api.ProvisionInfo, given: Endpoints, folder: str) -> dict[str, str]:
    """Return the variables that Beam's harness reads.

    Args:
        worker_id: One of the job's workers.
        info: What the runner says of the job.
        given: The endpoints of the command line.
        folder: A folder for the harness.

    Raises:
        EngineError: If the runner names no control endpoint.
    """
    control, logging = info.control_endpoint, info.logging_endpoint
    if not control.url:
        control = endpoints_pb2.ApiServiceDescriptor(url=given.control)
    if not logging.url:
        logging = endpoints_pb2.ApiServiceDescriptor(url=given.logging)
    if not control.url:
        raise EngineError(
            "beam.no_control_endpoint",
            f"The runner at {given.provision} provided no control endpoint, and the command line does not give one.",
            "Start the worker with --control_endpoint=HOST:PORT.",
        )
    variables = {
        "WORKER_ID": worker_id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "SEMI_PERSISTENT_DIRECTORY": folder,
        "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(control),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }
    if logging.url:
        variables["LOGGING_API_SERVICE_DESCRIPTOR"] = text_format.MessageToString(logging)
    if info.status_endpoint.url:
        variables["STATUS_API_SERVICE_DESCRIPTOR"] = text_format.MessageToString(info.status_endpoint)
    return variables


def check_nothing_is_staged(dependencies: Sequence[runner_api.ArtifactInformation]) -> None:
    """Refuses a job that brings packages or files, since nothing here would install them.

    Raises:
        EngineError: If it does.
    """
    names = [runner_api.ArtifactStagingToRolePayload.FromString(each.role_payload).staged_name for each in dependencies]
    brought = [name for name in names if name != _LISTING]
    if brought:
        raise EngineError(
            "beam.staged_files",
            f"The job stages files for its workers ({', '.join(brought)}), but this worker's image does "
            "not install any.",
            "Remove --requirements_file, --setup_file, --extra_package and --save_main_session; what the module "
            "file needs goes into an image built FROM this one.",
        )


def run_workers(worker_id: str, given: Endpoints, folder: str) -> int:
    """Run the harness of a worker, and of its siblings where the runner wants several in one container.

    Returns:
        0 where all ended well, else the exit code of one that did not.

    Raises:
        EngineError: If the runner cannot be asked, or asks for what this worker cannot do.
    """
    info = _provision_info(worker_id, given.provision)
    check_nothing_is_staged(info.dependencies)
    command = [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"]
    workers = [
        subprocess.Popen(command, env=os.environ | environment_of(each, info, given, folder))  # noqa: S603 (our own)
        for each in [worker_id, *info.sibling_worker_ids]
    ]

    def pass_on(number: int, _frame: FrameType | None) -> None:
        for worker in workers:
            worker.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    return max((abs(worker.wait()) for worker in workers), default=0)


def _provision_info(worker_id: str, endpoint: str) -> provision_api.ProvisionInfo:
    with grpc.insecure_channel(endpoint) as channel:
        ask = provision_service.ProvisionServiceStub(channel).GetProvisionInfo
        try:
            answer = ask(provision_api.GetProvisionInfoRequest(), metadata=[("worker_id", worker_id)], timeout=60)
        except grpc.RpcError as error:
            raise EngineError(
                "beam.no_provisioning",
                f"The runner at {endpoint} did not tell worker {worker_id} about its job: {error.code().name}.",
                "Check that the worker reaches the runner's host and port.",
            ) from error
    return answer.info


def serve_pool(port: int) -> None:
    """Start a worker whenever the runner of an EXTERNAL environment asks for one, until it is interrupted."""
    with tempfile.TemporaryDirectory(prefix="assay-pool-") as folder:
        # The pool wants one program to start; the interpreter and its path are this process's.
        program = Path(folder) / "worker"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {__spec__.name} "$@"\n', encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        worker_pool_main.main(["--service_port", str(port), "--container_executable", str(program)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Read a command line as Beam's runners write it; options that only Beam's own program knows are ignored."""
    parser = argparse.ArgumentParser(prog="python3 -m assay.engines.beam.worker", description=__doc__)
    parser.add_argument("--worker_pool", action="store_true")
    parser.add_argument("--service_port", type=int, default=POOL_PORT)
    parser.add_argument("--id", default="")
    parser.add_argument("--provision_endpoint", default="")
    parser.add_argument("--control_endpoint", default="")
    parser.add_argument("--logging_endpoint", default="")
    parser.add_argument("--semi_persist_dir", default=tempfile.gettempdir())
    given, _ = parser.parse_known_args(arguments)
    if given.worker_pool:
        serve_pool(given.service_port)
        return 0
    if not given.id or not given.provision_endpoint:
        parser.error("give --worker_pool, or --id and --provision_endpoint as a runner does")
    endpoints = Endpoints(
        provision=given.provision_endpoint, control=given.control_endpoint, logging=given.logging_endpoint
    )
    try:
        return run_workers(given.id, endpoints, given.semi_persist_dir)
    except AssayError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
