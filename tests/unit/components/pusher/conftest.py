"""Small models and their blessings: real files, no TensorFlow."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.artifacts.blessing import InfraBlessing, ModelBlessing
from assay.artifacts.model import Model
from assay.artifacts.store import Producer, seal
from assay.gating.blessing import bless, judged_by_digest
from assay.gating.verdict import Check, Verdict

MakeModel = Callable[..., Model]
BlessModel = Callable[..., ModelBlessing]
BlessInfra = Callable[..., InfraBlessing]


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    def make(name: str = "model", weights: bytes = b"weights") -> Model:
        staged = Model(tmp_path / f"{name}-staged")
        (staged.serving_path / "variables").mkdir(parents=True)
        (staged.serving_path / "assets").mkdir()
        (staged.serving_path / "saved_model.pb").write_bytes(b"graph")
        (staged.serving_path / "variables" / "variables.index").write_bytes(weights)
        seal(staged, tmp_path / name, Producer())
        return staged

    return make


def verdict_on(model: Model, *, ok: bool) -> Verdict:
    check = Check(id="auc", kind="change_threshold", ok=ok, subject="auc", sentence="auc fell.")
    return Verdict(
        ok=ok,
        summary="The model is blessed." if ok else "Not blessed: auc fell.",
        checks=(check,),
        subjects={"model": model.digest},
    )


@pytest.fixture
def bless_model(tmp_path: Path) -> BlessModel:
    def make(model: Model, name: str = "blessing", *, blessed: bool = True) -> ModelBlessing:
        blessing = ModelBlessing(tmp_path / f"{name}-staged")
        blessing.path.mkdir()
        bless(judged_by_digest(model=model), verdict_on(model, ok=blessed), blessing, model=model)
        seal(blessing, tmp_path / name, Producer())
        return blessing

    return make


@pytest.fixture
def bless_infra(tmp_path: Path) -> BlessInfra:
    def make(model: Model, name: str = "infra", *, blessed: bool = True, warmup: bytes = b"") -> InfraBlessing:
        blessing = InfraBlessing(tmp_path / f"{name}-staged")
        blessing.path.mkdir()
        if warmup:
            shutil.copytree(model.serving_path, blessing.stamped_path)
            (blessing.stamped_path / "assets.extra").mkdir()
            (blessing.stamped_path / "assets.extra" / "tf_serving_warmup_requests").write_bytes(warmup)
        digest = hashlib.sha256(warmup).hexdigest() if warmup else ""
        judged = judged_by_digest(model=model)
        bless(judged, verdict_on(model, ok=blessed), blessing, model=model, warmup=digest)
        seal(blessing, tmp_path / name, Producer())
        return blessing

    return make
