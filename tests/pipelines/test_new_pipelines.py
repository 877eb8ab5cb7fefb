"""`assay init` on datasets that it was not made for: each pipeline runs through to a verdict without an edit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from assay.cli.main import app

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

ROWS = 600


def _bundled(name: str) -> pd.DataFrame:
    """A dataset that scikit-learn's wheel carries."""
    from sklearn import datasets

    frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return frame


def _shop() -> pd.DataFrame:
    """A table with all that real ones have: missing cells and labels, ids, dates, quotes, umlauts, an empty column."""
    random = np.random.default_rng(1)
    spent = random.normal(size=ROWS)
    town = random.choice(["Köln", "München", "Aix-en-Provence"], ROWS)
    left = np.where((spent + (town == "Köln") > 0.3), "yes", "no").astype(object)
    left[::40] = None
    known_town = town.astype(object)
    known_town[::10] = None
    return pd.DataFrame(
        {
            "Customer ID": [f"C{i:05d}" for i in range(ROWS)],
            'spent, "net"': spent,
            "größe": np.where(random.random(ROWS) < 0.2, np.nan, random.normal(170, 10, ROWS)),
            "town": known_town,
            "street": random.choice([f"street {i}" for i in range(150)], ROWS),
            "big": random.integers(10**12, 2 * 10**12, ROWS),
            "empty": [None] * ROWS,
            "when": pd.date_range("2020-01-01", periods=ROWS, freq="h").astype(str),
            "left?": left,
        }
    )


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(app, [*arguments], env={"COLUMNS": "100"})


@pytest.mark.parametrize(
    ("name", "label", "task", "blessed"),
    [
        ("iris", "target", "multiclass", True),
        ("wine", "target", "multiclass", True),
        ("digits", "target", "multiclass", True),
        ("breast_cancer", "target", "binary", True),
        ("diabetes", "target", "regression", True),
        ("linnerud", "Weight", "regression", False),  # 20 rows: a verdict is due, whichever it is
        ("shop", "left?", "binary", True),
    ],
)
def test_a_pipeline_runs_to_its_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, label: str, task: str, blessed: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = _shop() if name == "shop" else _bundled(name)
    data = "data.parquet" if name == "breast_cancer" else "data.csv"
    if name == "breast_cancer":  # Parquet has booleans, which a CSV has as words
        frame = frame.assign(target=frame["target"] == 1, big=frame["mean radius"] > 14)
        frame.to_parquet(data, index=False)
    else:
        frame.to_csv(data, index=False)

    made = _run("init", data, "--label", label, "-o", name, "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["task"] == task

    ran = _run("run", f"{name}/pipeline.py")
    assert ran.exit_code in ({0} if blessed else {0, 4}), ran.output
    assert re.search(r"^  (Blessed|Not blessed)", ran.output, re.MULTILINE)
    if ran.exit_code == 0:
        assert list(Path(name, "serving").glob("*/saved_model.pb"))
