"""`assay monitor`: each span is looked at once, against its schema, the training data and the span before."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from typer.testing import CliRunner, Result

import assay
from assay.cli.main import app

ROWS = 400
GATE = """
model_specs: [{label_key: label, prediction_key: score}]
slicing_specs: [{}]
metrics_specs:
- metrics:
  - class_name: AUC
    threshold: {value_threshold: {lower_bound: 0.8}}
"""
Monitor = Callable[..., Result]


def trips(seed: int, *, kinds: str = "ab", shift: float = 0.0, skill: float = 0.5) -> pa.Table:
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, ROWS)
    return pa.table(
        {
            "miles": random.exponential(3, ROWS) + shift,
            "kind": [kinds[i % len(kinds)] for i in range(ROWS)],
            "label": label,
            "score": np.clip(skill * label + random.normal(0.25, 0.15, ROWS), 0, 1),
        }
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    csv.write_csv(trips(0), "train.csv")
    Path("schema.pbtxt").write_text(str(assay.infer_schema("train.csv")))
    Path("gate.yaml").write_text(GATE)
    return tmp_path


@pytest.fixture
def monitor(folder: Path) -> Monitor:
    def monitor(*more: str, pattern: str = "in/{YYYY}-{MM}-{DD}.csv") -> Result:
        arguments = ["monitor", pattern, "--schema", "schema.pbtxt", *more]
        return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})

    return monitor


def deliver(day: int, **how: Any) -> None:
    csv.write_csv(trips(day, **how), f"in/2024-03-{day:02}.csv")


def record(day: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(f"monitor/spans/2024-03-{day:02}/record.json").read_text())
    return found


def test_a_span_is_looked_at_once(monitor: Monitor) -> None:
    deliver(1)
    deliver(2)
    first = monitor("--training", "train.csv")
    assert first.exit_code == 0, first.output
    assert "2024-03-01: 400 rows, 0 anomalies" in first.output
    assert [found["compared_with"] for found in record(2)["drift"]] == ["training", "2024-03-01"]

    again = monitor("--training", "train.csv")
    assert again.exit_code == 0
    assert again.output.startswith("Nothing new, 2 known")

    deliver(3)
    later = monitor("--training", "train.csv")
    assert "2024-03-03: 400 rows" in later.output
    assert "2024-03-02" not in later.output


def test_anomalies_and_drift_end_with_3(monitor: Monitor) -> None:
    deliver(1)
    deliver(2, kinds="abz")
    deliver(3, shift=3.0)
    found = monitor("--training", "train.csv", "--json")
    assert found.exit_code == 3
    first, second, third = json.loads(found.stdout)["new"]
    assert first["ok"]
    assert first["anomalies"] == []
    assert not second["ok"]
    assert "kind: Unexpected string values" in second["anomalies"][0]
    assert third["ok"]
    assert [each["drifted"] for each in third["drift"]] == [["miles"], ["miles", "kind"]]
    assert monitor().exit_code == 0  # nothing new is amiss


def test_labels_may_come_later(monitor: Monitor, folder: Path) -> None:
    deliver(1)
    quality = ("--predictions", "out/{YYYY}-{MM}-{DD}.csv", "--config", "gate.yaml")
    (folder / "out").mkdir()
    assert monitor(*quality).exit_code == 0
    assert record(1)["quality"] is None

    csv.write_csv(trips(1, skill=0.05), "out/2024-03-01.csv")
    csv.write_csv(trips(2), "out/2024-03-02.csv")  # its data did not come yet
    judged = monitor(*quality)
    assert judged.exit_code == 4
    assert "Not blessed: auc on Overall" in judged.output
    assert record(1)["quality"]["metrics"]["auc"] < 0.8
    assert not Path("monitor/spans/2024-03-02").exists()


def test_a_span_that_is_delivered_anew_is_looked_at_anew(monitor: Monitor) -> None:
    deliver(1, kinds="abz")
    assert monitor().exit_code == 3
    deliver(1)
    found = monitor()
    assert found.exit_code == 0
    assert "2024-03-01: 400 rows, 0 anomalies" in found.output


def test_data_that_is_gone_is_said_and_its_record_stays(monitor: Monitor) -> None:
    deliver(1)
    deliver(2)
    monitor()
    Path("in/2024-03-01.csv").unlink()
    found = monitor()
    assert "The data of 2024-03-01 is no longer there." in found.output
    assert record(1)["rows"] == ROWS


def test_the_history_page_tells_all_spans(monitor: Monitor) -> None:
    deliver(1, kinds=["a", "<script>alert(1)</script>"])
    deliver(2)
    monitor("--training", "train.csv")
    page = Path("monitor/history.html").read_text()
    assert "2024-03-01" in page
    assert "2024-03-02" in page
    assert "<script>alert" not in page
    assert "http://" not in page.replace("http://www.w3.org/", "")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("in/*.csv", "{SPAN}"),
        ("nowhere/{SPAN}.csv", "Expected a folder at nowhere"),
        ("in/{SPAM}.csv", "Did you mean 'SPAN'?"),
    ],
)
def test_a_pattern_that_finds_no_spans_is_refused(monitor: Monitor, pattern: str, message: str) -> None:
    result = monitor(pattern=pattern)
    assert result.exit_code in {1, 2}
    assert message in result.output


def test_two_monitors_do_not_work_on_one_root(monitor: Monitor, folder: Path) -> None:
    deliver(1)
    (folder / "monitor").mkdir()
    with (folder / "monitor" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = monitor()
    assert result.exit_code == 2
    assert "Another monitor" in result.output


def test_data_that_cannot_be_read_leaves_no_record(monitor: Monitor) -> None:
    deliver(1)
    Path("in/2024-03-02.csv").write_text("miles,kind\n1,2,3\n")
    result = monitor()
    assert result.exit_code == 1
    assert Path("monitor/spans/2024-03-01/record.json").is_file()
    assert not Path("monitor/spans/2024-03-02/record.json").exists()
    deliver(2)
    assert monitor().exit_code == 0
