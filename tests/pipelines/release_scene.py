"""A release about to happen: a model, its blessings, and a Pusher that knows what was recorded of both."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from assay.artifacts.blessing import InfraBlessing, ModelBlessing
from assay.artifacts.model import Model
from assay.artifacts.pushed_model import PushedModel
from assay.artifacts.store import MANIFEST, Producer, digest_of, list_files, seal
from assay.components.pusher import PushDestination, Pusher
from assay.engines.embedded import EmbeddedEngine
from assay.gating.blessing import bless, judged_by_digest
from assay.gating.verdict import Check, Verdict
from assay.spec import ExecutionContext

KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([one]) * 32) for one in (1, 2))


def verdict_on(model: Model | None, *, ok: bool) -> Verdict:
    check = Check(id="auc", kind="value_threshold", ok=ok, subject="auc", sentence="auc is 0.6, below 0.8.")
    subjects = {"model": model.digest} if model else {}
    return Verdict(ok=ok, summary="Blessed." if ok else "auc is below 0.8.", checks=(check,), subjects=subjects)


@dataclass
class Scene:
    """A release about to happen: a model, its blessings, and a Pusher that watches for what was recorded of both."""

    folder: Path
    model: Model = field(init=False)
    blessing: ModelBlessing = field(init=False)
    infra: InfraBlessing | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    wired: frozenset[str] = frozenset({"model", "model_blessing"})

    def __post_init__(self) -> None:
        self.model = self.make_model("model", b"good weights")
        self.blessing = self.bless(self.model, "blessing")

    def make_model(self, name: str, weights: bytes) -> Model:
        model = Model(self.folder / "staging" / name)
        (model.serving_path / "variables").mkdir(parents=True)
        (model.serving_path / "saved_model.pb").write_bytes(b"graph")
        (model.serving_path / "variables" / "variables.data").write_bytes(weights)
        (model.serving_path / "variables" / "variables.index").write_bytes(b"index")
        seal(model, self.folder / name, Producer())
        return model

    def bless(
        self, model: Model | None, name: str, *, ok: bool = True, key: Ed25519PrivateKey | None = None
    ) -> ModelBlessing:
        blessing = ModelBlessing(self.folder / "staging" / name)
        blessing.path.mkdir(parents=True)
        bless(judged_by_digest(model=model), verdict_on(model, ok=ok), blessing, model=model, key=key)
        seal(blessing, self.folder / name, Producer())
        return blessing

    def bless_infra(self, model: Model, name: str, *, ok: bool = True, warmup: bytes = b"") -> InfraBlessing:
        blessing = InfraBlessing(self.folder / "staging" / name)
        blessing.path.mkdir(parents=True)
        if warmup:
            shutil.copytree(model.serving_path, blessing.stamped_path)
            write(blessing.stamped_path / "assets.extra" / "tf_serving_warmup_requests", warmup)
        digest = hashlib.sha256(warmup).hexdigest() if warmup else ""
        bless(judged_by_digest(model=model), verdict_on(model, ok=ok), blessing, model=model, warmup=digest)
        seal(blessing, self.folder / name, Producer())
        return blessing

    def sign_and_require(self, key: Ed25519PrivateKey | None = KEY) -> None:
        """Signs the blessing, requires a signature, and forgets what the lineage store recorded."""
        shutil.rmtree(self.blessing.path)
        self.blessing = self.bless(self.model, "blessing", key=key)
        self.blessing.digest = ""
        public = self.folder / "trusted.pem"
        public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        self.arguments["public_key_file"] = str(public)

    @property
    def serving(self) -> Path:
        return self.folder / "serving"

    def pushed(self) -> list[str]:
        return [path.name for path in self.serving.glob("*") if path.name.isdecimal()]

    def push(self) -> tuple[bool, str]:
        """Runs the Pusher; gives whether it pushed, and why not."""
        said: list[str] = []
        output = PushedModel(self.folder / "pushed")
        output.path.mkdir()
        outcome = Pusher.spec.function(
            context=ExecutionContext(engine=EmbeddedEngine(), temp_dir=self.folder, log=said.append, wired=self.wired),
            pushed_model=output,
            push_destination=PushDestination(filesystem=PushDestination.Filesystem(base_directory=str(self.serving))),
            **({"model": self.model, "model_blessing": self.blessing, "infra_blessing": self.infra} | self.arguments),
        )
        return outcome.pushed, said[-1]


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def edit(path: Path, **changes: Any) -> None:
    """Changes fields of a JSON file; a name with two underscores goes one level down."""
    document = json.loads(path.read_text())
    for name, value in changes.items():
        *parents, last = name.split("__")
        target = document
        for parent in parents:
            target = target[parent]
        target[last] = value
    path.write_text(json.dumps(document))


def reseal(folder: Path) -> None:
    """Writes a manifest that fits the files again, as someone thorough would."""
    files = list_files(folder)
    entries = [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in files]
    edit(folder / MANIFEST, files=entries, digest=digest_of(files))


def serving_digest(model: Model) -> str:
    return str(json.loads((model.path.parent / "blessing" / "blessing.json").read_text())["judged"]["model"])
