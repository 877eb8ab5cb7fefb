"""A user's own accumulator class as a metric of a configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.engines.embedded import EmbeddedEngine
from assay.errors import UsageError
from assay.evaluation.judgement import Tables, evaluate_tables, judge
from raising import raises

MODULE = '''
import numpy as np

class Cost:
    """What wrong decisions cost."""

    def __init__(self, missed: float = 1.0, name: str = "cost") -> None:
        self.missed, self.name = missed, name

    def create(self) -> float:
        return 0.0

    def add(self, state: float, labels, predictions, weights) -> float:
        missed = (predictions <= 0.5) & (labels == 1)
        false = (predictions > 0.5) & (labels == 0)
        return state + float((weights * (self.missed * missed + false)).sum())

    def merge(self, states: list[float]) -> float:
        return sum(states)

    def extract(self, state: float) -> float:
        return state

class NoMetric:
    pass
'''
ROWS = pa.table(
    {"label": [1, 1, 0, 0], "score": [0.9, 0.2, 0.7, 0.1], "site": ["a", "b", "a", "b"], "weight": [1.0, 2.0, 4.0, 8.0]}
)


def verdict(folder: Path, **metric: Any) -> Any:
    (folder / "costs.py").write_text(MODULE)
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score", "example_weight_key": "weight"}],
        "slicing_specs": [{}, {"feature_keys": ["site"]}],
        "metrics_specs": [{"metrics": [{"class_name": "Cost", "module": str(folder / "costs.py")} | metric]}],
    }
    return judge(Tables(config=config, predictions=ROWS), EmbeddedEngine()).verdict


def test_it_is_computed_by_slice_and_held_by_a_threshold(tmp_path: Path) -> None:
    threshold = {"value_threshold": {"upper_bound": 12}}
    found = verdict(tmp_path, config={"missed": 5}, threshold=threshold)
    assert {check.slice: check.observed for check in found.checks} == {"Overall": 14.0, "site=a": 4.0, "site=b": 10.0}
    assert [check.slice for check in found.checks if not check.ok] == ["Overall"]
    renamed = verdict(tmp_path, config={"name": "loss"}, threshold=threshold)
    assert {check.subject for check in renamed.checks} == {"loss"}


def test_an_importable_module_does_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    found = verdict(tmp_path, module="costs", threshold={"value_threshold": {"upper_bound": 12}})
    assert found.ok


def test_what_is_no_metric_of_ones_own_is_named(tmp_path: Path) -> None:
    with raises("eval_config.own_metric", "NoMetric", "costs.py", kind=UsageError):
        verdict(tmp_path, class_name="NoMetric")
    with raises("eval_config.own_metric", "no_such_module", kind=UsageError):
        verdict(tmp_path, module="no_such_module")
    with raises("user_code.raised", "mist"):
        verdict(tmp_path, config={"mist": 5})


@pytest.mark.parametrize(
    ("module", "class_name", "expected"),
    [
        ("no_such_module", "Cost", ("eval_config.own_metric", "no_such_module")),
        ("missing.py", "Cost", ("eval_config.own_metric", "missing.py")),
        ("costs.py", "Cots", ("eval_config.own_metric", "Cots", "Cost")),
    ],
)
def test_what_cannot_be_found_is_an_error_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, class_name: str, expected: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "costs.py").write_text(PRINTING)
    with raises(*expected, kind=UsageError) as raised:
        evaluated(module, class_name)
    assert raised.value.code == "eval_config.own_metric"


PRINTING = """
print("imported")
class Cost:
    name = "cost"
    def __init__(self, bad=False):
        print("made")
        self.bad = bad
    def create(self):
        print("created")
        return 0.0
    def add(self, state, labels, predictions, weights):
        print("added")
        if self.bad:
            raise ValueError("these rows are bad")
        return state + float(labels.sum())
    def merge(self, states):
        return sum(states)
    def extract(self, state):
        print("extracted")
        return state
"""


def evaluated(module: str, class_name: str, **settings: Any) -> float:
    metric = {"class_name": class_name, "module": module, "config": settings}
    model = {"label_key": "label", "prediction_key": "score"}
    given = {"model_specs": [model], "metrics_specs": [{"metrics": [metric]}]}
    table = pa.table({"label": [1.0, 0.0, 1.0], "score": [0.1, 0.2, 0.3]})
    _, evaluation, _ = evaluate_tables(Tables(config=given, predictions=table), EmbeddedEngine())
    return next(iter(evaluation.figures.candidate[()].values()))


def test_what_it_prints_goes_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "costs.py").write_text(PRINTING)
    assert evaluated(str(tmp_path / "costs.py"), "Cost") == 2.0
    sys.stdout.write("still here\n")
    out, err = capsys.readouterr()
    assert out == "still here\n"
    assert {"imported", "made", "created", "added", "extracted"} <= set(err.split())


def test_what_it_raises_names_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "costs.py").write_text(PRINTING)
    with raises("user_code.raised", "Cost.add", "ValueError", "costs.py", "14"):
        evaluated(str(tmp_path / "costs.py"), "Cost", bad=True)
