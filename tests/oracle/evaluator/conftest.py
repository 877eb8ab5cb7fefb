"""Two logistic models of scikit-learn's breast cancer data, as SavedModels that read serialised tf.Examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from assay.data.tf_example import encode
from assay.data.tfrecord import TFRecordWriter


@dataclass(frozen=True)
class Judged:
    """Models to judge and the data to judge them on."""

    candidate: Path
    baseline: Path
    records: list[bytes]
    file: Path


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression

    folder = tmp_path_factory.mktemp("judged")
    data = load_breast_cancer()
    features = ((data.data - data.data.mean(0)) / data.data.std(0)).astype(np.float32)
    labels = data.target.astype(np.int64)
    sizes = np.array(["small", "medium", "large"])[np.digitize(features[:, 0], [-0.5, 0.5])]
    for name, columns in (("candidate", 2), ("baseline", 6)):
        fitted = LogisticRegression(C=0.1).fit(features[::2, :columns], labels[::2])
        weights = np.zeros((6, 1), np.float32)
        weights[:columns, 0] = fitted.coef_[0]
        save_model(folder / name, weights, float(fitted.intercept_[0]))
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(list(features[:, :6]), pa.list_(pa.float32())),
            pa.array(labels),
            pa.array(sizes),
            pa.array(np.arange(len(labels)) % 3),
            pa.array((np.arange(len(labels)) % 4 + 1).astype(np.float32)),
        ],
        ["measures", "benign", "size", "site", "weight"],
    )
    records = encode(batch)
    with TFRecordWriter(folder / "examples.tfrecord.gz") as writer:
        writer.write(*records)
    return Judged(folder / "candidate", folder / "baseline", records, folder / "examples.tfrecord.gz")


def save_model(path: Path, weights: np.ndarray, bias: float) -> None:
    import tensorflow as tf

    class Logistic(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = tf.Variable(weights)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = tf.io.parse_example(examples, {"measures": tf.io.FixedLenFeature([6], tf.float32)})
            return {"output": tf.sigmoid(parsed["measures"] @ self.weights + bias)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = tf.io.parse_example(examples, {"benign": tf.io.FixedLenFeature([1], tf.int64)})
            return {"benign_xf": parsed["benign"]}

    module = Logistic()
    signatures = {"serving_default": module.serve, "transform_features": module.transform_features}
    tf.saved_model.save(module, str(path), signatures=signatures)
