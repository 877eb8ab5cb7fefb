"""InfraValidator, Pusher and BulkInferrer as steps of one run, with a real SavedModel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.artifacts import Examples, Model
from assay.components import BulkInferrer, InfraValidator, Pusher
from assay.runners.local import LocalDagRunner, RunResult, Silence
from assay.spec import Importer, Pipeline
from assay.v1 import proto

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.fixture
def examples(tmp_path: Path) -> Importer:
    artifact = Examples(tmp_path / "examples")
    table = pa.table({"x": pa.array([1.0, 2.0, 3.0], pa.float32())})
    with artifact.writer("eval", table.schema) as writer:
        writer.write(table.to_batches()[0])
    properties = {"span": 0, "split_names": ["eval"], "file_format": "parquet"}
    return Importer(artifact.path, Examples, properties=properties).with_id("examples")


def save_model(folder: Path, scale: float) -> Importer:
    import tensorflow as tf

    class Scorer(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def serve(self, x: Any) -> dict[str, Any]:
            return {"score": tf.math.log(x * scale)}

    model = Model(folder)
    tf.saved_model.save(scorer := Scorer(), str(model.serving_path), signatures={"serving_default": scorer.serve})
    return Importer(folder, Model).with_id("model")


def run(tmp_path: Path, examples: Importer, model: Importer) -> RunResult:
    validator = InfraValidator(
        model=model.outputs["result"],
        examples=examples.outputs["result"],
        request_spec=proto.RequestSpec(num_examples=2, make_warmup=True),
        validation_spec=proto.ValidationSpec(max_memory_megabytes=4000),
    )
    pusher = Pusher(
        infra_blessing=validator.outputs["blessing"],
        push_destination=proto.PushDestination(
            filesystem=proto.PushDestination.Filesystem(base_directory=str(tmp_path / "serving"))
        ),
    )
    inferrer = BulkInferrer(
        examples=examples.outputs["result"], model=model.outputs["result"], allow_unblessed=True
    ).after(pusher)
    nodes = [examples, model, validator, pusher, inferrer]
    return LocalDagRunner(tmp_path / "root", progress=Silence()).run(Pipeline("release", None, nodes))


def test_a_good_model_is_tried_pushed_with_warm_up_requests_and_used(tmp_path: Path, examples: Importer) -> None:
    result = run(tmp_path, examples, save_model(tmp_path / "model", 2.0))
    assert result.exit_code == 0
    assert {step.node_id: step.status for step in result.steps}["BulkInferrer"] == "complete"
    [version] = (tmp_path / "serving").glob("[0-9]*")
    assert (version / "assets.extra" / "tf_serving_warmup_requests").is_file()
    predictions = result.output("BulkInferrer", "inference_result").read("eval")
    assert predictions["score"].to_pylist() == pytest.approx([0.6931, 1.3863, 1.7918], abs=1e-4)
    assert result.step("BulkInferrer").output_parameters == {"inferred": True, "num_examples": 3}
    again = run(tmp_path, examples, Importer(tmp_path / "model", Model).with_id("model"))
    assert {again.step(name).status for name in ("InfraValidator", "Pusher", "BulkInferrer")} == {"cached"}


def test_a_model_that_fails_the_trial_is_not_pushed_and_ends_the_run_with_4(tmp_path: Path, examples: Importer) -> None:
    result = run(tmp_path, examples, save_model(tmp_path / "model", -1.0))
    assert result.exit_code == 4
    gate = result.step("InfraValidator").closed_gate
    assert gate is not None
    assert gate.verdict.summary == "Output 'score' of 'serving_default' holds 2 values that are NaN or infinite."
    assert result.step("Pusher").output_parameters["pushed"] is False
    receipt = result.output("Pusher", "pushed_model").receipt()
    assert receipt["reason"] == f"The infra_blessing does not bless the model: {gate.verdict.summary}"
    assert not (tmp_path / "serving").exists()
