"""InfraValidator on real SavedModels, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.artifacts import Examples, InfraBlessing, Model
from assay.artifacts.store import Producer, seal
from assay.components.infra_validator import (
    InfraValidator,
    LocalDockerConfig,
    RequestSpec,
    ServingSpec,
    TensorFlowServing,
    TensorFlowServingRequestSpec,
    ValidationSpec,
)
from assay.components.pusher.compute import Push, push
from assay.components.pusher.versioned_folder import VersionedFolder
from assay.engines.embedded import EmbeddedEngine
from assay.gating.verdict import read_verdict
from assay.gating.verification import Claim
from assay.spec import ExecutionContext
from raising import raises

SaveModel = Callable[..., Model]


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    table = pa.table({"x": pa.array([1.0, 2.0, 3.0], pa.float32()), "city": ["a", "b", "c"]})
    artifact = Examples(tmp_path / "examples", properties={"split_names": ["train", "eval"]})
    for split in ("train", "eval"):
        with artifact.writer(split, table.schema) as writer:
            writer.write(table.to_batches()[0])
    artifact.digest = "sha256:examples"
    return artifact


@pytest.fixture
def save_model(tmp_path: Path) -> SaveModel:
    def save(scale: float = 2.0) -> Model:
        import tensorflow as tf

        class Scorer(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
            @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
            def serve(self, examples: Any) -> dict[str, Any]:
                x = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]
                return {"score": tf.reshape(tf.math.log(x * scale), [-1, 1])}

            @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="x")])
            def raw(self, x: Any) -> dict[str, Any]:
                return {"score": x * scale}

        scorer = Scorer()
        model = Model(tmp_path / "staging" / "model")
        signatures = {"serving_default": scorer.serve, "raw": scorer.raw}
        tf.saved_model.save(scorer, str(model.serving_path), signatures=signatures)
        seal(model, tmp_path / "model", Producer())
        return model

    return save


def validate(tmp_path: Path, model: Model, **arguments: Any) -> tuple[bool, InfraBlessing, list[str]]:
    said: list[str] = []
    blessing = InfraBlessing(tmp_path / "blessing")
    blessing.path.mkdir()
    (tmp_path / "temp").mkdir()
    context = ExecutionContext(engine=EmbeddedEngine(), temp_dir=tmp_path / "temp", log=said.append)
    found = InfraValidator.spec.function(context=context, model=model, blessing=blessing, **arguments)
    return found.blessed, blessing, said


@pytest.mark.tensorflow
def test_a_good_model_is_blessed_warmed_up_and_pushed(
    tmp_path: Path, examples: Examples, save_model: SaveModel
) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    model = save_model()
    requests = RequestSpec(
        tensorflow_serving=TensorFlowServingRequestSpec(signature_names=["serving_default", "raw"]),
        split_name="eval",
        num_examples=2,
        make_warmup=True,
    )
    blessed, blessing, said = validate(tmp_path, model, examples=examples, request_spec=requests)
    assert (blessed, said) == (True, ["The model loads and answers 2 examples in a fresh process."])
    assert dict(blessing.properties) == {"blessed": 1, "has_model": 1}
    assert read_verdict(blessing.path).subjects == {"model": model.digest, "examples": "sha256:examples"}
    file = blessing.stamped_path / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(file))
    ]
    assert [log.predict_log.request.model_spec.signature_name for log in logs] == ["serving_default", "raw"]
    serialized = tf.make_ndarray(logs[0].predict_log.request.inputs["examples"])
    assert tf.train.Example.FromString(serialized[1]).features.feature["x"].float_list.value[:] == [2.0]
    assert tf.make_ndarray(logs[1].predict_log.request.inputs["x"]).tolist() == [[1.0], [2.0]]

    claim = Claim(folder=blessing.path, kind="infra")
    folder = VersionedFolder(path=tmp_path / "serving")
    receipt = push(Push(serving=blessing.stamped_path, model_digest=model.digest, claims=(claim,)), folder)
    assert receipt.pushed, receipt.reason
    assert (Path(receipt.destination) / "assets.extra" / "tf_serving_warmup_requests").is_file()


@pytest.mark.tensorflow
def test_a_model_that_answers_nan_is_not_blessed(tmp_path: Path, examples: Examples, save_model: SaveModel) -> None:
    requests = RequestSpec(num_examples=10, make_warmup=True)
    blessed, blessing, said = validate(tmp_path, save_model(scale=-1.0), examples=examples, request_spec=requests)
    assert (blessed, blessing.blessed) == (False, False)
    assert said == ["Output 'score' of 'serving_default' holds 3 values that are NaN or infinite."]
    assert not blessing.stamped_path.exists()
    assert dict(blessing.properties) == {"blessed": 0, "has_model": 0}


@pytest.mark.tensorflow
def test_a_model_that_cannot_be_loaded_is_not_blessed(tmp_path: Path) -> None:
    model = Model(tmp_path / "model", digest="sha256:model")
    model.serving_path.mkdir(parents=True)
    (model.serving_path / "saved_model.pb").write_bytes(b"no model")
    blessed, _, [said] = validate(tmp_path, model)
    assert not blessed
    assert said.startswith("The model cannot be loaded: ")


@pytest.mark.tensorflow
def test_a_model_that_takes_too_much_memory_is_not_blessed(tmp_path: Path, save_model: SaveModel) -> None:
    blessed, _, [said] = validate(tmp_path, save_model(), validation_spec=ValidationSpec(max_memory_megabytes=50))
    assert not blessed
    assert "more than 50 MB" in said


def test_a_container_is_refused_where_there_is_no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    serving = ServingSpec(tensorflow_serving=TensorFlowServing(tags=["latest"]), local_docker=LocalDockerConfig())
    with raises("infra_validator.no_docker", "tensorflow_serving"):
        validate(tmp_path, Model(tmp_path), serving_spec=serving)


def test_an_empty_split_cannot_be_asked_about(tmp_path: Path) -> None:
    model = Model(tmp_path / "model")
    model.serving_path.mkdir(parents=True)
    (model.serving_path / "saved_model.pb").touch()
    empty = Examples(tmp_path / "empty", properties={"split_names": ["eval"]})
    with empty.writer("eval", pa.schema([("x", pa.float32())])):
        pass
    with raises("infra_validator.no_rows", "eval"):
        validate(tmp_path, model, examples=empty)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: ValidationSpec(num_tries=0), ("infra_validator.limit", "num_tries", "1")),
        (lambda: ValidationSpec(max_memory_megabytes=0), ("infra_validator.limit", "max_memory_megabytes", "1")),
        (lambda: RequestSpec(num_examples=0), ("infra_validator.num_examples", "num_examples", "1")),
    ],
)
def test_limits_that_allow_nothing_are_refused(make: Callable[[], Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        make()
