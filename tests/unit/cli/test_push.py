from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assay.artifacts.blessing import InfraBlessing, ModelBlessing
from assay.artifacts.model import Model
from assay.artifacts.store import Producer, seal
from assay.cli.main import app
from assay.gating.blessing import bless, judged_by_digest
from assay.gating.verdict import Check, Verdict


def a_model(folder: Path, weights: bytes = b"weights") -> Model:
    model = Model(folder.with_name(f"{folder.name}-staged"))
    model.serving_path.mkdir(parents=True)
    (model.serving_path / "saved_model.pb").write_bytes(weights)
    seal(model, folder, Producer())
    return model


def a_blessing(folder: Path, model: Model, *, blessed: bool = True) -> ModelBlessing:
    blessing = ModelBlessing(folder.with_name(f"{folder.name}-staged"))
    blessing.path.mkdir()
    check = Check(id="auc", kind="value_threshold", ok=blessed, subject="auc", sentence="auc is 0.7.")
    verdict = Verdict(ok=blessed, summary="Blessed." if blessed else "auc is too low.", checks=(check,))
    bless(judged_by_digest(model=model), verdict, blessing, model=model)
    seal(blessing, folder, Producer())
    return blessing


def assay(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def versions(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "serving").glob("[0-9]*"))


def test_push_list_and_roll_back(tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    for name in ("a", "b"):
        model = a_model(tmp_path / name, name.encode())
        a_blessing(tmp_path / f"{name}-blessing", model)
        done = assay("push", tmp_path / name, "--to", serving, "--blessing", tmp_path / f"{name}-blessing")
        assert (done.exit_code, done.stdout) == (0, f"Pushed as version {versions(tmp_path)[-1]}.\n")
    first, second = versions(tmp_path)
    done = assay("rollback", serving, "--json")
    assert done.exit_code == 0
    receipt = json.loads(done.stdout)
    assert receipt["restores"] == first
    listed = assay("versions", serving).stdout.splitlines()
    assert [line.split()[0] for line in listed] == [first, second, receipt["version"]]
    assert listed[-1].endswith(f"restores {first}  current")
    assert json.loads(assay("versions", serving, "--json").stdout)[0]["name"] == first
    assert json.loads(assay("rollback", serving, "--version", second, "--json").stdout)["restores"] == second
    assert assay("versions", tmp_path / "nothing").stdout == "No versions.\n"


def test_a_refusal_is_exit_code_4_and_says_why(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    a_blessing(tmp_path / "blessing", model, blessed=False)
    done = assay("push", tmp_path / "model", "--to", tmp_path / "serving", "--blessing", tmp_path / "blessing")
    assert (done.exit_code, done.stdout) == (
        4,
        "The model_blessing does not bless the model: auc is too low.\n",
    )
    assert versions(tmp_path) == []


def test_without_a_blessing_a_push_says_that_it_is_meant(tmp_path: Path) -> None:
    a_model(tmp_path / "model")
    done = assay("push", tmp_path / "model", "--to", tmp_path / "serving", "--unblessed", "--keep-last", "3")
    assert done.exit_code == 0
    assert "nothing vouched for this model" in done.stdout
    assert "unblessed" in assay("versions", tmp_path / "serving").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["push", "--to", "serving"], "MODEL"),
        (["push", "model"], "--to"),
        (["rollback"], "DIR"),
        (["push", "model", "--to", "serving"], "Give --blessing DIR, or --unblessed"),
        (["push", "model", "--to", "serving", "--blessing", "blessing", "--unblessed"], "--unblessed"),
        (["push", "model", "--to", "serving", "--unblessed", "--keep-last", "0"], "keep_last must be 1 or more"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], said: str) -> None:
    done = assay(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_model_that_was_changed_since_it_was_sealed_is_an_error(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    a_blessing(tmp_path / "blessing", model)
    (model.serving_path / "saved_model.pb").write_bytes(b"other")
    arguments = ["push", tmp_path / "model", "--to", tmp_path / "serving"]
    done = assay(*arguments, "--blessing", tmp_path / "blessing")
    assert done.exit_code == 1
    assert "was changed after it was sealed (Format-Serving/saved_model.pb)" in done.stderr
    assert assay(*arguments, "--blessing", tmp_path / "none").exit_code == 1


def test_verify_says_what_holds_and_what_does_not(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    a_blessing(tmp_path / "blessing", model)
    good = assay("verify", tmp_path / "blessing", tmp_path / "model")
    assert good.exit_code == 0
    assert good.stdout.splitlines()[-1] == f"{tmp_path}/blessing vouches for {tmp_path}/model."
    # The folder that is served, and a pushed version, are the model as well.
    assert assay("verify", tmp_path / "blessing", model.serving_path).exit_code == 0
    assay("push", tmp_path / "model", "--to", tmp_path / "serving", "--blessing", tmp_path / "blessing")
    version = tmp_path / "serving" / versions(tmp_path)[0]
    assert assay("verify", tmp_path / "blessing", version).exit_code == 0
    (version / "saved_model.pb").write_bytes(b"other")
    bad = assay("verify", tmp_path / "blessing", version)
    assert bad.exit_code == 4
    assert "NO  The model_blessing does not fit the model's files" in bad.stdout
    document = json.loads(assay("verify", tmp_path / "blessing", version, "--json").stdout)
    assert document["ok"] is False
    assert [check["id"] for check in document["checks"] if not check["ok"]] == ["model"]
    assert assay("verify", tmp_path / "none", version).exit_code == 1
    assert assay("verify", tmp_path / "blessing", tmp_path / "none").exit_code == 1


def test_kserve_is_told_of_the_version_and_of_a_rollback(tmp_path: Path) -> None:
    import yaml

    store, manifest = tmp_path / "store", tmp_path / "deploy.yaml"
    config = tmp_path / "kserve.yaml"
    fields = {"name": "taxi", "manifest": str(manifest), "storage_uri": "pvc://models/taxi"}
    config.write_text(yaml.safe_dump(fields | {"canary_traffic_percent": 20}))
    for name in ("a", "b"):
        model = a_model(tmp_path / name, name.encode())
        a_blessing(tmp_path / f"{name}-blessing", model)
        blessing = ("--blessing", tmp_path / f"{name}-blessing")
        done = assay("push", tmp_path / name, "--to", store, *blessing, "--kserve", config)
        assert done.exit_code == 0, done.output
    predictor = yaml.safe_load(manifest.read_text())["spec"]["predictor"]
    newest = json.loads(assay("versions", store, "--json").stdout)[-1]["name"]
    assert predictor["canaryTrafficPercent"] == 20
    assert predictor["model"]["storageUri"] == f"pvc://models/taxi/{newest}"
    assert assay("rollback", store, "--kserve", config).exit_code == 0
    predictor = yaml.safe_load(manifest.read_text())["spec"]["predictor"]
    assert "canaryTrafficPercent" not in predictor
    assert predictor["model"]["storageUri"] != f"pvc://models/taxi/{newest}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: taxi\nmanifest: x.yaml\nstorage: pvc://m", "Did you mean 'storage_uri'?"),
        ("name: taxi\nstorage_uri: pvc://m", "`manifest`"),
        ("name: Taxi!\nmanifest: x.yaml\nstorage_uri: pvc://m", "'Taxi!'"),
        ("name: taxi\nmanifest: x.yaml\nstorage_uri: pvc://m\ncanary_traffic_percent: 120", "must be from 0 to 100"),
        ("[taxi]", "fields name and manifest"),
        ("name: [", "did not find expected node"),
        (None, "Could not read"),
    ],
)
def test_a_service_that_cannot_be_is_wrong_usage(tmp_path: Path, text: str | None, said: str) -> None:
    a_model(tmp_path / "model")
    config = tmp_path / "kserve.yaml"
    if text is not None:
        config.write_text(text)
    done = assay("push", tmp_path / "model", "--to", tmp_path / "store", "--unblessed", "--kserve", config)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "store").exists()


def test_verify_looks_at_the_files_that_are_served(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    a_blessing(tmp_path / "blessing", model)
    assay("push", tmp_path / "model", "--to", tmp_path / "serving", "--blessing", tmp_path / "blessing")
    version = tmp_path / "serving" / versions(tmp_path)[0]
    shutil.copytree(model.serving_path, version / "Format-Serving")
    (version / "saved_model.pb").write_bytes(b"exchanged")
    done = assay("verify", tmp_path / "blessing", version)
    assert done.exit_code == 1
    assert "files of its own" in done.stderr
    shutil.copyfile(tmp_path / "model" / "manifest.json", version / "manifest.json")
    assert assay("verify", tmp_path / "blessing", version).exit_code == 1


def test_verify_needs_more_than_an_infra_blessing(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    a_blessing(tmp_path / "good", model)
    a_blessing(tmp_path / "bad", model, blessed=False)
    infra = InfraBlessing(tmp_path / "infra")
    infra.path.mkdir()
    bless(judged_by_digest(model=model), Verdict(ok=True, summary="It answers.", checks=()), infra, model=model)
    done = assay("verify", infra.path, tmp_path / "model")
    assert done.exit_code == 4
    assert "not that it is good enough" in done.stdout
    assert assay("verify", tmp_path / "bad", tmp_path / "model", "--infra-blessing", infra.path).exit_code == 4
    assert assay("verify", tmp_path / "good", tmp_path / "model", "--infra-blessing", infra.path).exit_code == 0
    assert assay("verify", tmp_path / "good", tmp_path / "model", "--infra-blessing", tmp_path / "good").exit_code == 4


def test_a_revoked_blessing_vouches_for_nothing(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    a_blessing(tmp_path / "blessing", model)
    assert assay("verify", tmp_path / "blessing", tmp_path / "model").exit_code == 0
    assert assay("revoke", tmp_path / "blessing").exit_code == 2
    assert assay("revoke", tmp_path / "blessing", "--reason", " ").exit_code == 2
    assert assay("revoke", tmp_path / "model", "--reason", "x").exit_code == 1
    assert assay("revoke", tmp_path / "blessing", "--reason", "labels of May were wrong").exit_code == 0
    done = assay("verify", tmp_path / "blessing", tmp_path / "model")
    assert done.exit_code == 4
    assert "labels of May were wrong" in done.stdout
    pushed = assay("push", tmp_path / "model", "--to", tmp_path / "serving", "--blessing", tmp_path / "blessing")
    assert pushed.exit_code == 4
    assert "was revoked" in pushed.stdout
    (tmp_path / "blessing" / "REVOKED.json").write_text("{")
    assert assay("verify", tmp_path / "blessing", tmp_path / "model").exit_code == 4
