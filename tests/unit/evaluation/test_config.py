from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from assay.components.evaluator import Evaluator
from assay.errors import UsageError
from assay.evaluation.config import parse_eval_config, read_config
from assay.protos import tfma
from assay.spec import RuntimeParameter
from raising import raises

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
    return text_format.Parse(text, tfma.EvalConfig())


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
    ("name", "text", "expected"),
    [
        (
            "a.pbtxt",
            "model_specs {\n  label_kye: 'x'\n}",
            ("eval_config.field", "a.pbtxt", "2", "3", "ModelSpec", "label_kye", "label_key"),
        ),
        ("a.json", '{\n "model_specs": [\n', ("eval_config.syntax", "a.json", "3", "1")),
        ("a.yaml", "model_specs:\n  - label_key: [", ("eval_config.syntax", "a.yaml")),
        ("a.yaml", "- 1", ("eval_config.type",)),
        (
            "a.json",
            '{"model_specs": [{"label_kye": "x"}]}',
            ("eval_config.field", "a.json.model_specs[0]", "ModelSpec", "label_kye", "label_key"),
        ),
    ],
)
def test_syntax_errors_name_the_line(tmp_path: Path, name: str, text: str, expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=UsageError):
        read_config(written(tmp_path / name, text))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"model_spec": []}, ("eval_config.field", "eval_config", "EvalConfig", "model_spec", "model_specs")),
        ({"options": {"min_slice": 5}}, ("eval_config.field", "eval_config.options", "min_slice")),
        (
            {"metrics_specs": [{"metrics": [{"class_name": "AUC", "threshold": {"value_treshold": {}}}]}]},
            ("eval_config.field", "metrics[0].threshold", "MetricThreshold", "value_treshold"),
        ),
        (
            {"metrics_specs": [{"thresholds": {"auc": {"value_threshold": {"lower": 0.5}}}}]},
            ("eval_config.field", "auc", "].value_threshold", "GenericValueThreshold", "lower", "lower_bound"),
        ),
        (
            {"nothing_like_it": 1},
            ("eval_config.field", "cross_slicing_specs", "metrics_specs", "model_specs", "slicing_specs"),
        ),
    ],
)
def test_a_misspelt_field_is_named_with_the_one_that_was_meant(
    given: dict[str, Any], expected: tuple[str, ...]
) -> None:
    with raises(*expected):
        read_config(given)


def test_json_s_own_names_are_fields_too() -> None:
    given = {"modelSpecs": [{"labelKey": "x"}], "options": {"minSliceSize": 5}}
    assert read_config(given).eval_config.model_specs[0].label_key == "x"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (3, ("eval_config.type", "EvalConfig")),
        (tfma.ModelSpec(), ("eval_config.type", "tensorflow_model_analysis.ModelSpec")),
        (Path("no/such/file.json"), ("eval_config.file", "eval_config", "no/such/file.json")),
        ("model_specs {} model_specs {} model_specs {}", ("eval_config.models",)),
        ("model_specs {} model_specs { name: 'a' is_baseline: true }", ("eval_config.models",)),
        ("model_specs { name: 'b' } model_specs { name: 'a' }", ("eval_config.models", "0")),
        ("slicing_specs { slice_keys_sql: 'SELECT' }", ("eval_config.sql_slice",)),
        (
            "metrics_specs { thresholds { key: 'auc' value { change_threshold { absolute {} } } } }",
            ("eval_config.no_direction",),
        ),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(given: Any, expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=UsageError):
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
