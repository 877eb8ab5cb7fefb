from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from assay.artifacts import Examples, InfraBlessing, Model, ModelBlessing
from assay.gating.blessing import (
    BlessedInputs,
    Statement,
    bless,
    json_schema,
    judged_by_digest,
    read_statement,
    served_digest,
    served_files,
    serving_folder,
    to_json,
)
from assay.gating.metric_values import MetricKey
from assay.gating.thresholds import LimitCheck, MetricBound
from assay.gating.verdict import Check, Verdict, read_verdict
from assay.gating.verification import Claim, verify
from assay.gating.waivers import Waiver, waive
from raising import raises


def a_model(folder: Path, weights: bytes = b"weights") -> Model:
    model = Model(folder, digest=f"sha256:{folder.name}")
    model.serving_path.mkdir(parents=True)
    (model.serving_path / "saved_model.pb").write_bytes(weights)
    return model


def a_blessing(folder: Path) -> ModelBlessing:
    folder.mkdir()
    return ModelBlessing(folder)


def test_everything_that_was_judged_is_named_by_its_digest(tmp_path: Path) -> None:
    model, baseline = a_model(tmp_path / "model"), a_model(tmp_path / "baseline", b"old")
    examples = Examples(tmp_path, digest="sha256:examples")
    judged = judged_by_digest(
        model=model, baseline=baseline, examples=(examples,), splits=("eval",), config={"a": 1, "b": 2}
    )
    assert judged == BlessedInputs(
        model=served_digest(model.serving_path),
        model_artifact="sha256:model",
        baseline=served_digest(baseline.serving_path),
        examples=("sha256:examples",),
        splits=("eval",),
        config=judged_by_digest(model=None, config={"b": 2, "a": 1}).config,
    )
    assert judged.config != judged_by_digest(model=None, config={"a": 1, "b": 3}).config
    blessing = a_blessing(tmp_path / "blessing")
    bless(judged, Verdict(ok=True, summary="Blessed."), blessing, model=model)
    statement, content = read_statement(blessing.path)
    assert content == to_json(statement)
    assert (statement.judged, statement.blessed, statement.kind) == (judged, True, "model")
    assert statement.verdict == read_verdict(blessing.path).digest
    jsonschema.validate(json.loads(content), json_schema())
    assert verify(Claim(folder=blessing.path), served_files(model.serving_path), model_artifact="sha256:model").ok


def test_a_model_that_is_not_blessed_has_a_statement_too(tmp_path: Path) -> None:
    model, blessing = a_model(tmp_path / "model"), a_blessing(tmp_path / "blessing")
    bless(judged_by_digest(model=model), Verdict(ok=False, summary="auc fell."), blessing, model=model)
    assert read_statement(blessing.path)[0].blessed is False
    verdict = verify(Claim(folder=blessing.path), served_files(model.serving_path))
    assert verdict.summary == "The model_blessing does not bless the model: auc fell."


def test_the_schema_that_is_shipped_is_the_one_of_the_code(project_root: Path) -> None:
    shipped = (project_root / "schemas" / "blessing.schema.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == json.loads(json.dumps(json_schema())), (
        "python -m assay.gating.blessing > schemas/blessing.schema.json"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, ("blessing.no_statement", "blessing.json")),
        (b"{", ("blessing.malformed",)),
        (b'{"blessed": true}', ("blessing.malformed",)),
        (
            to_json(Statement(blessed=True, judged=BlessedInputs(), verdict="", schema_version=2)),
            ("blessing.version", "2", "1"),
        ),
    ],
)
def test_what_is_no_statement_is_an_error(tmp_path: Path, content: bytes | None, expected: tuple[str, ...]) -> None:
    if content is not None:
        (tmp_path / "blessing.json").write_bytes(content)
    with raises(*expected):
        read_statement(tmp_path)


def test_a_signed_blessing_without_a_key_to_verify_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    model, blessing = a_model(tmp_path / "model"), a_blessing(tmp_path / "blessing")
    key = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    bless(judged_by_digest(model=model), Verdict(ok=True, summary="Blessed."), blessing, model=model, key=key)
    verdict = verify(Claim(folder=blessing.path))
    assert verdict.ok
    [check] = [check for check in verdict.checks if check.id == "signature"]
    assert not check.applied
    assert verdict.policy == {"signature": "not required"}


def test_a_blessing_that_rests_on_a_waiver_ends_with_it(tmp_path: Path) -> None:
    model, blessing = a_model(tmp_path / "model"), a_blessing(tmp_path / "blessing")
    failed = Check(
        id="auc", kind="change_threshold", ok=False, subject="auc", slice="side=r", sentence="auc fell by 0.1."
    )
    waiver = Waiver(check="auc", slice="side=r", who="ann", why="late labels", expires=date(2026, 5, 1))
    limit = MetricBound(metric=MetricKey(name="auc"), slicing=None, bound="absolute", value=0.0, origin="here")
    checks = tuple(waive([LimitCheck(limit, (("side", "r"),), failed)], [waiver], date(2026, 4, 1)))
    verdict = Verdict(ok=True, summary="Blessed.", checks=checks)
    bless(judged_by_digest(model=model), verdict, blessing, model=model)
    files = served_files(model.serving_path)
    assert verify(Claim(folder=blessing.path), files, today=date(2026, 5, 1)).ok
    found = verify(Claim(folder=blessing.path), files, today=date(2026, 5, 2))
    assert found.summary == (
        "The model_blessing rests on a waiver of auc on side=r that expired on 2026-05-01: "
        "evaluate the model again, or renew the waiver."
    )
    assert not verify(Claim(folder=blessing.path), files, today=date(2099, 1, 1)).ok


def test_warm_up_requests_need_a_blessing_that_names_them(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    (tmp_path / "infra").mkdir()
    blessing, infra = a_blessing(tmp_path / "blessing"), InfraBlessing(tmp_path / "infra")
    bless(judged_by_digest(model=model), Verdict(ok=True, summary="Blessed."), blessing, model=model)
    judged = judged_by_digest(model=model)
    extra = model.serving_path / "assets.extra" / "tf_serving_warmup_requests"
    extra.parent.mkdir()
    extra.write_bytes(b"requests")
    files = served_files(model.serving_path)
    warmup = next(entry.sha256 for entry in files if entry.path.endswith("requests"))
    extra.unlink()
    bless(judged, Verdict(ok=True, summary="It loads."), infra, model=model, warmup=warmup)
    assert verify(Claim(folder=infra.path, kind="infra"), files).ok
    assert not verify(Claim(folder=blessing.path), files).ok
    assert verify(Claim(folder=blessing.path), files, warmup=warmup).ok
    assert not verify(Claim(folder=blessing.path), files, warmup="0" * 64).ok


def test_a_served_model_is_digested_as_it_is(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    assert serving_folder(model.path) == serving_folder(model.serving_path) == model.serving_path
    before = served_digest(model.serving_path)
    (model.serving_path / "empty").mkdir()
    assert served_digest(model.serving_path) == before
    (tmp_path / "file").write_bytes(b"weights")
    (model.serving_path / "saved_model.pb").unlink()
    (model.serving_path / "saved_model.pb").symlink_to(tmp_path / "file")
    assert served_digest(model.serving_path) == before
    (tmp_path / "file").unlink()
    with raises("model.not_a_file"):
        served_digest(model.serving_path)
    with raises("model.none"):
        served_digest(tmp_path / "nowhere")
