"""TensorFlow Serving in a container, with a stand-in for the `docker` command that serves its REST API."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from assay.components.infra_validator import LocalDockerConfig, ServingSpec, TensorFlowServing, ValidationSpec
from assay.components.infra_validator.compute import judge
from assay.components.infra_validator.serving_container import image_of, try_in_container
from assay.errors import EngineError
from raising import raises

BATCH = pa.RecordBatch.from_pydict({"x": pa.array([1.0, 2.0], pa.float32())})
LIMITS = ValidationSpec(max_loading_time_seconds=60, max_memory_megabytes=2000)
# Only the model that never loads is given up so soon: the stand-in alone may take seconds to start on a busy machine.
SOON = ValidationSpec(max_loading_time_seconds=1, max_memory_megabytes=2000)

# Keeps its state in the folder that it lies in, and speaks as much of Docker and of TensorFlow Serving as is asked for.
DOCKER = r"""#!PYTHON
import base64, json, os, pathlib, signal, subprocess, sys, time
here = pathlib.Path(__file__).parent
mode = (here / "mode").read_text()
with (here / "calls").open("a") as calls:
    print(*sys.argv[1:], file=calls)
if sys.argv[1] == "run":
    if mode == "broken":
        sys.exit("Cannot connect to the Docker daemon")
    subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (here / "port").exists():
        time.sleep(0.01)
    print("c0ffee")
elif sys.argv[1] == "port":
    print("127.0.0.1:" + (here / "port").read_text())
elif sys.argv[1] == "inspect":
    running = mode not in ("died", "oom")
    print(json.dumps({"Running": running, "OOMKilled": mode == "oom", "ExitCode": 0 if running else 137}))
elif sys.argv[1] == "logs":
    print("the last words", file=sys.stderr)
elif sys.argv[1] == "rm":
    os.kill(int((here / "pid").read_text()), signal.SIGTERM)
else:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    class Serving(BaseHTTPRequestHandler):
        def answer(self, document):
            body = json.dumps(document).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)
        def do_GET(self):
            if self.path.endswith("/metadata"):
                any_rows = {"dim": [{"size": "-1"}]}
                default = {
                    "inputs": {"examples": {"dtype": "DT_STRING", "tensor_shape": any_rows}},
                    "outputs": {"score": {"dtype": "DT_FLOAT", "tensor_shape": any_rows}},
                }
                self.answer({"metadata": {"signature_def": {"signature_def": {"serving_default": default}}}})
            else:
                self.answer({"model_version_status": [{"state": "LOADING" if mode != "good" else "AVAILABLE"}]})
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            rows = [base64.b64decode(one["b64"]) for one in asked["inputs"]["examples"]]
            self.answer({"outputs": [0.5 for _ in rows]})
    server = HTTPServer(("127.0.0.1", 0), Serving)
    (here / "pid").write_text(str(os.getpid()))
    (here / "port-new").write_text(str(server.server_port))
    (here / "port-new").rename(here / "port")
    server.serve_forever()
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(DOCKER.replace("PYTHON", sys.executable))
    (folder / "docker").chmod(0o755)
    (folder / "mode").write_text("good")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


def calls(docker: Path) -> list[str]:
    return [line.split()[0] for line in (docker / "calls").read_text().splitlines()]


def test_a_model_is_served_and_asked(docker: Path, tmp_path: Path) -> None:
    trial = try_in_container("tensorflow/serving:2.16", tmp_path, BATCH, ["serving_default"], LIMITS, "taxi")
    verdict = judge({"tensorflow/serving:2.16": trial}, LIMITS, subjects={})
    assert verdict.ok, verdict.summary
    assert verdict.summary == "The model loads and answers 2 examples in tensorflow/serving:2.16."
    assert (trial.report.answers[0].output, trial.report.answers[0].shape) == ("score", [2])
    run = (docker / "calls").read_text().splitlines()[0]
    assert f"--volume {tmp_path}:/models/taxi/1:ro --env MODEL_NAME=taxi --memory 2000m" in run
    assert run.endswith("tensorflow/serving:2.16")
    assert calls(docker)[-1] == "rm"


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("slow", "It took more than 1 s: it was still loading the model."),
        ("oom", "It was stopped while loading the model: it took more than 2000 MB."),
        ("died", "The process ended with code 137 while loading the model: the last words"),
    ],
)
def test_a_model_that_does_not_load_is_not_good(docker: Path, tmp_path: Path, mode: str, sentence: str) -> None:
    (docker / "mode").write_text(mode)
    limits = SOON if mode == "slow" else LIMITS
    trial = try_in_container("image", tmp_path, BATCH, ["serving_default"], limits, "taxi")
    assert judge({"image": trial}, limits, subjects={}).summary == sentence
    assert calls(docker)[-1] == "rm"


def test_a_docker_that_does_not_work_says_nothing_of_the_model(docker: Path, tmp_path: Path) -> None:
    (docker / "mode").write_text("broken")
    with raises("infra_validator.docker", "connect", "daemon", kind=EngineError):
        try_in_container("image", tmp_path, BATCH, ["serving_default"], LIMITS, "taxi")


def test_the_image_is_named_as_in_tfx(docker: Path) -> None:
    def image(**named: list[str]) -> str:
        return image_of(ServingSpec(tensorflow_serving=TensorFlowServing(**named), local_docker=LocalDockerConfig()))

    assert image_of(ServingSpec()) == ""
    assert image() == "tensorflow/serving:latest"
    assert image(tags=["2.16"]) == "tensorflow/serving:2.16"
    assert image(digests=["sha256:1"]) == "tensorflow/serving@sha256:1"
    with raises("infra_validator.images", "2"):
        image(tags=["1", "2"])
    with raises("infra_validator.container"):
        image_of(ServingSpec(local_docker=LocalDockerConfig()))
