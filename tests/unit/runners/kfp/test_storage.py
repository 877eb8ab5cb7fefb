"""Artifacts at paths, at KFP's mounts, and in an object store: a real S3 server on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from assay.artifacts.store import MANIFEST, read_manifest
from assay.runners.kfp import CsvExampleGen, StatisticsGen
from assay.runners.kfp.storage import Places
from raising import raises

MakeTask = Callable[..., Any]


class TestObjectStore:
    def test_steps_read_and_write_there(self, s3: Any, trips: Path, task: MakeTask, tmp_path: Path) -> None:
        s3.put_file(str(trips / "trips.csv"), "store/lake/trips/trips.csv")
        first = task(CsvExampleGen, input_base="s3://store/lake/trips").placed("s3://store/run/gen").run()
        examples = first.outputs["examples"]
        assert examples.uri == "s3://store/run/gen/examples"
        second = task(StatisticsGen, examples=examples).placed("s3://store/run/stats").run()
        s3.get("store/run/stats/statistics", str(tmp_path / "there"), recursive=True)
        digest = read_manifest(tmp_path / "there").digest
        assert second.outputs["statistics"].metadata["digest"] == digest
        assert s3.cat_file("store/run/stats/html_report").startswith(b"<!doctype html>")
        # The same step on this machine's files makes the same bytes.
        local = task(CsvExampleGen, input_base=str(trips)).run().outputs["examples"]
        assert local.metadata["digest"] == examples.metadata["digest"]

    def test_the_process_does_so_by_its_environment(self, s3: Any, trips: Path, task: MakeTask, step_path: str) -> None:
        mine = task(CsvExampleGen, input_base=str(trips)).placed("s3://store/run/gen")
        done = subprocess.run(
            [sys.executable, *mine.command[1:]],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": step_path},
        )
        assert done.returncode == 0, done.stderr
        assert s3.exists(f"store/run/gen/examples/{MANIFEST}")

    def test_the_manifest_is_the_last_file(self, s3: Any, tmp_path: Path) -> None:
        made = tmp_path / "made"
        (made / "z").mkdir(parents=True)
        for name in ("z/data", MANIFEST, "a"):
            (made / name).write_text(name)
        Places(tmp_path / "scratch").publish(made, "s3://store/a/b")
        by_time = sorted(s3.find("store/a/b", detail=True).values(), key=lambda each: each["LastModified"])
        assert sorted(each["name"] for each in by_time) == ["store/a/b/a", f"store/a/b/{MANIFEST}", "store/a/b/z/data"]
        assert by_time[-1]["LastModified"] == s3.info(f"store/a/b/{MANIFEST}")["LastModified"]

    def test_nothing_there(self, s3: Any, tmp_path: Path) -> None:
        assert Places(tmp_path).fetch("s3://store/nothing") is None

    def test_a_bucket_that_there_is_not(self, s3: Any, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with raises("kfp.unreachable", "s3://other/file"):
            Places(tmp_path).publish(tmp_path / "file", "s3://other/file")

    def test_minio_is_s3_at_another_address(self, s3: Any, tmp_path: Path) -> None:
        s3.pipe_file("store/k/one", b"1")
        found = Places(tmp_path).fetch("minio://store/k")
        assert found is not None
        assert (found / "one").read_bytes() == b"1"


class TestMounts:
    @pytest.mark.parametrize("scheme", ["gs", "s3", "minio"])
    def test_a_mount_is_used_where_there_is_one(self, scheme: str, trips: Path, task: MakeTask, tmp_path: Path) -> None:
        mount = tmp_path / "mounts" / {"gs": "gcs", "s3": "s3", "minio": "minio"}[scheme]
        mount.mkdir(parents=True)
        first = task(CsvExampleGen, input_base=str(trips)).placed(f"{scheme}://bucket/run/gen")
        first.mounts = tmp_path / "mounts"
        examples = first.run().outputs["examples"]
        assert examples.uri == f"{scheme}://bucket/run/gen/examples"
        assert (mount / "bucket/run/gen/examples" / MANIFEST).is_file()
        second = task(StatisticsGen, examples=examples).placed(f"{scheme}://bucket/run/stats")
        second.mounts = tmp_path / "mounts"
        second.run()
        assert (mount / "bucket/run/stats/statistics" / MANIFEST).is_file()

    def test_gcs_paths_are_those_of_kfp(self) -> None:
        uri = "gs://bucket/run/model"
        assert str(Places(Path("/x"))._local(uri)) == dsl.Artifact(uri=uri).path

    def test_a_file_url_is_a_path(self, tmp_path: Path) -> None:
        assert Places(tmp_path).fetch(tmp_path.as_uri()) == tmp_path

    def test_a_scheme_that_nobody_knows(self, tmp_path: Path) -> None:
        with raises("kfp.no_file_system", "quux://a/b"):
            Places(tmp_path).fetch("quux://a/b")

    def test_across_file_systems_a_folder_is_copied(self, tmp_path: Path) -> None:
        """/dev/shm is another file system than the temporary folder's on the machines that the tests run on."""
        other = Path("/dev/shm") / f"assay-{os.getpid()}"
        made = tmp_path / "made"
        (made / "inner").mkdir(parents=True)
        (made / "inner" / "data").write_text("x")
        (made / MANIFEST).write_text("{}")
        try:
            Places(tmp_path).publish(made, str(other / "artifact"))
            assert (other / "artifact/inner/data").read_text() == "x"
            assert not made.exists()
        finally:
            shutil.rmtree(other, ignore_errors=True)


def test_a_file_in_a_folder_is_looked_for_where_the_folder_is(s3: Any, tmp_path: Path) -> None:
    s3.pipe_file("store/a/b/REVOKED.json", b"{}")
    places = Places(tmp_path / "scratch", root=tmp_path)
    assert places.holds("s3://store/a/b", "REVOKED.json")
    assert not places.holds("s3://store/a/b", "other")
    assert not places.holds(str(tmp_path / "none"), "REVOKED.json")
    # A mounted store is not asked: a step may have no rights to it.
    mounted = tmp_path / "minio" / "bucket" / "a"
    mounted.mkdir(parents=True)
    assert not places.holds("minio://bucket/a", "REVOKED.json")
    (mounted / "REVOKED.json").touch()
    assert places.holds("minio://bucket/a", "REVOKED.json")
