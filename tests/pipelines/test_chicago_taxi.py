"""The Chicago taxi example: its three runs from end to end, and where its data comes from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "chicago_taxi"

needs_the_stack = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.network]


def run_script(name: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    components = EXAMPLE.parents[1] / "components"
    return subprocess.run(
        [sys.executable, EXAMPLE / name, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=1100,
        env=os.environ | {"PYTHONPATH": str(components), "COLUMNS": "80"} | environment,
    )


@dataclass(frozen=True, slots=True)
class Demo:
    output: str
    root: Path
    records: list[dict[str, Any]]

    def steps(self, run: int) -> dict[str, dict[str, Any]]:
        return {step["id"]: step for step in self.records[run]["steps"]}

    def section(self, run: int) -> str:
        """What the demo printed for a run, on one line."""
        return " ".join(self.output.split("$ assay run ")[run + 1].split())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    root = tmp_path_factory.mktemp("demo")
    # How fast the cached run is depends on what else the machine does; `make demo` holds it to three seconds.
    done = run_script("demo.py", "--root", root, "--cached-seconds", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(root.glob("runs/*/run.json"))]
    assert len(records) == 3
    return Demo(done.stdout, root, records)


class TestDemo:
    pytestmark = needs_the_stack

    def test_the_first_run_runs_every_step(self, demo: Demo) -> None:
        statuses = {name: step["status"] for name, step in demo.steps(0).items()}
        assert statuses.pop("latest_blessed_model_resolver") == "resolved"
        assert set(statuses.values()) == {"complete"}
        assert demo.records[0]["exit_code"] == 0

    def test_the_summary_shows_rows_anomalies_metrics_blessing_and_version(self, demo: Demo) -> None:
        text = demo.section(0)
        rows = demo.steps(0)["CsvExampleGen"]["outputs"]["examples"][0]["rows"]
        assert sum(rows.values()) == 15_002
        assert f"CsvExampleGen.examples {rows['train']:,} {rows['eval']:,}" in text
        assert "payment_type Unexpected string values." in text
        assert "missing from the schema: Prcard" in text
        assert "company Unexpected string values." in text
        assert "auc 0.9" in text
        assert "payment_type=Credit Card" in text
        assert "no baseline" in text
        assert "Version " in text

    def test_no_line_but_paths_is_wider_than_80_columns(self, demo: Demo) -> None:
        assert not [
            line for line in demo.output.splitlines() if len(line) > 80 and "/" not in line and "ok " not in line
        ]

    def test_the_second_run_is_all_cache_hits(self, demo: Demo) -> None:
        statuses = {step["status"] for step in demo.steps(1).values()}
        assert statuses == {"cached", "resolved"}
        assert demo.records[1]["exit_code"] == 0

    def test_the_model_trained_too_little_is_stopped_with_a_reason(self, demo: Demo) -> None:
        assert demo.records[2]["exit_code"] == 4
        steps = demo.steps(2)
        assert steps["Evaluator"]["inputs"]["baseline_model"] == demo.steps(0)["Trainer"]["outputs"]["model"]
        assert steps["Evaluator"]["closed_gate"]["exit_code"] == 4
        assert "FAIL auc on Overall is 0." in demo.section(2) or "Not blessed: auc on Overall" in demo.section(2)
        assert "below the baseline's" in demo.section(2)
        assert "Nothing pushed" in demo.section(2)

    def test_only_the_blessed_model_is_served(self, demo: Demo) -> None:
        [version] = (demo.root / "serving").glob("[0-9]*")
        assert (version / "saved_model.pb").is_file()

    def test_the_served_model_answers_raw_trips(self, demo: Demo) -> None:
        import tensorflow as tf

        [version] = (demo.root / "serving").glob("[0-9]*")
        model = tf.saved_model.load(str(version))
        card, cash = (trip(tf, payment) for payment in (b"Credit Card", b"Cash"))
        answer = model.signatures["serving_default"](examples=tf.constant([card, cash]))["outputs"].numpy()
        assert answer.shape == (2, 1)
        assert answer[0, 0] > 0.3 > answer[1, 0]
        features = model.signatures["transform_features"](examples=tf.constant([card]))
        assert features["fare_xf"].shape == (1, 1)
        assert features["tips_xf"].numpy().tolist() == [[1]]


def trip(tf: Any, payment: bytes) -> bytes:
    """A trip of 3 miles for 10 dollars with a tip of 3, as a client sends it."""
    integers = {"trip_start_hour": 19, "trip_start_day": 6, "trip_start_month": 5, "trip_seconds": 600}
    floats = {"fare": 10.0, "trip_miles": 3.0, "tips": 3.0}
    feature = {name: tf.train.Feature(int64_list=tf.train.Int64List(value=[value])) for name, value in integers.items()}
    for name, value in floats.items():
        feature[name] = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    feature["payment_type"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[payment]))
    serialized: bytes = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    return serialized


def test_without_a_network_the_message_says_what_to_do(tmp_path: Path) -> None:
    done = run_script("data.py", XDG_CACHE_HOME=str(tmp_path), PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert "pip could not download" in done.stderr
    assert "pip download --no-deps tfx==1.21.0" in done.stderr
    assert str(tmp_path / "assay" / "chicago_taxi" / "data.csv") in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.csv"))


def test_the_demo_without_data_says_so_and_fails(tmp_path: Path) -> None:
    done = run_script("demo.py", "--root", tmp_path / "root", XDG_CACHE_HOME=str(tmp_path), PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert "pip could not download" in done.stderr


def test_a_changed_file_in_the_cache_is_not_used(tmp_path: Path) -> None:
    cached = tmp_path / "assay" / "chicago_taxi" / "data.csv"
    cached.parent.mkdir(parents=True)
    cached.write_text("fare,tips\n1,2\n", encoding="utf-8")
    done = run_script("data.py", XDG_CACHE_HOME=str(tmp_path), PIP_NO_INDEX="1")
    assert done.returncode == 1
    assert "pip could not download" in done.stderr


@pytest.mark.network
def test_the_data_is_downloaded_once(tmp_path: Path) -> None:
    first = run_script("data.py", XDG_CACHE_HOME=str(tmp_path))
    assert first.returncode == 0, first.stderr
    second = run_script("data.py", XDG_CACHE_HOME=str(tmp_path), PIP_NO_INDEX="1")
    assert second.stdout == first.stdout
    [cached] = tmp_path.rglob("*.*")
    assert len(cached.read_text(encoding="utf-8").splitlines()) == 15_003
