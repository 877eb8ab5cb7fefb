"""Runs in a process of its own: loads a SavedModel, asks it, and writes down what it sees.

It judges nothing and may die at any moment: whoever started it reads the last report. `python -m … REQUEST.json`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from assay.errors import AssayError
from assay.files import write_durably
from assay.models.inputs import TensorInput, model_inputs
from assay.protos import tensorflow_serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to do.

    Attributes:
        model: The folder of the SavedModel.
        tags: Its tags.
        signatures: The signatures to call.
        examples: An Arrow file with the rows to ask about; empty to load only.
        warmup: Where to write warm-up requests; empty for none.
        model_name: The model's name in them.
        report: Where to write the report.
    """

    model: str
    tags: list[str]
    signatures: list[str]
    examples: str = ""
    warmup: str = ""
    model_name: str = "model"
    report: str


@dataclass(slots=True, kw_only=True)
class ServedOutput:
    """An output of a signature.

    Attributes:
        signature: The signature.
        output: The output's name.
        shape: The tensor's sizes.
        declared: The sizes that the signature declares, -1 where any will do; None for an unknown rank.
        not_finite: Values that are NaN or infinite.
    """

    signature: str
    output: str
    shape: list[int]
    declared: list[int] | None
    not_finite: int


@dataclass(slots=True, kw_only=True)
class ProbeReport:
    """What was seen so far.

    Attributes:
        stage: `starting`, `loading`, `asking` or `done`.
        load_seconds: The time that loading took.
        signatures: The signatures that the model has.
        rows: The number of examples.
        answers: What it answered.
        failures: What went wrong, by signature; under `` where the model did not load.
    """

    stage: str = "starting"
    load_seconds: float = 0.0
    signatures: list[str] = field(default_factory=list)
    rows: int = 0
    answers: list[ServedOutput] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def write(self, path: str) -> None:
        """Write the page atomically."""
        write_durably(Path(path), msgspec.json.encode(self))


def probe(request: Request) -> None:
    """Load the model and call it; every stage is reported before it begins."""
    report = ProbeReport()
    report.write(request.report)
    import tensorflow as tf

    report.stage = "loading"
    report.write(request.report)
    begun = time.perf_counter()
    try:
        model = tf.saved_model.load(request.model, tags=request.tags or None)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, tf.errors.OpError) as error:
        report.failures[""] = _first_line(error)
        report.write(request.report)
        return
    report.load_seconds = round(time.perf_counter() - begun, 3)
    report.signatures = sorted(model.signatures)
    report.stage = "asking"
    report.write(request.report)
    if request.examples:
        _ask(model, request, report)
    report.stage = "done"
    report.write(request.report)


def _ask(model: Any, request: Request, report: ProbeReport) -> None:
    import pyarrow as pa
    import tensorflow as tf

    with pa.ipc.open_file(request.examples) as file:
        batch = file.read_all().combine_chunks().to_batches()[0]
    report.rows = batch.num_rows
    asked: list[tuple[str, dict[str, Any]]] = []
    for name in request.signatures:
        if name not in report.signatures:
            continue
        signature = model.signatures[name]
        specs = signature.structured_input_signature[1]
        try:
            inputs = model_inputs(batch, {key: _input(spec) for key, spec in specs.items()})
            tensors = {key: tf.constant(value, dtype=specs[key].dtype) for key, value in inputs.items()}
            outputs = signature(**tensors)
        except (AssayError, ValueError, TypeError, RuntimeError, tf.errors.OpError) as error:
            report.failures[name] = _first_line(error)
            continue
        report.answers += [_answer(name, key, tensor, signature) for key, tensor in sorted(outputs.items())]
        asked.append((name, tensors))
    if request.warmup and asked:
        _write_warmup(asked, request)


def _input(spec: Any) -> TensorInput:
    shape = None if spec.shape.rank is None else tuple(spec.shape.as_list())
    return TensorInput(spec.dtype.name, shape)


def _answer(signature: str, name: str, tensor: Any, function: Any) -> ServedOutput:
    import numpy as np

    values = tensor.numpy()
    declared = function.structured_outputs[name].shape
    floating = np.issubdtype(values.dtype, np.floating)
    return ServedOutput(
        signature=signature,
        output=name,
        shape=list(values.shape),
        declared=None if declared.rank is None else [-1 if size is None else size for size in declared.as_list()],
        not_finite=int((~np.isfinite(values)).sum()) if floating else 0,
    )


def _write_warmup(asked: list[tuple[str, dict[str, Any]]], request: Request) -> None:
    """Write one request per signature, as TensorFlow Serving reads them when it loads the model."""
    import tensorflow as tf

    Path(request.warmup).parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(request.warmup) as writer:
        for signature, tensors in asked:
            log = tensorflow_serving.PredictionLog()
            predict = log.predict_log.request
            predict.model_spec.name = request.model_name
            predict.model_spec.signature_name = signature
            for name, tensor in tensors.items():
                predict.inputs[name].ParseFromString(tf.make_tensor_proto(tensor).SerializeToString())
            writer.write(log.SerializeToString())


def _first_line(error: Exception) -> str:
    text = error.message if isinstance(error, AssayError) else str(error)
    return f"{type(error).__name__}: {text.strip().splitlines()[0] if text.strip() else 'no message'}"


if __name__ == "__main__":
    probe(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Request))
