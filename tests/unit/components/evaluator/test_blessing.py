"""The blessing that Evaluator writes: everything that it judged, and a signature where there is a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from assay.artifacts import Examples, Model, ModelBlessing, ModelEvaluation
from assay.artifacts.store import Producer, seal
from assay.components import Evaluator
from assay.engines.embedded import EmbeddedEngine
from assay.gating.blessing import read_statement, served_files
from assay.gating.verification import Claim, verify
from assay.spec import ExecutionContext

pytestmark = pytest.mark.tensorflow

KEY = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
CONFIG = """
model_specs { label_key: "label" signature_name: "serving_default" }
slicing_specs {}
metrics_specs { metrics { class_name: "BinaryAccuracy" threshold { value_threshold { lower_bound { value: 0.5 } } } } }
"""


def save_model(folder: Path) -> Model:
    import tensorflow as tf

    class Scorer(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples: Any) -> dict[str, Any]:
            x = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]
            return {"outputs": tf.reshape(x, [-1, 1])}

    staged = Model(folder.with_name("staged"))
    tf.saved_model.save(scorer := Scorer(), str(staged.serving_path), signatures={"serving_default": scorer.serve})
    seal(staged, folder, Producer())
    return staged


def test_a_signed_blessing_of_what_was_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setenv("ASSAY_SIGNING_KEY", pem)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    table = pa.table({"x": pa.array([0.9, 0.2, 0.8], pa.float32()), "label": pa.array([1.0, 0.0, 1.0], pa.float32())})
    examples = Examples(tmp_path / "examples", properties={"split_names": ["eval"]}, digest="sha256:examples")
    with examples.writer("eval", table.schema) as writer:
        writer.write(table.to_batches()[0])
    model = save_model(tmp_path / "model")
    blessing, evaluation = ModelBlessing(tmp_path / "blessing"), ModelEvaluation(tmp_path / "evaluation")
    for output in (blessing, evaluation):
        output.path.mkdir()
    found = Evaluator.spec.function(
        context=ExecutionContext(engine=EmbeddedEngine(), temp_dir=tmp_path),
        examples=(examples,),
        evaluation=evaluation,
        blessing=blessing,
        eval_config=CONFIG,
        model=model,
    )
    assert found.blessed
    judged = read_statement(blessing.path)[0].judged
    assert (judged.model_artifact, judged.examples, judged.splits) == (model.digest, ("sha256:examples",), ("eval",))
    assert judged.config.startswith("sha256:")
    claim = Claim(folder=blessing.path, public_key_file=trusted)
    verdict = verify(claim, served_files(model.serving_path), model_artifact=model.digest)
    assert verdict.ok, verdict.summary
