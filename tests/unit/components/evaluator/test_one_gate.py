"""A pipeline's Evaluator decides as `assay gate` does, tells people as much, and is run anew when it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from assay.cli.main import app
from assay.components import Evaluator, ParquetExampleGen
from assay.gating.verdict import read_verdict
from assay.runners.local import LocalDagRunner
from assay.spec import Pipeline

CONFIG = """
model_specs:
- {name: new, label_key: label, prediction_key: new}
- {name: old, label_key: label, prediction_key: old, is_baseline: true}
slicing_specs: [{}, {feature_keys: [side]}]
metrics_specs:
- metrics:
  - class_name: AUC
    threshold:
      value_threshold: {lower_bound: 0.5, significant: not_worse}
      change_threshold: {direction: HIGHER_IS_BETTER, absolute: -0.01}
  - {class_name: Cost, module: METRIC}
policy: {significant: regression, alpha: 0.04, min_examples: 20}
"""
METRIC = """
class Cost:
    def __init__(self, name: str = "cost") -> None:
        self.name = name

    def create(self) -> float:
        return 0.0

    def add(self, state, labels, predictions, weights) -> float:
        return state + float((weights * (labels != (predictions > 0.5))).sum())

    def merge(self, states) -> float:
        return sum(states)

    def extract(self, state) -> float:
        return state * COST
"""
WAIVER = "- {{check: auc, slice: side={side}, who: ann, why: late labels, expires: {expires}}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, 400)
    side = rng.choice(["l", "r"], 400)
    old = np.clip(0.4 * labels + 0.6 * rng.uniform(size=400), 0, 1)
    new = np.where(side == "r", rng.uniform(size=400), old)
    table = pa.table({"label": labels, "old": old, "new": new, "side": side})
    (tmp_path / "data").mkdir(parents=True)
    pq.write_table(table, tmp_path / "data" / "rows.parquet")
    (tmp_path / "costs.py").write_text(METRIC.replace("COST", "1"))
    (tmp_path / "gate.yaml").write_text(CONFIG.replace("METRIC", str(tmp_path / "costs.py")))
    waive(tmp_path, "r", "2999-01-01")
    return tmp_path


def waive(folder: Path, side: str, expires: str) -> None:
    (folder / "waivers.yaml").write_text(WAIVER.format(side=side, expires=expires))


def run(folder: Path, **more: Any) -> tuple[str, dict[str, Path]]:
    """Runs the pipeline; gives how the step came by its outputs, and those."""
    one = {"split_config": {"splits": [{"name": "eval", "hash_buckets": 1}]}}
    examples = ParquetExampleGen(input_base=str(folder / "data"), output_config=one)
    evaluator = Evaluator(
        examples=examples.outputs["examples"], eval_config=str(folder / "gate.yaml"), first_run="block", **more
    )
    pipeline = Pipeline("gate", folder / "runs", components=[examples, evaluator])
    result = LocalDagRunner().run(pipeline)
    step = result.steps[-1]
    assert step.done, step.reason
    return str(step.status), {key: artifacts[0].path for key, artifacts in step.outputs.items()}


def test_the_step_and_the_command_say_the_same(folder: Path) -> None:
    _, outputs = run(folder, waivers_file=str(folder / "waivers.yaml"))
    files = ["--predictions", f"{folder}/data/rows.parquet", "--config", f"{folder}/gate.yaml"]
    files += ["--waivers", f"{folder}/waivers.yaml", "--first-run", "block", "-o", f"{folder}/out"]
    done = CliRunner().invoke(app, ["gate", *files])
    assert done.exit_code == 4, done.output  # all rows together got worse, and only the slice is waived
    ours, theirs = read_verdict(outputs["blessing"]), read_verdict(folder / "out")
    assert ours.checks == theirs.checks
    assert ours.policy == theirs.policy
    assert ours.policy | {"alpha": "0.04", "significant": "regression", "min_examples": "20"} == ours.policy
    assert [check.details["waived_by"] for check in ours.checks if "waived_by" in check.details] == ["ann", "ann"]
    tables = [pq.read_table(place / "metrics.parquet") for place in (outputs["evaluation"], folder / "out")]
    assert tables[0] == tables[1]
    flips = [pq.read_table(place / "flips.parquet") for place in (outputs["evaluation"], folder / "out")]
    assert flips[0].column_names == flips[1].column_names
    exact = ["slice", "rank", "row", "label", "side"]  # a tf.Example holds scores of single precision
    assert flips[0].select(exact) == flips[1].select(exact)
    summary = (outputs["evaluation"] / "summary.md").read_text()
    assert summary == (folder / "out" / "summary.md").read_text()
    assert "Waived by ann until 2999-01-01: late labels" in summary
    assert b'<testsuite name="Evaluator" tests="6" failures="1"' in (outputs["evaluation"] / "junit.xml").read_bytes()


@pytest.mark.parametrize("change", ["metric", "configuration", "waivers", "expiry", "nothing"])
def test_what_the_step_depends_on_is_no_cache_hit(folder: Path, change: str) -> None:
    waivers = folder / "waivers.yaml"
    before, outputs = run(folder, waivers_file=str(waivers))
    first = pq.read_table(outputs["evaluation"] / "metrics.parquet").to_pylist()
    if change == "metric":
        (folder / "costs.py").write_text(METRIC.replace("COST", "2"))
    elif change == "configuration":
        config = folder / "gate.yaml"
        config.write_text(config.read_text().replace("lower_bound: 0.5", "lower_bound: 0.4"))
    elif change == "waivers":
        waive(folder, "l", "2999-01-01")
    elif change == "expiry":
        waive(folder, "r", "2001-01-01")
    after, outputs = run(folder, waivers_file=str(waivers))
    assert (before, after) == ("complete", "cached" if change == "nothing" else "complete")
    second = pq.read_table(outputs["evaluation"] / "metrics.parquet").to_pylist()
    costs = [[row["value"] for row in rows if row["metric"] == "cost"] for rows in (first, second)]
    assert costs[1] == [value * (2 if change == "metric" else 1) for value in costs[0]]
    waived = [check.slice for check in read_verdict(outputs["blessing"]).checks if "waived_by" in check.details]
    assert bool(waived) == (change not in {"waivers", "expiry"})


def test_a_misspelt_waiver_stops_the_step(folder: Path) -> None:
    (folder / "waivers.yaml").write_text("- {check: auc, slise: side=r, who: ann, why: x, expires: 2999-01-01}\n")
    with pytest.raises(AssertionError, match=r"has no field 'slise'\. Did you mean 'slice'"):
        run(folder, waivers_file=str(folder / "waivers.yaml"))
