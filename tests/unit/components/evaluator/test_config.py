from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from assay.components.evaluator import Evaluator
from assay.components.evaluator.config import parse_eval_config, read_config
from assay.errors import UsageError
from assay.native import eval_config_pb2
from assay.spec import RuntimeParameter

TEXT = """
model_specs { label_key: "tips" }
slicing_specs {}
metrics_specs {
  metrics {
    class_name: "BinaryAccuracy"
    config: '{"threshold": 0.4}'
    threshold {
      value_threshold { lower_bound { value: 0.6 } }
      change_threshold { direction: HIGHER_IS_BETTER absolute { value: -0.01 } }
    }
  }
}
"""
PLAIN: dict[str, Any] = {
    "model_specs": [{"label_key": "tips"}],
    "slicing_specs": [{}],
    "metrics_specs": [
        {
            "metrics": [
                {
                    "class_name": "BinaryAccuracy",
                    "config": {"threshold": 0.4},
                    "threshold": {
                        "value_threshold": {"lower_bound": {"value": 0.6}},
                        "change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": -0.01},
                    },
                }
            ]
        }
    ],
}
YAML = """
model_specs:
- label_key: tips
slicing_specs: [{}]
metrics_specs:
- metrics:
  - class_name: BinaryAccuracy
    config: '{"threshold": 0.4}'
    threshold:
      value_threshold: {lower_bound: 0.6}
      change_threshold: {direction: HIGHER_IS_BETTER, absolute: -0.01}
"""


def message(text: str = TEXT) -> Any:
    return text_format.Parse(text, eval_config_pb2().EvalConfig())


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_every_form_has_one_canonical_form(tmp_path: Path) -> None:
    forms = [
        message(),
        TEXT,
        PLAIN,
        json.dumps(PLAIN),
        YAML,
        written(tmp_path / "a.pbtxt", TEXT),
        str(written(tmp_path / "a.json", json.dumps(PLAIN))),
        written(tmp_path / "a.yaml", YAML),
    ]
    canonical = parse_eval_config(message())
    assert canonical["metrics_specs"][0]["metrics"][0]["threshold"]["value_threshold"] == {"lower_bound": 0.6}
    assert all(parse_eval_config(form) == canonical for form in forms)
    assert parse_eval_config(canonical) == canonical


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        (
            "a.pbtxt",
            "model_specs {\n  label_kye: 'x'\n}",
            r"a\.pbtxt, line 2, column 3: ModelSpec has no field 'label_kye'\. Did you mean 'label_key'\?",
        ),
        ("a.json", '{\n "model_specs": [\n', r"a\.json, line 3, column 1: Expecting value"),
        ("a.yaml", "model_specs:\n  - label_key: [", r"a\.yaml, line \d, column \d+"),
        ("a.yaml", "- 1", "must hold a mapping, got list"),
        (
            "a.json",
            '{"model_specs": [{"label_kye": "x"}]}',
            r"a\.json\.model_specs\[0\]: ModelSpec has no field 'label_kye'\. Did you mean 'label_key'\?",
        ),
    ],
)
def test_syntax_errors_name_the_line(tmp_path: Path, name: str, text: str, error: str) -> None:
    with pytest.raises(UsageError, match=error):
        read_config(written(tmp_path / name, text))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"model_spec": []}, r"eval_config: EvalConfig has no field 'model_spec'\. Did you mean 'model_specs'\?"),
        ({"options": {"min_slice": 5}}, r"eval_config\.options: Options has no field 'min_slice'\. Did you mean"),
        (
            {"metrics_specs": [{"metrics": [{"class_name": "AUC", "threshold": {"value_treshold": {}}}]}]},
            r"metrics\[0\]\.threshold: MetricThreshold has no field 'value_treshold'\. Did you mean",
        ),
        (
            {"metrics_specs": [{"thresholds": {"auc": {"value_threshold": {"lower": 0.5}}}}]},
            r"\['auc'\]\.value_threshold: GenericValueThreshold has no field 'lower'\. Did you mean 'lower_bound'",
        ),
        ({"nothing_like_it": 1}, "Known: cross_slicing_specs, metrics_specs, model_specs, options, slicing_specs"),
    ],
)
def test_a_misspelt_field_is_named_with_the_one_that_was_meant(given: dict[str, Any], error: str) -> None:
    with pytest.raises(UsageError, match=error):
        read_config(given)


def test_json_s_own_names_are_fields_too() -> None:
    given = {"modelSpecs": [{"labelKey": "x"}], "options": {"minSliceSize": 5}}
    assert read_config(given).eval_config.model_specs[0].label_key == "x"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (3, "must be an EvalConfig, a dict, a path or text; got int"),
        (eval_config_pb2().ModelSpec(), "got tensorflow_model_analysis.ModelSpec"),
        (Path("no/such/file.json"), "Could not read an eval_config at no/such/file.json: No such file"),
        ("model_specs {} model_specs {} model_specs {}", "there may be at most two"),
        ("model_specs {} model_specs { name: 'a' is_baseline: true }", "a name of their own"),
        ("model_specs { name: 'b' } model_specs { name: 'a' }", "must be the baseline; 0 are"),
        ("slicing_specs { slice_keys_sql: 'SELECT' }", "slices by SQL"),
        ("metrics_specs { thresholds { key: 'auc' value { change_threshold { absolute {} } } } }", "has no direction"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(given: Any, error: str) -> None:
    with pytest.raises(UsageError, match=error):
        read_config(given)


def test_a_value_that_the_run_gives_waits_for_the_run() -> None:
    given = {**PLAIN, "model_specs": [{"label_key": RuntimeParameter("label", str)}]}
    assert parse_eval_config(given) == given


def test_declaring_an_evaluator_imports_neither_tensorflow_nor_beam(run_python: Any) -> None:
    code = """
import sys
from assay.components import Evaluator, Pusher
print(sorted({"tensorflow", "apache_beam", "tensorflow_model_analysis"} & set(sys.modules)))
"""
    assert run_python(code).stdout.strip() == "[]"


def test_the_declaration_has_tfxs_names() -> None:
    spec = Evaluator.spec
    assert set(spec.inputs) == {"examples", "model", "baseline_model", "schema"}
    assert set(spec.outputs) == {"evaluation", "blessing"}
    assert {"eval_config", "example_splits", "module_file"} <= set(spec.parameters)
    assert {"feature_slicing_spec", "fairness_indicator_thresholds"} == set(spec.refused)
    assert set(spec.output_parameters) == {"blessed"}
