"""A user's own accumulator class as a metric of a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.components.evaluator.kernel_engine.judgement import Tables, judge
from assay.engines.embedded import EmbeddedEngine
from assay.errors import AssayError, UsageError

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
    with pytest.raises(UsageError, match=r"NoMetric has no kernel: no accumulator class of this name .*costs\.py'"):
        verdict(tmp_path, class_name="NoMetric")
    with pytest.raises(UsageError, match=r"found in module 'no_such_module'\. Name a module that can be imported"):
        verdict(tmp_path, module="no_such_module")
    with pytest.raises(AssayError, match="unexpected keyword argument 'mist'"):
        verdict(tmp_path, config={"mist": 5})
