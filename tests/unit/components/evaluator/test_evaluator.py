"""The component on predictions that lie among the examples: no model to load, so each test takes a moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.artifacts import Examples
from assay.artifacts.blessing import ModelBlessing
from assay.artifacts.evaluation import ModelEvaluation
from assay.artifacts.model import Model
from assay.components.evaluator import Evaluator
from assay.engines.embedded import EmbeddedEngine
from assay.errors import ArtifactError
from assay.evaluation.config import parse_eval_config
from assay.gating.verdict import read_verdict
from assay.kernels.uncertainty.intervals import wilson_interval
from assay.spec import ExecutionContext
from raising import raises

# TFMA warns about its own use of NumPy.
pytestmark = [pytest.mark.tensorflow, pytest.mark.filterwarnings("ignore:::tensorflow_model_analysis")]

CONFIG = """
model_specs {{ label_key: "label" prediction_key: "{prediction}" }}
slicing_specs {{}} slicing_specs {{ feature_keys: "{feature}" }}
metrics_specs {{
  metrics {{ class_name: "{metric}" threshold {{ {threshold} }} }}
  metrics {{ class_name: "ExampleCount" }}
}}
"""


def config(
    metric: str = "BinaryAccuracy",
    threshold: str = "value_threshold { lower_bound { value: 0.7 } }",
    feature: str = "site",
    prediction: str = "score",
) -> dict[str, Any]:
    return parse_eval_config(CONFIG.format(metric=metric, threshold=threshold, feature=feature, prediction=prediction))


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    """Gives 40 rows; three in four predictions are right, all of them at site a."""
    rows = np.arange(40)
    labels = rows % 2
    right = (rows % 4 != 3) | (rows < 20)
    table = pa.table(
        {
            "label": labels,
            "score": np.where(right == (labels == 1), 0.9, 0.1).astype(np.float32),
            "site": np.where(rows < 20, "a", "b"),
        }
    )
    artifact = Examples(tmp_path / "examples")
    for split in ("eval", "other"):
        with artifact.writer(split, table.schema) as writer:
            for batch in table.to_batches():
                writer.write(batch)
    schema = table.schema
    with artifact.writer("empty", schema) as writer:
        writer.write(pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema))
    return artifact


def run(tmp_path: Path, examples: Examples, **arguments: Any) -> tuple[Any, ModelEvaluation, ModelBlessing, list[str]]:
    said: list[str] = []
    outputs = ModelEvaluation(tmp_path / "evaluation"), ModelBlessing(tmp_path / "blessing")
    for output in outputs:
        output.path.mkdir(parents=True)
    context = ExecutionContext(engine=EmbeddedEngine(), temp_dir=tmp_path, node_id="Evaluator", log=said.append)
    arguments = {"eval_config": config()} | arguments
    found = Evaluator.spec.function(
        context=context, examples=(examples,), evaluation=outputs[0], blessing=outputs[1], **arguments
    )
    return found, *outputs, said


def test_a_model_that_keeps_its_limits_is_blessed(tmp_path: Path, examples: Examples) -> None:
    found, evaluation, blessing, said = run(tmp_path, examples)
    assert found == (True,)
    assert sorted(path.name for path in blessing.path.iterdir()) == ["BLESSED", "blessing.json", "verdict.json"]
    assert blessing.blessed
    assert blessing.properties == {"blessed": 1, "component_id": "Evaluator"}
    assert said == ["Blessed: 3 checks passed, none failed."]
    rows = pq.read_table(evaluation.metrics_table).to_pylist()
    assert [(row["slice"], row["value"], row["examples"]) for row in rows if row["metric"] == "binary_accuracy"] == [
        ("Overall", 0.875, 40),
        ("site=a", 1.0, 20),
        ("site=b", 0.75, 20),
    ]


def test_nested_columns_are_left_out_and_named(tmp_path: Path, examples: Examples) -> None:
    table = pq.read_table(examples.files("eval")[0])
    nested = table.append_column("basket", pa.array([{"items": [1]}] * len(table)))
    with examples.writer("eval", nested.schema) as writer:
        writer.write(nested.to_batches()[0])
    found, *_, said = run(tmp_path, examples)
    assert found == (True,)
    assert said[0] == "Left out, because a tf.Example cannot hold nested values: basket."


def test_a_model_that_breaks_a_limit_in_one_slice_is_not_blessed_and_is_no_error(
    tmp_path: Path, examples: Examples
) -> None:
    limit = "value_threshold { lower_bound { value: 0.8 } }"
    found, _, blessing, said = run(tmp_path, examples, eval_config=config(threshold=limit))
    assert found == (False,)
    assert (blessing.path / "NOT_BLESSED").is_file()
    assert said == ["Not blessed: binary_accuracy on site=b is 0.75; the threshold is at least 0.8."]
    verdict = read_verdict(blessing.path)
    assert [(check.slice, check.ok) for check in verdict.checks] == [
        ("Overall", True),
        ("site=a", True),
        ("site=b", False),
    ]
    assert verdict.policy == {"first_run": "values_only", "no_thresholds": "block"}


def test_only_change_thresholds_and_no_baseline_bless_in_words(tmp_path: Path, examples: Examples) -> None:
    limit = "change_threshold { direction: HIGHER_IS_BETTER absolute { value: -1e-10 } }"
    found, _, _, said = run(tmp_path, examples, eval_config=config(threshold=limit))
    assert found.blessed
    assert "nothing was checked" in said[0]


def test_a_first_run_can_be_blocked(tmp_path: Path, examples: Examples) -> None:
    limit = "change_threshold { direction: HIGHER_IS_BETTER absolute { value: -1e-10 } }"
    found, _, _, said = run(tmp_path, examples, eval_config=config(threshold=limit), first_run="block")
    assert (found.blessed, said) == (
        False,
        ["Not blessed: There is no baseline to compare with, and first_run is 'block'."],
    )


def test_all_named_splits_are_evaluated(tmp_path: Path, examples: Examples) -> None:
    _, evaluation, _, _ = run(tmp_path, examples, example_splits=["eval", "other"])
    assert max(row["examples"] for row in pq.read_table(evaluation.metrics_table).to_pylist()) == 80


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"eval_config": config(metric="BinaryAcuracy")},
            ("eval_config.unknown_metric", "BinaryAcuracy", "BinaryAccuracy"),
        ),
        ({"eval_config": config(feature="sight")}, ("evaluator.no_such_feature", "sight", "slicing_specs[1]", "site")),
        ({"eval_config": config(prediction="skore")}, ("evaluator.no_such_feature", "skore", "score")),
        ({"example_splits": ["empty"]}, ("evaluator.no_examples",)),
        ({"example_splits": ["evil"]}, ("examples.unknown_split", "evil", "eval")),
        (
            {"eval_config": parse_eval_config("model_specs { label_key: 'label' }")},
            ("evaluator.no_model", "model_specs", "prediction_key"),
        ),
    ],
    ids=["metric", "slice", "prediction", "empty", "split", "model"],
)
def test_what_cannot_be_evaluated_is_an_error_of_its_own(
    tmp_path: Path, examples: Examples, arguments: dict[str, Any], expected: tuple[str, ...]
) -> None:
    with raises(*expected):
        run(tmp_path, examples, **arguments)


def test_a_missing_label_is_named(tmp_path: Path, examples: Examples) -> None:
    wrong = config() | {"model_specs": [{"label_key": "lable", "prediction_key": "score"}]}
    with raises("evaluator.no_such_feature", "label_key", "lable", "label"):
        run(tmp_path, examples, eval_config=wrong)


@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_a_model_that_cannot_be_loaded_is_named(tmp_path: Path, examples: Examples, damage: str) -> None:
    model = Model(tmp_path / "model")
    model.serving_path.mkdir(parents=True)
    if damage == "garbage":
        (model.serving_path / "saved_model.pb").write_bytes(b"no graph")
    with raises("evaluator.model_unloadable" if damage == "garbage" else "model.none", kind=ArtifactError):
        run(tmp_path, examples, model=model, eval_config=config() | {"model_specs": [{"label_key": "label"}]})


def test_a_module_file_must_have_one_of_the_functions(tmp_path: Path, examples: Examples) -> None:
    module = tmp_path / "module.py"
    module.write_text("def run_fn(fn_args): ...\n")
    with raises("evaluator.no_custom_function", "custom_eval_shared_model", "custom_extractors"):
        run(tmp_path, examples, module_file=str(module))


def test_custom_extractors_are_used(tmp_path: Path, examples: Examples) -> None:
    module = tmp_path / "module.py"
    module.write_text(EXTRACTORS, encoding="utf-8")
    found, _, _, said = run(tmp_path, examples, module_file=str(module))
    assert found.blessed
    assert said == [
        "TFMA computed all metrics: the module has functions of TFMA's own.",
        "Blessed: 4 checks passed, none failed.",
    ]


EXTRACTORS = """
import tensorflow_model_analysis as tfma
def custom_extractors(eval_shared_model, eval_config, tensor_adapter_config):
    return tfma.default_extractors(eval_config=eval_config)
"""


@pytest.mark.parametrize("by", ["kernel", "tfma", "pipeline"])
def test_what_was_evaluated_is_named_by_digest_whoever_computes(tmp_path: Path, examples: Examples, by: str) -> None:
    """A place of one run would make outputs of equal inputs differ."""
    (tmp_path / "extractors.py").write_text(EXTRACTORS, encoding="utf-8")
    examples.digest = "sha256:0123"
    arguments = {"module_file": str(tmp_path / "extractors.py")} if by == "pipeline" else {"engine": by}
    _, evaluation, _, _ = run(tmp_path, examples, **arguments)
    text = (evaluation.path / "eval_config.json").read_text(encoding="utf-8")
    written = json.loads(text)
    assert written["dataLocation"] == "sha256:0123/Split-eval"
    assert written["modelLocations"] == {"": "<unknown>"}
    assert str(tmp_path) not in text


def test_what_must_be_significant_is_judged_by_the_kernels_evidence(tmp_path: Path, examples: Examples) -> None:
    sure = config()
    sure["metrics_specs"][0]["metrics"][0]["threshold"]["value_threshold"]["significant"] = "not_worse"
    found, _, blessing, _ = run(tmp_path, examples, eval_config=parse_eval_config(sure))
    assert not found.blessed
    verdict = read_verdict(blessing.path)
    overall = verdict.checks[0]
    assert overall.ok
    assert overall.details["lower"] == pytest.approx(wilson_interval(35, 40, 0.9).lower)
    assert verdict.failed[0].sentence.startswith("Insufficient evidence (20 examples, and min_examples is 30)")


def test_the_policy_of_the_configuration_holds_where_the_step_says_nothing(tmp_path: Path, examples: Examples) -> None:
    change = "change_threshold { direction: HIGHER_IS_BETTER absolute { value: 0 } }"
    written = config(threshold=change) | {"policy": {"first_run": "block"}}
    found, *_ = run(tmp_path, examples, eval_config=parse_eval_config(written))
    assert not found.blessed
    found, *_ = run(tmp_path / "again", examples, eval_config=parse_eval_config(written), first_run="bless")
    assert found.blessed


def test_tfmas_figures_cannot_be_asked_how_sure_they_are(tmp_path: Path, examples: Examples) -> None:
    written = config() | {"policy": {"significant": "regression"}}
    with raises("evaluator.significant", "tfma"):
        run(tmp_path, examples, eval_config=parse_eval_config(written), engine="tfma")
