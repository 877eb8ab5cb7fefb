"""BulkInferrer on a real SavedModel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.artifacts import Examples, Model, ModelBlessing
from assay.artifacts.inference_result import InferenceResult
from assay.artifacts.store import Producer, seal
from assay.components.bulk_inferrer import (
    BulkInferrer,
    DataSpec,
    ModelSpec,
    OutputColumnsSpec,
    OutputExampleSpec,
    PredictOutput,
    PredictOutputCol,
)
from assay.engines.embedded import EmbeddedEngine
from assay.errors import UsageError
from assay.gating.blessing import bless, judged_by_digest
from assay.gating.verdict import Verdict
from assay.spec import ExecutionContext
from raising import raises

pytestmark = pytest.mark.tensorflow

ROWS = {"train": 5000, "eval": 3}


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    artifact = Examples(tmp_path / "examples", properties={"split_names": list(ROWS), "span": 3})
    for split, rows in ROWS.items():
        table = pa.table({"x": pa.array(range(rows), pa.float32()), "city": ["a"] * rows})
        with artifact.writer(split, table.schema) as writer:
            for batch in table.to_batches(max_chunksize=2000):
                writer.write(batch)
    return artifact


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    import tensorflow as tf

    class Scorer(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples: Any) -> dict[str, Any]:
            x = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]
            classes = tf.fill([tf.size(x), 2], "yes")
            return {"score": tf.reshape(x * 2.0, [-1, 1]), "classes": classes, "scores": tf.stack([x, -x], axis=1)}

        @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="x")])
        def loses(self, x: Any) -> dict[str, Any]:
            return {"score": x[:-1]}

    scorer = Scorer()
    folder = tmp_path_factory.mktemp("model")
    model = Model(folder / "staged")
    signatures = {"serving_default": scorer.serve, "loses": scorer.loses}
    tf.saved_model.save(scorer, str(model.serving_path), signatures=signatures)
    seal(model, folder / "model", Producer())
    return model


def a_blessing(folder: Path, model: Model, *, ok: bool = True) -> ModelBlessing:
    blessing = ModelBlessing(folder)
    folder.mkdir()
    verdict = Verdict(ok=ok, summary="Blessed." if ok else "auc fell.")
    bless(judged_by_digest(model=model), verdict, blessing, model=model)
    return blessing


def infer(tmp_path: Path, **arguments: Any) -> tuple[Any, InferenceResult, Examples, ExecutionContext, list[str]]:
    said: list[str] = []
    context = ExecutionContext(engine=EmbeddedEngine(), temp_dir=tmp_path, log=said.append)
    result, output = InferenceResult(tmp_path / "result"), Examples(tmp_path / "output")
    result.path.mkdir()
    output.path.mkdir()
    found = BulkInferrer.spec.function(context=context, inference_result=result, output_examples=output, **arguments)
    return found, result, output, context, said


def test_every_example_has_a_row_of_predictions_in_order(tmp_path: Path, examples: Examples, model: Model) -> None:
    blessing = a_blessing(tmp_path / "blessing", model)
    found, result, output, context, said = infer(tmp_path, examples=examples, model=model, model_blessing=blessing)
    assert found == (True, 5003)
    assert said == ["Predicted on 5003 examples of train, eval."]
    assert result.rows == ROWS
    assert {split: (count.read, count.written) for split, count in context.rows.items()} == {
        split: (rows, rows) for split, rows in ROWS.items()
    }
    assert result.read("train")["score"].to_pylist() == [2.0 * row for row in range(5000)]
    assert result.read("eval").to_pydict() == {
        "classes": [[b"yes", b"yes"]] * 3,
        "score": [0.0, 2.0, 4.0],
        "scores": [[0.0, 0.0], [1.0, -1.0], [2.0, -2.0]],
    }
    assert result.properties["model_digest"] == model.digest
    assert not any(output.path.iterdir())


def test_predictions_become_columns_of_the_examples(tmp_path: Path, examples: Examples, model: Model) -> None:
    columns = [
        PredictOutputCol(output_key="score", output_column="prediction"),
        PredictOutputCol(output_key="scores", output_column="both"),
    ]
    spec = OutputExampleSpec(
        output_columns_spec=[OutputColumnsSpec(predict_output=PredictOutput(output_columns=columns))]
    )
    found, result, output, _, _ = infer(
        tmp_path,
        examples=examples,
        model=model,
        allow_unblessed=True,
        output_example_spec=spec,
        data_spec=DataSpec(example_splits=["eval"]),
    )
    assert found == (True, 3)
    assert (output.split_names, output.span, output.num_rows("eval")) == (("eval",), 3, 3)
    rows = pa.Table.from_batches(list(output.batches("eval"))).to_pylist()
    assert rows[1] == {"x": 1.0, "city": "a", "prediction": 2.0, "both": [1.0, -1.0]}
    assert not any(result.path.iterdir())


@pytest.mark.parametrize("case", ["none", "not blessed", "another"])
def test_an_unblessed_model_predicts_nothing(tmp_path: Path, examples: Examples, model: Model, case: str) -> None:
    other = Model(tmp_path / "other", digest="sha256:other")
    other.serving_path.mkdir(parents=True)
    (other.serving_path / "saved_model.pb").touch()
    blessing = {
        "none": lambda: None,
        "not blessed": lambda: a_blessing(tmp_path / "blessing", model, ok=False),
        "another": lambda: a_blessing(tmp_path / "blessing", other),
    }[case]()
    found, result, _, context, [said] = infer(tmp_path, examples=examples, model=model, model_blessing=blessing)
    assert found == (False, 0)
    assert context.idle == [said]
    assert said.startswith("Nothing was predicted. ")
    assert not any(result.path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"model_spec": ModelSpec(model_signature_name=["serve"])}, ("bulk_inferrer.signature", "serve")),
        ({"data_spec": DataSpec(example_splits=["test"])}, ("bulk_inferrer.split", "test")),
        (
            {
                "output_example_spec": OutputExampleSpec(
                    output_columns_spec=[
                        OutputColumnsSpec(
                            predict_output=PredictOutput(
                                output_columns=[PredictOutputCol(output_key="scor", output_column="p")]
                            )
                        )
                    ]
                )
            },
            ("bulk_inferrer.output", "scor", "score"),
        ),
        (
            {
                "output_example_spec": OutputExampleSpec(
                    output_columns_spec=[
                        OutputColumnsSpec(
                            predict_output=PredictOutput(
                                output_columns=[PredictOutputCol(output_key="score", output_column="city")]
                            )
                        )
                    ]
                )
            },
            ("bulk_inferrer.column", "city"),
        ),
    ],
)
def test_what_is_not_there_is_refused(
    tmp_path: Path, examples: Examples, model: Model, arguments: dict[str, Any], expected: tuple[str, ...]
) -> None:
    with raises(*expected, kind=UsageError):
        infer(tmp_path, examples=examples, model=model, allow_unblessed=True, **arguments)


def test_a_model_that_loses_rows_is_found_out(tmp_path: Path, examples: Examples, model: Model) -> None:

    spec = ModelSpec(model_signature_name=["loses"])
    with raises("bulk_inferrer.rows"):
        infer(tmp_path, examples=examples, model=model, allow_unblessed=True, model_spec=spec)


def test_an_empty_split_is_refused(tmp_path: Path, model: Model) -> None:
    empty = Examples(tmp_path / "empty", properties={"split_names": ["eval"]})
    with empty.writer("eval", pa.schema([("x", pa.float32())])):
        pass
    with raises("bulk_inferrer.no_rows"):
        infer(tmp_path, examples=empty, model=model, allow_unblessed=True)


def test_columns_must_be_named_and_differ() -> None:
    with raises("bulk_inferrer.no_column"):
        OutputExampleSpec(output_columns_spec=[OutputColumnsSpec()])
    same = [PredictOutputCol(output_key=key, output_column="p") for key in ("a", "b")]
    with raises("bulk_inferrer.column_twice", "p"):
        OutputExampleSpec(
            output_columns_spec=[
                OutputColumnsSpec(predict_output=PredictOutput(output_columns=same)),
                OutputColumnsSpec(predict_output=PredictOutput(output_columns=same)),
            ]
        )
