"""A value that YAML reads as another type than the field has is refused with its line, and a way to write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import AssayError, UsageError
from assay.evaluation.config import read_config
from raising import raises

LINES = """model_specs: [{{label_key: label}}]
slicing_specs:
  - feature_values: {{country: {value}}}
metrics_specs:
  - metrics:
      - class_name: AUC
        threshold: {{value_threshold: {{lower_bound: {bound}}}}}
"""


def refused(text: str, tmp_path: Path, suffix: str = ".yaml") -> AssayError:
    path = tmp_path / f"gate{suffix}"
    path.write_text(text)
    with raises("eval_config.*", kind=UsageError) as raised:
        read_config(path)
    return raised.value


@pytest.mark.parametrize("value", ["NO", "yes", "01234", "12:30", "0.1", "2026-01-31", "true"])
def test_text_that_yaml_reads_as_something_else(value: str, tmp_path: Path) -> None:
    error = refused(LINES.format(value=value, bound=0.5), tmp_path)
    assert error.code == "eval_config.value_type"
    assert "gate.yaml, line 3: slicing_specs[0].feature_values['country'] must be text" in error.message
    assert value in f"{error.message} {error.hint}"
    assert f'"{value}"' in error.hint


@pytest.mark.parametrize(
    ("bound", "hint"), [("'0,5'", "Write 0.5."), ("50%", "Write 0.5."), ("'2,5 %'", "Write 0.025."), (".nan", "finite")]
)
def test_a_bound_that_is_not_a_number(bound: str, hint: str, tmp_path: Path) -> None:
    error = refused(LINES.format(value="SE", bound=bound), tmp_path)
    assert error.code == "eval_config.value_type"
    assert "line 7: metrics_specs[0].metrics[0].threshold.value_threshold.lower_bound" in error.message
    assert hint in error.hint


def test_what_is_quoted_is_text_and_a_number_may_be(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(LINES.format(value='"NO"', bound='"0.5"'))
    assert read_config(path).eval_config.slicing_specs[0].feature_values["country"] == "NO"


@pytest.mark.parametrize(
    ("text", "suffix", "line"),
    [
        ("policy: {}\nmodel_specs: []\npolicy: {}\n", ".yaml", "line 3"),
        ('{"model_specs": [],\n"policy": {},\n"policy": {}}', ".json", "lines 2, 3"),
        ("slicing_specs:\n  - feature_values: {NO: x}\n", ".yaml", "line 2"),
        ('{"slicing_specs":\n [{"feature_values": {"a": 1}}]}', ".json", "line 2"),
    ],
)
def test_the_line_of_a_repeated_key_and_of_a_key_that_is_not_text(
    text: str, suffix: str, line: str, tmp_path: Path
) -> None:
    assert line in refused(text, tmp_path, suffix).message
