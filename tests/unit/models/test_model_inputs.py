from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from assay.data.tf_example import encode
from assay.models.inputs import TensorInput, model_inputs
from raising import raises

BATCH = pa.RecordBatch.from_pydict(
    {
        "x": pa.array([1.0, 2.0], pa.float32()),
        "n": pa.array([1, None], pa.int64()),
        "city": pa.array(["a", "b"]),
        "pair": pa.array([[1, 2], [3, 4]], pa.list_(pa.int64())),
        "ragged": pa.array([[1], [3, 4]], pa.list_(pa.int64())),
    }
)


def test_one_vector_of_bytes_that_is_no_column_takes_examples() -> None:
    inputs = model_inputs(BATCH, {"examples": TensorInput("string", (None,))})
    assert inputs["examples"].tolist() == encode(BATCH)


def test_inputs_with_the_names_of_columns_take_the_columns() -> None:
    inputs = model_inputs(
        BATCH,
        {
            "x": TensorInput("float32", (None, 1)),
            "city": TensorInput("string", (None,)),
            "pair": TensorInput("int64", (None, 2)),
        },
    )
    assert {name: tensor.tolist() for name, tensor in inputs.items()} == {
        "x": [[1.0], [2.0]],
        "city": [b"a", b"b"],
        "pair": [[1, 2], [3, 4]],
    }
    assert inputs["x"].dtype == "float32"
    assert model_inputs(BATCH, {"city": TensorInput("string", (None,))})["city"].tolist() == [b"a", b"b"]


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ({"y": TensorInput("float32", (None,))}, ("model_inputs.missing", "y")),
        ({"n": TensorInput("int64", (None,))}, ("model_inputs.null", "n", "1", "2")),
        ({"ragged": TensorInput("int64", (None, 2))}, ("model_inputs.shape", "ragged")),
        ({"pair": TensorInput("int64", (None,))}, ("model_inputs.shape", "pair", "1", "2")),
    ],
)
def test_what_does_not_fit_is_refused(signature: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        model_inputs(BATCH, signature)
