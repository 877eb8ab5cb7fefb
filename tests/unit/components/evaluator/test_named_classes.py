"""A pipeline whose predictions name their classes: its pages, and those of KFP, show the names."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assay.artifacts.evaluation import ModelEvaluation
from assay.components import Evaluator, ParquetExampleGen
from assay.data.sources import rows_of
from assay.evaluation.config import read_config
from assay.evaluation.model_evaluation import evaluate
from assay.evaluation.request import EvaluationRequest
from assay.reports import render
from assay.reports.sources.evaluation_files import read_plots
from assay.runners.kfp import views
from assay.runners.local import LocalDagRunner
from assay.spec import Pipeline
from raising import raises

CONFIG = {
    "model_specs": [{"label_key": "y", "prediction_key": "p"}],
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "SparseCategoricalAccuracy", "threshold": {"value_threshold": {"lower_bound": 0.5}}},
                {"class_name": "MultiClassConfusionMatrixPlot"},
            ]
        }
    ],
}
HOSTILE = "<b>cat"


def evaluated(folder: Path, names: list[str]) -> ModelEvaluation:
    (folder / "in").mkdir()
    rows = [at % 3 for at in range(30)]
    columns = {f"p.{name}": [0.8 if row == at else 0.1 for row in rows] for at, name in enumerate(names)}
    pq.write_table(pa.table({"y": [names[row] for row in rows]} | columns), folder / "in" / "p.parquet")
    gen = ParquetExampleGen(input_base=str(folder / "in"))
    evaluator = Evaluator(examples=gen.outputs["examples"], eval_config=CONFIG, example_splits=["train", "eval"])
    result = LocalDagRunner().run(Pipeline("flowers", folder / "root", [gen, evaluator]))
    found = result.output("Evaluator", "evaluation")
    assert isinstance(found, ModelEvaluation)
    return found


def test_confusion_matrices_have_the_names(tmp_path: Path) -> None:
    evaluation = evaluated(tmp_path, ["dog", HOSTILE, "ant"])
    content = json.loads((evaluation.path / "classes.json").read_text())
    assert content == {"label": "y", "classes": ["dog", HOSTILE, "ant"]}
    assert views.classification([evaluation])["confusionMatrix"] == {
        "annotationSpecs": [{"displayName": name} for name in ("dog", HOSTILE, "ant")],
        "rows": [{"row": [10.0, 0.0, 0.0]}, {"row": [0.0, 10.0, 0.0]}, {"row": [0.0, 0.0, 10.0]}],
    }
    page = render(evaluation)
    assert "Classes by number: 0 dog, 1 &lt;b&gt;cat, 2 ant." in page
    assert HOSTILE not in page


def test_classes_that_are_numbers_need_no_names(tmp_path: Path) -> None:
    evaluation = evaluated(tmp_path, ["0", "1", "2"])
    assert not (evaluation.path / "classes.json").exists()
    [plot] = read_plots(evaluation.path)
    assert [plot.class_name(number) for number in (-1, 0, 2)] == ["none", "0", "2"]


def test_a_class_beyond_the_names_keeps_its_number(tmp_path: Path) -> None:
    [plot] = read_plots(evaluated(tmp_path, ["dog", "cat", "ant"]).path)
    assert [plot.class_name(number) for number in (2, 3)] == ["ant", "3"]


def test_a_metric_of_tfmas_is_refused_where_it_would_number_classes_otherwise(tmp_path: Path) -> None:
    table = pa.table({"y": ["dog", "cat"], "p.dog": [0.8, 0.3], "p.cat": [0.2, 0.7]})
    config = read_config(
        {
            "model_specs": [{"label_key": "y", "prediction_key": "p"}],
            "metrics_specs": [{"metrics": [{"class_name": "CategoricalHinge"}]}],
        }
    )
    with raises("evaluator.tfma_only", "CategoricalHinge"):
        evaluate(EvaluationRequest(config=config.eval_config, rows=rows_of(table)), tmp_path)
