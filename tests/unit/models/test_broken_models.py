"""A model with a file that was cut off, and one that fails on a row, say what is wrong and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.models.saved_model import load_python_model
from raising import raises

pytestmark = pytest.mark.tensorflow


def saved(path: Path) -> Path:
    import tensorflow as tf

    module = tf.Module()
    module.factor = tf.Variable(tf.ones([64, 64]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def serve(x: tf.Tensor) -> dict[str, tf.Tensor]:
        tf.debugging.assert_less(x, 0.95, message="x is too large for this model")
        return {"score": x * module.factor[0, 0]}

    tf.saved_model.save(module, str(path), signatures={"serving_default": serve})
    return path


def test_a_file_of_variables_that_was_cut_off_is_named(tmp_path: Path) -> None:
    [data] = saved(tmp_path / "model").glob("variables/variables.data-*")
    data.write_bytes(data.read_bytes()[:1000])
    with raises("evaluator.model_unloadable", "variables.data-00000-of-00001"):
        load_python_model(tmp_path / "model")


def test_a_graphs_error_says_what_happened(tmp_path: Path) -> None:
    import numpy as np

    model = load_python_model(saved(tmp_path / "model"))
    with raises("evaluator.model_failed", "x", "too") as raised:
        model.call("serving_default", {"x": np.array([0.99], dtype=np.float32)}, ["score"])
    assert "Graph execution error" not in raised.value.message
