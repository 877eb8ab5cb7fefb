"""TFMA's own metrics of two models on the same rows: names and values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.metrics import comparison
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.rows import RowColumns

# TFMA warns about its own use of NumPy.
pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::tensorflow_model_analysis"),
]


def test_comparisons_of_two_models() -> None:
    from tensorflow_model_analysis.metrics import flip_metrics, metric_types, prediction_difference_metrics
    from tensorflow_model_analysis.proto import config_pb2

    config = config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(name="b", is_baseline=True), config_pb2.ModelSpec(name="a")]
    )
    rng = np.random.default_rng(7)
    a, b, weights = rng.uniform(size=50), rng.uniform(size=50), rng.uniform(size=50)
    a[:3] = b[:3] = 0
    inputs = [
        metric_types.StandardMetricInputs(
            {"labels": np.array([1.0]), "predictions": {"a": np.array([x]), "b": np.array([y])},
             "example_weights": np.array([w])}
        )
        for x, y, w in zip(a, b, weights, strict=True)
    ]  # fmt: skip
    theirs: dict[str, float] = {}
    for metric in (flip_metrics.BooleanFlipRates(), prediction_difference_metrics.SymmetricPredictionDifference()):
        found: dict[Any, Any] = {}
        for computation in metric.computations(
            eval_config=config, model_names=["b", "a"], output_names=[""], sub_keys=[None], example_weighted=True
        ):
            if hasattr(computation, "combiner"):
                state = computation.combiner.create_accumulator()
                for element in inputs:
                    state = computation.combiner.add_input(state, element)
                found |= computation.combiner.extract_output(state)
            else:
                found |= computation.result(found)
        theirs |= {key.name: value for key, value in found.items() if not key.name.startswith("_")}
    metrics = [*comparison.boolean_flip_rates(), comparison.symmetric_prediction_difference()]
    columns = RowColumns(label=None, predictions={"a": "a", "b": "b"}, weight="w")
    accumulator = SlicedMetrics(metrics, columns, baseline="b")
    batch = pa.record_batch([pa.array(a), pa.array(b), pa.array(weights)], names=["a", "b", "w"])
    values = accumulator.extract(accumulator.add_batch(accumulator.create(), batch))
    assert theirs.keys() == {metric.name for metric in metrics}
    for position, metric in enumerate(metrics):
        assert values.value("a", position) == pytest.approx(theirs[metric.name], abs=1e-9), metric.name
    assert {model for model, _ in values.values} == {"a"}
