"""`assay submit`: what KFP's client really sends, recorded by a server on loopback."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from assay.components import ImportSchemaGen
from assay.runners.kfp import compile_pipeline
from assay.runners.kfp.submission import Submission, connect, schedule, start, wait_for
from assay.spec import Pipeline, RuntimeParameter
from raising import raises

API = "/apis/v2beta1"


@dataclass
class Server:
    """A KFP server as far as its API is asked for, and what it was asked."""

    address: str = ""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    states: list[str] = field(default_factory=lambda: ["RUNNING", "SUCCEEDED"])
    refuses: bool = False
    status: int = 200
    is_api: bool = True

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.requests.append((method, path, body))
        if self.status != 200 or not self.is_api:  # a proxy before the server, or its page to log in
            return self.status, {"message": "Unauthenticated: the token expired"} if self.is_api else {}
        return self.answer_of_the_api(method, path, body)

    def answer_of_the_api(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if self.refuses and path == f"{API}/runs":
            return 400, {"error": "Failed to create a run: the root is not allowed", "code": 3}
        match method, path:
            case "GET", "/apis/v2beta1/healthz":
                return 200, {"multi_user": False}
            case "GET", "/apis/v2beta1/experiments":
                return 200, {}
            case "POST", "/apis/v2beta1/experiments":
                return 200, {"experiment_id": "e-1", "display_name": body["display_name"]}
            case "POST", "/apis/v2beta1/runs":
                return 200, {"run_id": "r-1", "state": "PENDING"}
            case "POST", "/apis/v2beta1/recurringruns":
                return 200, {"recurring_run_id": "rr-1"}
            case "GET", "/apis/v2beta1/runs/r-1":
                return 200, {"run_id": "r-1", "state": self.states.pop(0) if len(self.states) > 1 else self.states[0]}
        return 404, {"error": f"no {method} {path}"}

    def sent(self, path: str) -> Any:
        """The body of the one request that was posted to a path."""
        (body,) = [body for method, asked, body in self.requests if (method, asked) == ("POST", API + path)]
        return body


@pytest.fixture
def server() -> Iterator[Server]:
    known = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            known.tokens.add(self.headers.get("Authorization", ""))
            status, document = known.answer(self.command, urlsplit(self.path).path, json.loads(body) if body else None)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815 (the base class's names)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, args=[0.01], daemon=True).start()
        known.address = f"http://127.0.0.1:{listening.server_port}"
        yield known
        listening.shutdown()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    schema_file = RuntimeParameter("schema_file", str, None, "The schema.")
    compile_pipeline(Pipeline("my_pipeline", components=[ImportSchemaGen(schema_file=schema_file)]), path)
    return path


def submission(package: Path, **more: Any) -> Submission:
    return Submission(package=package, parameters=["schema_file=s3://b/s=1.pbtxt"], **more)


class TestRuns:
    def test_the_whole_pipeline_is_sent(self, server: Server, package: Path) -> None:
        run_id = start(
            connect(server.address), submission(package, name="mine", root="s3://b/root", service_account="robot")
        )
        assert run_id == "r-1"
        assert server.sent("/experiments")["display_name"] == "Default"
        run = server.sent("/runs")
        assert (run["display_name"], run["experiment_id"], run["service_account"]) == ("mine", "e-1", "robot")
        assert run["runtime_config"] == {
            "parameters": {"schema_file": "s3://b/s=1.pbtxt"},
            "pipeline_root": "s3://b/root",
        }
        assert run["pipeline_spec"]["pipelineInfo"]["name"] == "my-pipeline"
        container = run["pipeline_spec"]["deploymentSpec"]["executors"]["exec-import-schema-gen"]["container"]
        assert container["command"] == ["python3", "-m", "assay.runners.kfp.step"]

    def test_a_token(self, server: Server, package: Path) -> None:
        start(connect(server.address, token="secret"), submission(package))
        assert server.tokens == {"Bearer secret"}

    def test_without_the_cache(self, server: Server, package: Path) -> None:
        start(connect(server.address), submission(package, caching=False))
        task = server.sent("/runs")["pipeline_spec"]["root"]["dag"]["tasks"]["import-schema-gen"]
        assert not task["cachingOptions"].get("enableCache")

    def test_waiting_for_the_end(self, server: Server, package: Path) -> None:
        server.states = ["SUCCEEDED"]
        assert wait_for(connect(server.address), "r-1", seconds=30) == "SUCCEEDED"

    def test_what_the_server_refuses(self, server: Server, package: Path) -> None:
        server.refuses = True
        with raises("submit.failed", "p.yaml", "ApiException", "400", "Bad", "Request", "allowed"):
            start(connect(server.address), submission(package))

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_a_server_that_lets_nobody_in(self, status: int, server: Server, capfd: pytest.CaptureFixture[str]) -> None:
        """KFP's client asks five times, prints five tracebacks, and says that it gave up."""
        server.status = status
        with raises("submit.failed", "ApiException", status, "token", "expired"):
            connect(server.address)
        assert len(server.requests) == 1
        assert capfd.readouterr().err == ""

    def test_a_page_to_log_in_at(self, server: Server, package: Path) -> None:
        """It answers 200 to everything, with which the client is content."""
        server.is_api = False
        with raises("submit.no_answer"):
            start(connect(server.address), submission(package))
        with raises("submit.no_answer"):
            schedule(connect(server.address), submission(package), seconds=60)

    def test_a_run_that_goes_on(self, server: Server) -> None:
        server.states = ["RUNNING"]
        with raises("submit.not_ended", "1"):
            wait_for(connect(server.address), "r-1", seconds=1)

    def test_a_server_that_is_not_there(self) -> None:
        with raises("submit.failed", "http://127.0.0.1:1", "MaxRetryError"):
            connect("http://127.0.0.1:1")


class TestSchedules:
    def test_by_cron(self, server: Server, package: Path) -> None:
        assert schedule(connect(server.address), submission(package), cron="0 0 6 * * *") == "rr-1"
        recurring = server.sent("/recurringruns")
        assert recurring["trigger"]["cron_schedule"]["cron"] == "0 0 6 * * *"
        assert recurring["runtime_config"]["parameters"] == {"schema_file": "s3://b/s=1.pbtxt"}

    def test_by_interval(self, server: Server, package: Path) -> None:
        schedule(connect(server.address), submission(package, name="hourly"), seconds=3600)
        recurring = server.sent("/recurringruns")
        assert recurring["display_name"] == "hourly"
        assert recurring["trigger"]["periodic_schedule"]["interval_second"] in {3600, "3600"}

    def test_exactly_one_of_the_two(self, server: Server, package: Path) -> None:
        with raises("submit.schedule"):
            schedule(connect(server.address), submission(package), cron="* * * * * *", seconds=1)

    @pytest.mark.parametrize("cron", ["0 6 * * *", "every day"])
    def test_a_cron_expression_of_other_systems(self, cron: str, server: Server, package: Path) -> None:
        """The server takes five fields, and runs `0 6 * * *` at six minutes past every hour."""
        with raises("submit.cron", cron):
            schedule(connect(server.address), submission(package), cron=cron)
        schedule(connect(server.address), submission(package), cron="@daily")

    def test_an_interval_of_less_than_nothing(self, server: Server, package: Path) -> None:
        with raises("submit.schedule"):
            schedule(connect(server.address), submission(package), seconds=-5)


class TestWrongUsage:
    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            (["schema=x"], ("submit.param", "schema=x", "schema_file")),
            ([], ("submit.missing", "schema_file")),
        ],
    )
    def test_parameters(self, parameters: list[str], expected: tuple[str, ...], server: Server, package: Path) -> None:
        with raises(*expected):
            start(connect(server.address), Submission(package=package, parameters=parameters))

    def test_a_value_of_a_wrong_type(self, server: Server, package: Path) -> None:
        text = package.read_text(encoding="utf-8").replace("parameterType: STRING", "parameterType: NUMBER_INTEGER")
        package.write_text(text, encoding="utf-8")
        with raises("submit.value", "schema_file", "NUMBER_INTEGER", "many"):
            start(connect(server.address), Submission(package=package, parameters=["schema_file=many"]))

    def test_a_file_that_is_no_pipeline(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "x.yaml").write_text("a: 1\n")
        with raises("submit.package", "x.yaml"):
            start(connect(server.address), Submission(package=tmp_path / "x.yaml"))


@pytest.mark.slow  # KFP's client looks every five seconds
def test_the_command_submits_and_waits(server: Server, package: Path, project_root: Path) -> None:
    command = [sys.executable, "-m", "assay.cli.main", "submit", str(package), "--host", server.address]
    done = subprocess.run(
        [*command, "--param", "schema_file=s3://b/s.pbtxt", "--wait", "60"],
        env=os.environ | {"PYTHONPATH": str(project_root / "components")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Submitted: run r-1.\nRun r-1: SUCCEEDED.\n"
