"""A SavedModel's predictions on record batches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from assay.errors import ArtifactError, EngineError, UsageError, did_you_mean
from assay.models.inputs import TensorInput, model_inputs

# The outputs of a call are all held at once; examples are small and batches of this size keep a model busy.
BATCH_ROWS = 1024


@dataclass(frozen=True, slots=True)
class BatchPredictor:
    """Predicts batch by batch; a worker that gets it loads the model once.

    Attributes:
        model: The folder of the SavedModel.
        signatures: The signatures to call.
        tags: The SavedModel's tags.
    """

    model: str
    signatures: tuple[str, ...]
    tags: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, dict[tuple[str, str], pa.Array]]:
        """Return the batch, and each output of each signature as a column, by (signature, output).

        Raises:
            EngineError: An output has another number of rows than the batch.
            DataError: The batch does not have what the model takes.
        """
        parts = [self._predict(batch.slice(start, BATCH_ROWS)) for start in range(0, batch.num_rows, BATCH_ROWS)]
        return batch, {key: pa.concat_arrays([part[key] for part in parts]) for key in (parts[0] if parts else ())}

    def check(self) -> None:
        """Load the model and look for the signatures.

        Raises:
            ArtifactError: The model cannot be loaded.
            UsageError: It lacks a signature.
        """
        for name in self.signatures:
            _signature(self.model, self.tags, name)

    def _predict(self, batch: pa.RecordBatch) -> dict[tuple[str, str], pa.Array]:
        found = {}
        for name in self.signatures:
            signature = _signature(self.model, self.tags, name)
            specs = signature.structured_input_signature[1]
            inputs = model_inputs(batch, {key: _input(spec) for key, spec in specs.items()})
            outputs = signature(**{key: tf.constant(value, dtype=specs[key].dtype) for key, value in inputs.items()})
            for key, tensor in sorted(outputs.items()):
                found[name, key] = _column(tensor.numpy(), batch.num_rows, f"'{key}' of '{name}'")
        return found


@lru_cache(maxsize=4)
def _load(model: str, tags: tuple[str, ...]) -> Any:
    try:
        return tf.saved_model.load(model, tags=list(tags) or None)
    except (OSError, ValueError, KeyError, RuntimeError, tf.errors.OpError) as error:
        raise ArtifactError(
            "bulk_inferrer.model",
            f"The model at {model} cannot be loaded: {error}.",
            "Check that it is a SavedModel that this TensorFlow reads.",
        ) from error


def _signature(model: str, tags: tuple[str, ...], name: str) -> Any:
    known = _load(model, tags).signatures
    if name not in known:
        raise UsageError(
            "bulk_inferrer.signature", f"The model has no signature '{name}'.", did_you_mean(name, list(known))
        )
    return known[name]


def _input(spec: Any) -> TensorInput:
    return TensorInput(spec.dtype.name, None if spec.shape.rank is None else tuple(spec.shape.as_list()))


def _column(values: Any, rows: int, what: str) -> pa.Array:
    """Return one value per row for an output of shape `[n]` or `[n, 1]`, else one (nested) list per row."""
    if values.ndim == 0 or len(values) != rows:
        raise EngineError(
            "bulk_inferrer.rows", f"Output {what} has shape {list(values.shape)} for {rows} examples: rows were lost."
        )
    flat = values.reshape(rows) if values.ndim == 2 and values.shape[1] == 1 else values
    if flat.ndim == 1:
        return pa.array(flat.tolist() if flat.dtype == object else flat)
    return _nested(flat)


def _nested(values: Any) -> pa.Array:
    inner = values.reshape(-1)
    column = pa.array(inner.tolist() if inner.dtype == object else inner)
    for size in reversed(values.shape[1:]):
        lists = len(column) // size if size else int(np.prod(values.shape[:-1]))
        column = pa.ListArray.from_arrays(pa.array(np.arange(lists + 1, dtype=np.int32) * size), column)
    return column
