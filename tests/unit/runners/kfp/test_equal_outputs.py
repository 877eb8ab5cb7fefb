"""Equal inputs give equal outputs: nothing of where a step ran is left in what it wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from assay.artifacts.store import MANIFEST, read_manifest
from assay.runners.kfp import CsvExampleGen, Evaluator, ExampleValidator, SchemaGen, StatisticsGen
from assay.runners.kfp.embedded_files import embed_module

COST = """
class Cost:
    name = "cost"

    def create(self):
        return 0.0

    def add(self, state, labels, predictions, weights):
        return state + float((weights * (predictions - labels) ** 2).sum())

    def merge(self, states):
        return sum(states)

    def extract(self, state):
        return state
"""


def judged(task: Callable[..., Any], folder: Path) -> dict[str, Path]:
    """Runs the steps on data and code in a folder, and gives where each artifact lies."""
    rows = [f"{n % 2},{(n % 5) / 4},{'ab'[n % 2]}" for n in range(60)]
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "scores.csv").write_text("\n".join(["label,score,site", *rows]) + "\n", encoding="utf-8")
    (folder / "cost.py").write_text(COST, encoding="utf-8")
    metric = {
        "class_name": "Cost",
        "module": embed_module(folder / "cost.py"),
        "threshold": {"value_threshold": {"upper_bound": 1}},
    }
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["site"]}],
        "metrics_specs": [{"metrics": [metric]}],
    }
    found = {}

    def outputs(made: Any, *names: str) -> Any:
        found.update({name: Path(made.outputs[name].path) for name in names})
        return made.outputs[names[0]]

    examples = outputs(task(CsvExampleGen, input_base=str(folder / "data")).run(), "examples")
    statistics = outputs(task(StatisticsGen, examples=examples).run(), "statistics")
    schema = outputs(task(SchemaGen, statistics=statistics).run(), "schema")
    outputs(task(ExampleValidator, statistics=statistics, schema=schema).run(), "anomalies")
    outputs(task(Evaluator, examples=examples, eval_config=config).run(), "evaluation", "blessing")
    return found


def written(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            yield path, path.read_bytes()


def test_two_runs_on_equal_data_elsewhere(tmp_path: Path, task: Callable[..., Any]) -> None:
    first, second = judged(task, tmp_path / "one"), judged(task, tmp_path / "another")
    assert {name: read_manifest(path).digest for name, path in first.items()} == {
        name: read_manifest(path).digest for name, path in second.items()
    }
    for folder in first.values():
        for path, content in written(folder):
            assert b"assay-step-" not in content, path
            assert str(tmp_path).encode() not in content, path
    text = (first["evaluation"] / "eval_config.json").read_text(encoding="utf-8")
    assert '"module": "cost.py@sha256:' in text
    assert f'"dataLocation": "{read_manifest(first["examples"]).digest}/Split-eval"' in text
