"""Metrics, validations and files against TFMA's own pipeline, on real data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

# TFMA warns about its own use of NumPy, tens of thousands of times.
pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::tensorflow_model_analysis"),
]

METRICS = """
  metrics { class_name: "ExampleCount" }
  metrics { class_name: "AUC" config: '{"num_thresholds": 10000}' THRESHOLD_AUC }
  metrics { class_name: "BinaryAccuracy" THRESHOLD_ACCURACY }
  metrics { class_name: "BinaryCrossEntropy" THRESHOLD_LOSS }
  metrics { class_name: "Precision" config: '{"thresholds": [0.3]}' }
  metrics { class_name: "CalibrationPlot" }
  metrics { class_name: "ConfusionMatrixPlot" }
"""
CONFIG = """
model_specs {
  signature_name: "serving_default" label_key: "benign_xf" preprocessing_function_names: "transform_features" WEIGHT
}
slicing_specs {} slicing_specs { feature_keys: "size" } slicing_specs { feature_keys: ["size", "site"] }
metrics_specs { METRICS }
"""


def eval_config(weight: str = "", options: str = "", **thresholds: str) -> Any:
    from assay.evaluation.config import read_config

    metrics = METRICS
    for metric in ("auc", "accuracy", "loss"):
        metrics = metrics.replace(f"THRESHOLD_{metric.upper()}", thresholds.get(metric, ""))
    return read_config(CONFIG.replace("METRICS", metrics).replace("WEIGHT", weight) + options).eval_config


def evaluate_with_assay(config: Any, judged: Any, folder: Path, *, baseline: bool, **more: Any) -> Any:
    from assay.evaluation.model_evaluation import evaluate
    from assay.evaluation.request import EvaluationRequest

    folder.mkdir()
    return evaluate(
        EvaluationRequest(
            config=config,
            batches=[judged.records[:300], judged.records[300:]],
            model=judged.candidate,
            baseline=judged.baseline if baseline else None,
            **more,
        ),
        folder,
    )


def evaluate_with_tfma(config: Any, judged: Any, folder: Path, *, baseline: bool) -> None:
    """Evaluates as TFX's Evaluator does."""
    import tensorflow_model_analysis as tfma

    from assay.evaluation.tfma_config import as_tfmas

    prepared = tfma.utils.update_eval_config_with_defaults(as_tfmas(config), has_baseline=baseline, rubber_stamp=True)
    models = [
        tfma.default_eval_shared_model(
            eval_saved_model_path=str(judged.baseline if spec.is_baseline else judged.candidate),
            model_name=spec.name,
            eval_config=prepared,
        )
        for spec in prepared.model_specs
    ]
    tfma.run_model_analysis(
        eval_shared_model=models if len(models) > 1 else models[0],
        eval_config=prepared,
        data_location=str(judged.file),
        output_path=str(folder),
    )


def metrics_by_key(folder: Path) -> dict[tuple[str, str], float]:
    import tensorflow_model_analysis as tfma

    return {
        (str(record.slice_key).strip(), str(item.key).strip()): item.value.double_value.value
        for record in tfma.load_metrics(str(folder))
        for item in record.metric_keys_and_values
    }


def plots_by_slice(folder: Path) -> dict[str, Any]:
    import tensorflow_model_analysis as tfma

    return {
        str(record.slice_key): sorted(
            (str(item.key), len(item.value.calibration_histogram_buckets.buckets), plot_points(item.value))
            for item in record.plot_keys_and_values
        )
        for record in tfma.load_plots(str(folder))
    }


def plot_points(value: Any) -> list[tuple[float, float, float]]:
    return [
        (round(one.threshold, 6), round(one.true_positives, 3), round(one.false_positives, 3))
        for one in value.confusion_matrix_at_thresholds.matrices[::500]
    ]


@pytest.mark.parametrize("engine", ["kernel", "tfma"])
@pytest.mark.parametrize(
    ("baseline", "weight"),
    [(True, 'example_weight_key: "weight"'), (False, "")],
    ids=["two models, weighted", "first run"],
)
def test_metrics_plots_and_validation_are_those_of_tfmas_pipeline(
    judged: Any, tmp_path: Path, baseline: bool, weight: str, engine: str
) -> None:
    import tensorflow_model_analysis as tfma

    config = eval_config(
        weight,
        accuracy="""threshold {
          value_threshold { lower_bound { value: 0.85 } }
          change_threshold { direction: HIGHER_IS_BETTER absolute { value: -0.02 } relative { value: -0.05 } }
        }""",
    )
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    evaluated = evaluate_with_assay(config, judged, ours, baseline=baseline, metrics_engine=engine)
    evaluate_with_tfma(config, judged, theirs, baseline=baseline)

    expected = metrics_by_key(theirs)
    found = metrics_by_key(ours)
    assert found.keys() == expected.keys()
    assert len(expected) > 60
    for key, value in expected.items():
        both_nan = math.isnan(value) and math.isnan(found[key])
        assert both_nan or math.isclose(found[key], value, rel_tol=1e-6, abs_tol=1e-9), key
    assert plots_by_slice(ours) == plots_by_slice(theirs)

    model_names = ["candidate", "baseline"] if baseline else [""]
    for name in model_names:
        mine, its = (tfma.load_eval_result(str(one), model_name=name) for one in (ours, theirs))
        assert len(mine.slicing_metrics) == len(its.slicing_metrics)
        assert mine.config == its.config
    assert failures(ours) == failures(theirs)
    assert tfma.load_validation_result(str(ours)).validation_ok is False
    assert evaluated.verdict.ok is False


def failures(folder: Path) -> tuple[bool, set[tuple[str, str, str]], list[str], int]:
    """TFMA's decision: whether all is well, which thresholds failed where, and which slices were missing."""
    import tensorflow_model_analysis as tfma

    result = tfma.load_validation_result(str(folder))
    failed = {
        (str(one.slice_key), failure.metric_key.name, str(failure.metric_threshold))
        for one in result.metric_validations_per_slice
        for failure in one.failures
    }
    details = sorted(str(one.slicing_spec) for one in result.validation_details.slicing_details)
    return result.validation_ok, failed, [str(one) for one in result.missing_slices], len(details)


THRESHOLDS = {
    "value that holds": {"auc": "threshold { value_threshold { lower_bound { value: 0.5 } } }"},
    "value that does not": {"auc": "threshold { value_threshold { lower_bound { value: 0.9 } } }"},
    "upper bound": {"loss": "threshold { value_threshold { upper_bound { value: 0.3 } } }"},
    "absolute, higher": {
        "accuracy": "threshold { change_threshold { direction: HIGHER_IS_BETTER absolute { value: -0.03 } } }"
    },
    "absolute, lower": {
        "loss": "threshold { change_threshold { direction: LOWER_IS_BETTER absolute { value: 0.02 } } }"
    },
    "relative, higher": {
        "accuracy": "threshold { change_threshold { direction: HIGHER_IS_BETTER relative { value: -0.02 } } }"
    },
    "relative, lower": {
        "loss": "threshold { change_threshold { direction: LOWER_IS_BETTER relative { value: 0.1 } } }"
    },
    "generous change": {
        "accuracy": "threshold { change_threshold { direction: HIGHER_IS_BETTER absolute { value: -1 } } }"
    },
    "one slice": {
        "accuracy": """per_slice_thresholds {
          slicing_specs { feature_values { key: "size" value: "small" } }
          threshold { value_threshold { lower_bound { value: 0.95 } } }
        }"""
    },
    "overall only": {
        "accuracy": """per_slice_thresholds {
          slicing_specs {} threshold { value_threshold { lower_bound { value: 0.7 } } }
        }"""
    },
    "crossed slices": {
        "accuracy": """per_slice_thresholds {
          slicing_specs { feature_keys: "site" feature_values { key: "size" value: "medium" } }
          threshold { change_threshold { direction: HIGHER_IS_BETTER absolute { value: -0.05 } } }
        }"""
    },
    "slice that is not computed": {
        "accuracy": """per_slice_thresholds {
          slicing_specs { feature_values { key: "size" value: "huge" } }
          threshold { value_threshold { lower_bound { value: 0.1 } } }
        }"""
    },
}


@pytest.fixture(scope="module")
def computed(judged: Any) -> Any:
    """Metrics of both models, computed once for all thresholds."""
    import tensorflow_model_analysis as tfma

    from assay.evaluation.tfma_config import as_tfmas, with_defaults
    from assay.evaluation.tfma_engine import _as_input, load_models
    from assay.evaluation.tfma_in_process import compute_metrics

    config = as_tfmas(with_defaults(eval_config(), has_baseline=True))
    models = load_models(judged.candidate, judged.baseline, config)
    extractors = tfma.default_extractors(eval_shared_model=models.as_argument, eval_config=config)
    return compute_metrics([_as_input(judged.records, None)], config, models.shared, extractors)


@pytest.mark.parametrize("thresholds", THRESHOLDS.values(), ids=THRESHOLDS.keys())
def test_each_check_is_tfmas_decision(computed: Any, tmp_path: Path, thresholds: dict[str, str]) -> None:
    """What TFMA's validator fails, the verdict fails, slice by slice; what it passes, the verdict passes."""
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis.slicer import slicer_lib

    from assay.evaluation.tfma_config import as_tfmas, metric_name, with_defaults
    from assay.evaluation.tfma_engine import read_figures, write_evaluation
    from assay.gating.decision import decide
    from assay.gating.metric_values import slice_name
    from assay.gating.thresholds import limits_of

    config = eval_config(**thresholds)
    prepared = with_defaults(config, has_baseline=True)
    write_evaluation(tmp_path, computed.sliced, as_tfmas(prepared))
    verdict = decide(limits_of(config, metric_name), read_figures(tmp_path, prepared))
    result = tfma.load_validation_result(str(tmp_path))
    expected = {
        (slice_name(slicer_lib.deserialize_slice_key(one.slice_key)), failure.metric_key.name)
        for one in result.metric_validations_per_slice
        for failure in one.failures
    }
    checks = [check for check in verdict.checks if check.kind in {"value_threshold", "change_threshold"}]
    assert {(check.slice, check.subject) for check in checks if not check.ok} == expected
    assert verdict.ok == result.validation_ok
    assert sum(check.kind == "missing_slice" for check in verdict.checks) == len(result.missing_slices)


def test_metrics_table_has_a_row_a_figure(judged: Any, tmp_path: Path) -> None:
    evaluate_with_assay(eval_config(), judged, tmp_path / "ours", baseline=True)
    table = pq.read_table(tmp_path / "ours" / "metrics.parquet")
    assert table.column_names == ["model", "slice", "metric", "value", "examples"]
    rows = {(row["model"], row["slice"], row["metric"]): row for row in table.to_pylist()}
    assert len(rows) == table.num_rows
    assert rows["candidate", "Overall", "example_count"] == {
        "model": "candidate",
        "slice": "Overall",
        "metric": "example_count",
        "value": 569.0,
        "examples": 569,
    }
    assert ("baseline", "site=2&size=small", "auc") in rows
    assert sum(row["examples"] for key, row in rows.items() if key[::2] == ("candidate", "auc")) == 3 * 569


def test_with_beam_options_tfmas_pipeline_runs(judged: Any, tmp_path: Path) -> None:
    config = eval_config(accuracy="threshold { value_threshold { lower_bound { value: 0.5 } } }")
    options = ("--runner=DirectRunner",)
    beam = evaluate_with_assay(config, judged, tmp_path / "beam", baseline=False, beam_pipeline_args=options)
    fast = evaluate_with_assay(config, judged, tmp_path / "fast", baseline=False)
    assert beam.rows == fast.rows == 569
    assert [check.sentence for check in beam.verdict.checks] == [check.sentence for check in fast.verdict.checks]
