"""Which signature is judged, where a model has one for TFMA and one that servers use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.models.inputs import ExampleBatch
from assay.models.predictor import JudgedModel
from raising import raises

pytestmark = pytest.mark.tensorflow


def saved(folder: Path, served_factor: float, served_width: int = 1) -> Path:
    """Save a model whose `predict` returns x, and whose `serving_default` returns x times a factor, in some columns."""
    import tensorflow as tf

    specification = [tf.TensorSpec([None], tf.string, name="examples")]

    class Scorer(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        def parsed(self, examples: Any) -> Any:
            return tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]

        @tf.function(input_signature=specification)
        def predict(self, examples: Any) -> dict[str, Any]:
            return {"outputs": self.parsed(examples)}

        @tf.function(input_signature=specification)
        def serve(self, examples: Any) -> dict[str, Any]:
            return {"scores": tf.tile(self.parsed(examples) * served_factor, [1, served_width])}

    scorer = Scorer()
    signatures = {"predict": scorer.predict, "serving_default": scorer.serve}
    tf.saved_model.save(scorer, str(folder), signatures=signatures)
    return folder


def predicted(model: Path, signature_name: str = "") -> Any:
    judged = JudgedModel(role="model", column="p", model=model, signature_name=signature_name)
    rows = pa.RecordBatch.from_pydict({"x": pa.array(np.linspace(0, 1, 50), pa.float32())})
    return judged.predict(ExampleBatch(rows)).reshape(-1)


def test_signatures_that_predict_the_same_are_one_model(tmp_path: Path) -> None:
    assert predicted(saved(tmp_path / "m", 1.0)) == pytest.approx(np.linspace(0, 1, 50))


@pytest.mark.parametrize(
    ("factor", "width", "code"), [(0.5, 1, "eval_config.signature"), (1.0, 2, "eval_config.signature")]
)
def test_a_served_signature_that_predicts_otherwise_must_be_chosen(
    tmp_path: Path, factor: float, width: int, code: str
) -> None:
    model = saved(tmp_path / "m", factor, width)
    with raises(code):
        predicted(model)
    assert predicted(model, "predict") == pytest.approx(np.linspace(0, 1, 50))
    assert len(predicted(model, "serving_default")) == 50 * width
