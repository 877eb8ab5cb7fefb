from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.components.pusher import PushDestination
from assay.components.pusher.compute import Push, push, rollback
from assay.components.pusher.places import open_destination
from raising import raises


def a_model(folder: Path, weights: bytes = b"weights") -> Push:
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(weights)
    return Push(serving=folder)


def kserve(tmp_path: Path, **changed: Any) -> PushDestination:
    settings = {
        "base_directory": str(tmp_path / "store"),
        "manifest": str(tmp_path / "deploy" / "taxi.yaml"),
        "name": "taxi",
        "storage_uri": "pvc://models/taxi",
    }
    return PushDestination(kserve=PushDestination.KServe(**(settings | changed)))


def written(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((tmp_path / "deploy" / "taxi.yaml").read_text())
    return found


def test_the_manifest_names_the_version_and_its_share_of_requests(tmp_path: Path) -> None:
    destination = open_destination(kserve(tmp_path, canary_traffic_percent=10, namespace="prod"))
    receipt = push(a_model(tmp_path / "model"), destination)
    manifest = written(tmp_path)
    assert (manifest["apiVersion"], manifest["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert (manifest["metadata"]["name"], manifest["metadata"]["namespace"]) == ("taxi", "prod")
    assert manifest["metadata"]["annotations"]["assay/content-digest"] == receipt.content_digest
    assert manifest["spec"]["predictor"] == {
        "canaryTrafficPercent": 10,
        "model": {"modelFormat": {"name": "tensorflow"}, "storageUri": f"pvc://models/taxi/{receipt.version}"},
    }
    # What storageUri names holds a numbered folder, which is what TensorFlow Serving looks for.
    assert (tmp_path / "store" / receipt.version / "1" / "saved_model.pb").read_bytes() == b"weights"
    assert "taxi.yaml names it." in receipt.reason


def test_a_rollback_gets_all_requests(tmp_path: Path) -> None:
    destination = open_destination(kserve(tmp_path, canary_traffic_percent=10))
    first = push(a_model(tmp_path / "a", b"a"), destination)
    push(a_model(tmp_path / "b", b"b"), destination)
    back = rollback(destination)
    assert back.restores == first.version
    predictor = written(tmp_path)["spec"]["predictor"]
    assert predictor["model"]["storageUri"].endswith(back.version)
    assert "canaryTrafficPercent" not in predictor


def fake_kubectl(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir()
    (folder / "kubectl").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def test_the_manifest_is_applied_where_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_kubectl(tmp_path / "bin", monkeypatch, f'echo "$@" > {tmp_path}/said')
    push(a_model(tmp_path / "model"), open_destination(kserve(tmp_path, apply=True)))
    assert (tmp_path / "said").read_text() == f"apply -f {tmp_path}/deploy/taxi.yaml\n"


def test_a_failure_of_kubectl_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_kubectl(tmp_path / "bin", monkeypatch, "echo forbidden >&2; exit 1")
    with raises("kserve.apply", "forbidden"):
        push(a_model(tmp_path / "model"), open_destination(kserve(tmp_path, apply=True)))


def test_without_kubectl_nothing_is_pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with raises("kserve.kubectl", "PATH"):
        push(a_model(tmp_path / "model"), open_destination(kserve(tmp_path, apply=True)))
    assert [path.name for path in (tmp_path / "store").iterdir()] == [".assay"]


def test_a_canary_removes_nothing_that_serves_the_rest(tmp_path: Path) -> None:
    def pushed(name: str, **changed: Any) -> str:
        destination = open_destination(kserve(tmp_path, keep_last=1, **changed))
        return push(a_model(tmp_path / name, name.encode()), destination).version

    def kept() -> list[str]:
        return sorted(path.name for path in (tmp_path / "store").glob("[0-9]*"))

    whole = pushed("a")
    canaries = [pushed(name, canary_traffic_percent=10) for name in ("b", "c")]
    assert kept() == [whole, *canaries]
    rolled_out = pushed("d")  # the cluster serves the version before it until the manifest is applied
    assert kept() == [whole, *canaries, rolled_out]
    last = pushed("e")
    assert kept() == [rolled_out, last]
