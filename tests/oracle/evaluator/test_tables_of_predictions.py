"""Tables of predictions by the kernels, against TFMA's figures and the Evaluator's verdicts on the same rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.data.tf_example import decode, encode
from assay.engines.embedded.engine import EmbeddedEngine
from assay.evaluation.config import read_config
from assay.evaluation.plan import metric_name
from assay.evaluation.table_evaluation import TableEvaluation, evaluate_predictions
from assay.evaluation.tables import open_predictions
from assay.gating.decision import decide
from assay.gating.metric_values import Figures
from assay.gating.policy import GatePolicy
from assay.gating.thresholds import limits_of
from assay.gating.verdict import Verdict

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::tensorflow_model_analysis"),
]

SLICES = 'slicing_specs {} slicing_specs { feature_keys: "size" } slicing_specs { feature_keys: ["size", "site"] }'
BINARY = """
  metrics { class_name: "ExampleCount" }
  metrics { class_name: "AUC" config: '{"num_thresholds": 10000}' threshold { THRESHOLD } }
  metrics { class_name: "BinaryAccuracy" }
  metrics { class_name: "BinaryCrossEntropy" }
  metrics { class_name: "Precision" config: '"thresholds": [0.3], "name": "precise"' }
  metrics { class_name: "Recall" config: '{"thresholds": [0.3, 0.6]}' }
  metrics { class_name: "F1Score" }
  metrics { class_name: "MeanLabel" }
  metrics { class_name: "MeanPrediction" }
  metrics { class_name: "Calibration" }
  metrics { class_name: "RecallAtPrecision" config: '{"precision": 0.6, "num_thresholds": 10000}' }
  metrics { class_name: "MeanSquaredError" }
"""


def table(size: int = 400) -> pa.Table:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, size)
    return pa.table(
        {
            "benign": labels,
            "score": np.clip(0.25 * labels + rng.uniform(0.001, 0.749, size), 0, 1).astype(np.float32),
            "size": rng.choice(["small", "large"], size),
            "site": rng.integers(0, 3, size),
            "weight": rng.choice([0.25, 0.5, 1.0, 3.0], size).astype(np.float32),
        }
    )


def ours(config: Any, rows: Any, baseline: Any = None, **more: Any) -> TableEvaluation:
    return evaluate_predictions(config, open_predictions(config, rows, baseline, **more), EmbeddedEngine(threads=2))


def theirs(config: Any, records: list[bytes], folder: Path, **models: Path | None) -> tuple[Verdict, Figures]:
    """Evaluates as the Evaluator component does with `engine="tfma"`."""
    from assay.evaluation.model_evaluation import evaluate
    from assay.evaluation.request import EvaluationRequest
    from assay.evaluation.tfma_config import with_defaults
    from assay.evaluation.tfma_engine import read_figures

    folder.mkdir()
    model, baseline = models.get("model"), models.get("baseline")
    work = EvaluationRequest(config=config, batches=[records], model=model, baseline=baseline, metrics_engine="tfma")
    evaluated = evaluate(work, folder)
    return evaluated.verdict, read_figures(folder, with_defaults(config, has_baseline=baseline is not None))


def assert_same_figures(found: Figures, wanted: Figures) -> None:
    for mine, other in ((found.candidate, wanted.candidate), (found.baseline or {}, wanted.baseline or {})):
        assert mine.keys() == other.keys()
        for key, metrics in other.items():
            assert mine[key].keys() == metrics.keys(), key
            for metric, value in metrics.items():
                assert mine[key][metric] == pytest.approx(value, abs=1e-6, rel=1e-6, nan_ok=True), (key, metric)


@pytest.mark.parametrize("weight", ["", 'example_weight_key: "weight"'])
@pytest.mark.parametrize("limit", [0.5, 0.75, 0.99])
def test_binary_metrics_and_value_thresholds(weight: str, limit: float, tmp_path: Path) -> None:
    threshold = f"value_threshold {{ lower_bound {{ value: {limit} }} }}"
    config = read_config(
        f'model_specs {{ label_key: "benign" prediction_key: "score" {weight} }} {SLICES} '
        f"metrics_specs {{ {BINARY.replace('THRESHOLD', threshold)} }}"
    ).eval_config
    rows = table()
    evaluated = ours(config, rows)
    verdict, figures = theirs(config, encode(rows.to_batches()[0]), tmp_path / "theirs")
    assert_same_figures(evaluated.figures, figures)
    mine = decide(limits_of(config, metric_name), evaluated.figures)
    assert mine.ok == verdict.ok
    assert {check.id: check.ok for check in mine.checks} == {
        check.id: check.ok for check in verdict.checks if check.kind != "second_opinion"
    }


@pytest.mark.parametrize(
    "options",
    [
        "binarize { class_ids { values: [0, 2] } }",
        "binarize { k_list { values: [1, 2] } }",
        "binarize { top_k_list { values: [2] } }",
        "aggregate { micro_average: true }",
        "aggregate { macro_average: true CLASSES }",
        "aggregate { weighted_macro_average: true CLASSES }",
        "aggregate { macro_average: true top_k_list { values: [2] } }",
        "aggregate { micro_average: true top_k_list { values: [2] } }",
    ],
)
def test_metrics_of_classes(options: str, tmp_path: Path) -> None:
    classes = "".join(f"class_weights {{ key: {key} value: {value} }}" for key, value in enumerate((1.0, 1.0, 0.5)))
    config = read_config(
        f'model_specs {{ label_key: "benign" prediction_key: "score" }} {SLICES} metrics_specs {{ '
        f'{options.replace("CLASSES", classes)} metrics {{ class_name: "Precision" }} '
        'metrics { class_name: "Recall" threshold { value_threshold { lower_bound { value: 0.3 } } } } }'
    ).eval_config
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 300)
    scores = rng.dirichlet(np.ones(3), 300) * 0.7 + 0.3 * np.eye(3)[labels] * rng.integers(0, 2, (300, 1))
    rows = table(300).set_column(0, "benign", pa.array(labels))
    rows = rows.set_column(1, "score", pa.array(list((scores / scores.sum(1)[:, None]).astype(np.float32))))
    evaluated = ours(config, rows)
    verdict, figures = theirs(config, encode(rows.to_batches()[0]), tmp_path / "theirs")
    mine = decide(limits_of(config, metric_name), evaluated.figures)
    if "weighted_macro" in options:
        # TFMA files the average weighted by labels under `macro`, and then does not find it for its own threshold.
        assert mine.ok
        assert not verdict.ok
        assert_same_figures(as_macro(evaluated.figures), figures)
        return
    assert_same_figures(evaluated.figures, figures)
    assert mine.ok == verdict.ok


def as_macro(figures: Figures) -> Figures:
    candidate = {
        key: {replace(metric, aggregation="macro"): value for metric, value in metrics.items()}
        for key, metrics in figures.candidate.items()
    }
    return replace(figures, candidate=candidate)


@pytest.mark.parametrize("limit", [-0.5, -0.02, 0.0, 0.05])
@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_changes_from_a_baseline(judged: Any, limit: float, kind: str, tmp_path: Path) -> None:
    import tensorflow as tf

    threshold = f"change_threshold {{ direction: HIGHER_IS_BETTER {kind} {{ value: {limit} }} }}"
    metrics = f"{SLICES} metrics_specs {{ {BINARY.replace('THRESHOLD', threshold)} }}"
    models = {"model": judged.candidate, "baseline": judged.baseline}
    config = read_config(
        f'model_specs {{ signature_name: "serving_default" label_key: "benign" }} {metrics}'
    ).eval_config
    verdict, figures = theirs(config, judged.records, tmp_path / "theirs", **models)
    scores = {
        name: tf.saved_model.load(str(path)).signatures["serving_default"](examples=tf.constant(judged.records))
        for name, path in models.items()
    }
    rows = pa.Table.from_batches([decode(judged.records)])
    rows = pa.table({name: rows.column(name) for name in ("benign", "size", "site")})
    first, second = (rows.append_column("score", pa.array(one["output"].numpy()[:, 0])) for one in scores.values())
    config = read_config(f'model_specs {{ label_key: "benign" prediction_key: "score" }} {metrics}').eval_config
    evaluated = ours(config, first, second)
    assert_same_figures(evaluated.figures, figures)
    mine = decide(limits_of(config, metric_name), evaluated.figures)
    assert mine.ok == verdict.ok
    assert [(check.slice, check.ok) for check in mine.checks] == [
        (check.slice, check.ok) for check in verdict.checks if check.kind != "second_opinion"
    ]


def test_a_first_run_is_judged_by_its_value_thresholds(tmp_path: Path) -> None:
    threshold = "change_threshold { direction: HIGHER_IS_BETTER absolute { value: 0.0 } }"
    config = read_config(
        'model_specs { label_key: "benign" prediction_key: "score" } '
        f"{SLICES} metrics_specs {{ {BINARY.replace('THRESHOLD', threshold)} }}"
    ).eval_config
    rows = table()
    verdict, _ = theirs(config, encode(rows.to_batches()[0]), tmp_path / "theirs")
    figures = ours(config, rows).figures
    assert decide(limits_of(config, metric_name), figures).ok == verdict.ok
    assert not decide(limits_of(config, metric_name), figures, policy=GatePolicy(first_run="block")).ok
