"""`assay report` and `assay ui` on two runs of a small pipeline."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import text_format
from typer.testing import CliRunner, Result

import assay
from assay.cli.main import app
from assay.cli.pages.server import serve
from assay.cli.pages.site import open_site
from raising import raises

PIPELINE = """
from pathlib import Path
from assay import Pipeline, RuntimeParameter
from assay.components import CsvExampleGen, ExampleValidator, SchemaGen, StatisticsGen

examples = CsvExampleGen(input_base=str(Path(__file__).parent / "data"), output_config=None)
statistics = StatisticsGen(examples=examples.outputs["examples"])
schema = SchemaGen(statistics=statistics.outputs["statistics"])
anomalies = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
pipeline = Pipeline("fruit", None, [examples, statistics, schema, anomalies])
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a run, and another that was taken from the cache."""
    folder = tmp_path_factory.mktemp("fruit")
    (folder / "data").mkdir()
    lines = "".join(f"{number},{number / 3:.3f},{'pear' if number % 3 else 'fig'}\n" for number in range(60))
    (folder / "data" / "fruit.csv").write_text("id,weight,kind\n" + lines)
    (folder / "pipeline.py").write_text(PIPELINE)
    root = folder / "assay-root" / "fruit"
    for _ in range(2):
        done = run("run", str(folder / "pipeline.py"), "--root", str(root))
        assert done.exit_code == 0, done.output
    return root


def runs(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "runs").iterdir())


def test_a_run_has_a_page_and_each_of_its_artifacts_another(root: Path, tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    done = run("report", str(root / "runs" / runs(root)[0]), "-o", str(page), "--json")
    assert done.exit_code == 0, done.output
    written = [Path(path) for path in json.loads(done.stdout)["pages"]]
    assert written[0] == page
    assert len(written) == 5  # the run, and an artifact a step
    for path in written:
        for href in re.findall(r'href="([^"#][^"]*\.html)"', path.read_text()):
            assert (path.parent / href).is_file(), f"{path.name} leads to {href}"
    assert 'href="run.pages/artifact-1.html"' in page.read_text()
    assert 'href="../run.html"' in written[1].read_text()


def test_an_artifact_is_named_by_path_id_or_digest(root: Path, tmp_path: Path) -> None:
    folder = next((root / "SchemaGen" / "schema").iterdir())
    by_path = run("report", str(folder), "-o", "-").stdout
    digest = json.loads((folder / "manifest.json").read_text())["digest"]
    assert by_path.startswith("<!doctype html>")
    assert "Lineage" in by_path
    assert run("report", "3", "--root", str(root), "-o", "-").stdout == by_path
    assert run("report", digest[:20], "--root", str(root), "-o", "-").stdout == by_path
    assert run("report", digest.removeprefix("sha256:")[:8], "--root", str(root), "-o", "-").stdout == by_path


def test_a_pipeline_is_named_by_its_root_or_its_name(root: Path) -> None:
    by_root = run("report", str(root), "-o", "-").stdout
    assert "2 runs; the last passed." in by_root
    assert run("report", "fruit", "--root", str(root), "-o", "-").stdout == by_root


def test_files_of_tfdv_are_shown_and_compared(tmp_path: Path) -> None:
    for name, most in (("old", 20), ("new", 40)):
        rows = "".join(f"{number}\n" for number in range(most))
        (tmp_path / f"{name}.csv").write_text("n\n" + rows)
        assay.statistics(tmp_path / f"{name}.csv").save(tmp_path / f"{name}.pb")
        schema = assay.infer_schema(tmp_path / f"{name}.csv")
        schema.feature[0].presence.min_count = most
        (tmp_path / f"{name}.pbtxt").write_text(text_format.MessageToString(schema))
    alone = run("report", str(tmp_path / "old.pb"), "-o", "-")
    assert "old.pb" in alone.stdout
    beside = run("report", str(tmp_path / "new.pb"), "--against", str(tmp_path / "old.pb"), "-o", "-")
    assert '"series":["new.pb","old.pb"]' in beside.stdout
    changed = run("report", str(tmp_path / "new.pbtxt"), "--against", str(tmp_path / "old.pbtxt"), "-o", "-")
    assert '"presence.min_count","20","40"' in changed.stdout
    mixed = run("report", str(tmp_path / "new.pbtxt"), "--against", str(tmp_path / "old.pb"), "-o", "-")
    assert mixed.exit_code == 2
    assert "can be compared" in mixed.stderr


def test_what_a_gate_wrote_has_a_page(tmp_path: Path) -> None:
    for name, wrong in (("new", 200), ("old", 0)):
        rows = "".join(f"{at},{at % 2},{at % 2 if at >= wrong else 1 - at % 2},{at % 3}\n" for at in range(600))
        (tmp_path / f"{name}.csv").write_text("id,label,score,side\n" + rows)
    (tmp_path / "gate.yaml").write_text(GATE)
    tables = ["--predictions", str(tmp_path / "new.csv"), "--baseline-predictions", str(tmp_path / "old.csv")]
    more = ["--join-on", "id", "--config", str(tmp_path / "gate.yaml"), "-o", str(tmp_path / "decided")]
    decided = run("gate", *tables, *more)
    assert decided.exit_code == 4, decided.output
    html = run("report", str(tmp_path / "decided"), "-o", "-").stdout
    assert "not passed" in html
    assert "Rows that became worse" in html
    assert "Worst slices" in html


GATE = """
model_specs: [{label_key: label, prediction_key: score}]
slicing_specs: [{}, {feature_keys: [side]}]
metrics_specs:
- metrics:
  - class_name: BinaryAccuracy
    threshold:
      change_threshold: {direction: HIGHER_IS_BETTER, absolute: 0}
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [("nothing-of-that-name", "nothing-of-that-name"), ("fruits", "Did you mean 'fruit'?")],
)
def test_an_unknown_name_is_answered_with_what_is_known(root: Path, name: str, said: str) -> None:
    done = run("report", name, "--root", str(root))
    assert done.exit_code == 1
    assert said in done.stderr


def test_a_page_is_not_written_into_a_folder_that_is_not_there(root: Path, tmp_path: Path) -> None:
    done = run("report", str(root), "-o", str(tmp_path / "gone" / "page.html"))
    assert done.exit_code == 2
    assert "page.html" in done.stderr


@pytest.fixture
def server(root: Path) -> Iterator[int]:
    with open_site(root) as site, serve(site, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])  # seconds until it sees that it shall end
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text, dict(response.getheaders())


def test_every_page_of_the_server_can_be_reached_from_the_first(server: int, root: Path) -> None:
    seen: dict[str, str] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        status, html, headers = ask(server, path)
        assert status == 200, path
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        seen[path] = html
        links = re.findall(r'(?:href="|",")(/(?:run|pipeline|artifact)/[^"]+)"', html)
        waiting += [link for link in dict.fromkeys(links) if link not in seen and link not in waiting]
    assert {"/", "/pipeline/fruit", *(f"/run/{name}" for name in runs(root))} < set(seen)
    assert sum(path.startswith("/artifact/") for path in seen) == 4


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/run/../../../etc/passwd", 404),
        ("/run/..%2F..%2Fetc", 404),
        ("/artifact/999", 404),
        ("/artifact/%3Cscript%3Ealert(1)%3C/script%3E", 404),
        ("/pipeline/%3Cscript%3E", 404),
        ("/manifest.json", 404),
    ],
)
def test_the_server_gives_no_file_and_runs_no_script(server: int, path: str, status: int) -> None:
    found, html, _ = ask(server, path)
    assert found == status
    assert "<script>alert" not in html
    assert "root:x:" not in html


def test_the_server_only_reads_and_answers_to_its_own_name(server: int) -> None:
    assert ask(server, "/", "HEAD")[:2] == (200, "")
    for method in ("POST", "PUT", "DELETE"):
        assert ask(server, "/", method)[0] == 501
    assert ask(server, "/", host="evil.example")[0] == 403
    assert ask(server, "/", host="[")[0] == 403
    assert ask(server, "/", host=f"localhost:{server}")[0] == 200


@pytest.mark.parametrize("path", ["/run/..", "/run/%2e%2e", "/artifact/" + "9" * 40, "/artifact/" + "9" * 5000, "//["])
def test_an_address_that_leads_nowhere_is_answered(server: int, path: str) -> None:
    assert ask(server, path)[0] == 404


def test_an_address_that_is_taken_is_wrong_usage(server: int, root: Path) -> None:
    with (
        open_site(root) as site,
        raises("ui.address", f"127.0.0.1:{server}"),
        serve(site, "127.0.0.1", server),
    ):
        pass


def test_an_artifact_that_was_removed_is_still_known(root: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(root, moved)
    shutil.rmtree(moved / "ExampleValidator")
    done = run("report", "4", "--root", str(moved), "-o", "-")
    assert done.exit_code == 0, done.stderr
    assert "It cannot be shown" in done.stdout


def test_the_server_outlives_clients_that_break_off_and_takes_many_at_once(
    server: int, capfd: pytest.CaptureFixture[str]
) -> None:
    waiting = [socket.create_connection(("127.0.0.1", server), timeout=30) for _ in range(60)]
    for number, client in enumerate(waiting):
        if number % 2:
            client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        # Zero seconds to linger: closing resets the connection.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    assert ask(server, "/")[0] == 200
    assert "Traceback" not in capfd.readouterr().err
