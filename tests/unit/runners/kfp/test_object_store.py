"""Object stores as clusters have them: wrong addresses, no credentials, odd names, and images without s3fs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.artifacts.store import MANIFEST
from assay.runners.kfp import CsvExampleGen, ImportSchemaGen
from assay.runners.kfp.blessed_models import latest_blessed
from assay.runners.kfp.storage import Places, open_store
from raising import raises

MakeTask = Callable[..., Any]


def names(folder: Path | None) -> list[str]:
    assert folder is not None
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


class TestNames:
    def test_marks_of_folders_are_no_files(self, s3: Any, tmp_path: Path) -> None:
        """The consoles of S3 and Google Cloud Storage keep an empty object for each folder that was made there."""
        for name in ("d/", "d/one", "d/sub/", "d/sub/two"):
            s3.pipe_file(f"store/{name}", b"" if name.endswith("/") else b"x")
        assert names(Places(tmp_path).fetch("s3://store/d")) == ["one", "sub", "sub/two"]

    def test_a_name_with_characters_that_mean_something_in_urls(self, s3: Any, tmp_path: Path) -> None:
        s3.pipe_file("store/a b#c?.csv", b"x")
        found = Places(tmp_path).fetch("s3://store/a b#c?.csv")
        assert found is not None
        assert (found.name, found.read_bytes()) == ("a b#c?.csv", b"x")

    def test_a_path_in_a_file_url_may_be_escaped(self, tmp_path: Path) -> None:
        (tmp_path / "ä b").write_text("x")
        assert Places(tmp_path).fetch((tmp_path / "ä b").as_uri()) == tmp_path / "ä b"

    def test_a_pipeline_whose_name_begins_with_anothers(self, s3: Any) -> None:
        s3.pipe_file("store/registry/taxi2/1.json", b"{}")
        assert latest_blessed("s3://store/registry/", "taxi", []) is None


def test_what_an_earlier_attempt_left_is_removed(s3: Any, tmp_path: Path) -> None:
    for attempt, files in enumerate((["a", "b", "c"], ["a"])):
        made = tmp_path / str(attempt)
        made.mkdir()
        for name in (*files, MANIFEST):
            (made / name).write_text(name)
        Places(tmp_path).publish(made, "s3://store/run/artifact")
    assert s3.find("store/run/artifact") == ["store/run/artifact/a", f"store/run/artifact/{MANIFEST}"]


class TestUnreachable:
    """What the packages of stores raise has no base of its own; a traceback of botocore's helps nobody."""

    @pytest.fixture(params=["address", "credentials"])
    def store(self, request: pytest.FixtureRequest, s3: Any, monkeypatch: pytest.MonkeyPatch) -> str:
        s3.pipe_file("store/file", b"x")
        if request.param == "address":
            monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
            return "EndpointConnectionError"
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
        return "NoCredentialsError"

    def test_reading(self, store: str, tmp_path: Path) -> None:
        with raises("kfp.unreachable", "s3://store/file", store):
            Places(tmp_path).fetch("s3://store/file")

    def test_writing(self, store: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with raises("kfp.unreachable", "s3://store/file", store):
            Places(tmp_path).publish(tmp_path / "file", "s3://store/file")

    def test_the_registry(self, store: str) -> None:
        with raises("kfp.unreachable", "s3://store/registry/taxi", store):
            latest_blessed("s3://store/registry", "taxi", [])


class TestImagesWithoutTheStoresPackage:
    def test_a_step_reads_and_writes_by_arrow(self, s3: Any, trips: Path, task: MakeTask, step_path: str) -> None:
        s3.put_file(str(trips / "trips.csv"), "store/lake/trips.csv")
        mine = task(CsvExampleGen, input_base="s3://store/lake").placed("s3://store/run/gen")
        code = (
            "import sys; sys.modules['s3fs'] = None\n"
            "from assay.runners.kfp.storage import open_store\n"
            "from assay.runners.kfp.step import main\n"
            "code = main()\n"
            "store = open_store('minio://store/registry')\n"
            "store.write('taxi/1.json', b'{}')\n"
            "store.write('taxi/2.json', b'{}')\n"
            "store.remove(['taxi/1.json'])\n"
            "there = [store.is_there(), open_store('s3://other/x').is_there()]\n"
            "print(type(store.files).__name__, store.names(), store.read('taxi/2.json'), there)\n"
            "sys.exit(code)"
        )
        command = [sys.executable, "-c", code, *mine.command[3:]]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": step_path},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "ArrowFSWrapper ['taxi/2.json'] b'{}' [True, False]"
        assert s3.exists(f"store/run/gen/examples/{MANIFEST}")
        local = task(CsvExampleGen, input_base=str(trips)).run().outputs["examples"]
        assert local.metadata["digest"] in s3.cat_file(f"store/run/gen/examples/{MANIFEST}").decode()


class TestWebServers:
    @pytest.fixture
    def address(self, tmp_path: Path) -> Iterator[str]:
        (tmp_path / "schema.pbtxt").write_text('feature { name: "miles" type: FLOAT }')

        class Quiet(SimpleHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as listening:
            threading.Thread(target=listening.serve_forever, args=[0.01], daemon=True).start()
            yield f"http://127.0.0.1:{listening.server_port}"
            listening.shutdown()

    def test_a_file_of_the_authors_by_its_url(self, address: str, task: MakeTask) -> None:
        outputs = task(ImportSchemaGen, schema_file=f"{address}/schema.pbtxt?token=1").run().outputs
        assert "miles" in (Path(outputs["schema"].path) / "schema.pbtxt").read_text(encoding="utf-8")

    def test_nothing_there(self, address: str, tmp_path: Path) -> None:
        assert Places(tmp_path).fetch(f"{address}/lost.py") is None

    def test_no_server(self, tmp_path: Path) -> None:
        with raises("kfp.unreachable", "http://127.0.0.1:1/x", "URLError"):
            Places(tmp_path).fetch("http://127.0.0.1:1/x")


def test_a_bucket_that_there_is_not(s3: Any) -> None:
    assert open_store("s3://other/file").names() == []
    assert not open_store("s3://other/file").is_there()
    assert open_store("s3://store/file").is_there()
