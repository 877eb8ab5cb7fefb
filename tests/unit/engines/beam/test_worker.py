from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from raising import raises

pytestmark = pytest.mark.tensorflow


def dependency(name: str) -> Any:
    from apache_beam.portability.api import beam_runner_api_pb2 as api

    payload = api.ArtifactStagingToRolePayload(staged_name=name)
    return api.ArtifactInformation(role_payload=payload.SerializeToString())


def job(**fields: Any) -> Any:
    from apache_beam.portability.api import beam_provision_api_pb2 as api

    return api.ProvisionInfo(**fields)


def endpoint(url: str) -> Any:
    from apache_beam.portability.api import endpoints_pb2

    return endpoints_pb2.ApiServiceDescriptor(url=url)


def test_the_harness_is_told_what_the_runner_said() -> None:
    from assay.engines.beam.worker import Endpoints, environment_of

    info = job(control_endpoint=endpoint("runner:1"), runner_capabilities=["a", "b"])
    info.pipeline_options["beam:option:job_name:v1"] = "taxi"
    variables = environment_of("7", info, Endpoints(provision="p:1", control="old:1", logging="log:1"), "/scratch")
    assert variables["WORKER_ID"] == "7"
    assert variables["CONTROL_API_SERVICE_DESCRIPTOR"].strip() == 'url: "runner:1"'
    assert variables["LOGGING_API_SERVICE_DESCRIPTOR"].strip() == 'url: "log:1"'
    assert variables["RUNNER_CAPABILITIES"] == "a b"
    assert json.loads(variables["PIPELINE_OPTIONS"]) == {"beam:option:job_name:v1": "taxi"}
    assert "STATUS_API_SERVICE_DESCRIPTOR" not in variables


def test_a_worker_without_work_is_refused() -> None:
    from assay.engines.beam.worker import Endpoints, environment_of

    with raises("beam.no_control_endpoint"):
        environment_of("7", job(), Endpoints(provision="p:1"), "/scratch")


def test_a_job_that_brings_packages_is_refused() -> None:
    from assay.engines.beam.worker import check_nothing_is_staged

    listing = dependency("submission_environment_dependencies.txt")
    check_nothing_is_staged([listing])
    with raises("beam.staged_files", "requirements.txt", "mine.whl"):
        check_nothing_is_staged([listing, dependency("requirements.txt"), dependency("mine.whl")])


def test_a_runner_that_does_not_answer_is_named() -> None:
    from assay.engines.beam.worker import Endpoints, run_workers

    with raises("beam.no_provisioning", "7", "UNAVAILABLE"):
        run_workers("7", Endpoints(provision="localhost:1"), "/scratch")


@pytest.fixture
def runner() -> Iterator[str]:
    """A runner that provisions a worker with a requirements file."""
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2 as api
    from apache_beam.portability.api import beam_provision_api_pb2_grpc as service

    class Provision(service.ProvisionServiceServicer):  # type: ignore[misc] # Beam is not typed
        def GetProvisionInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 (gRPC's name)
            return api.GetProvisionInfoResponse(info=job(dependencies=[dependency("requirements.txt")]))

    server = grpc.server(ThreadPoolExecutor(1))
    service.add_ProvisionServiceServicer_to_server(Provision(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def test_the_command_ends_with_a_sentence_and_not_a_traceback(runner: str, project_root: Path) -> None:
    boot = [sys.executable, "-m", "assay.engines.beam.worker", "--id=7", f"--provision_endpoint={runner}", "--new=1"]
    environment = os.environ | {"PYTHONPATH": str(project_root / "components")}
    done = subprocess.run(boot, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert "requirements.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_line_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    from assay.engines.beam.worker import main

    with pytest.raises(SystemExit, match="2"):
        main(["--id=7"])
    assert "give --worker_pool, or --id and --provision_endpoint" in capsys.readouterr().err
