"""TFX's own Chicago taxi pipeline, ported by its import lines alone, runs to a pushed model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.network]

NAME = "chicago_taxi_native_keras"


@dataclass(frozen=True)
class Ported:
    """A home folder as TFX's example expects it, with the ported files."""

    home: Path
    original: dict[str, str]

    @property
    def script(self) -> Path:
        return self.home / "taxi" / "taxi_pipeline_native_keras.py"

    @property
    def root(self) -> Path:
        return self.home / "tfx" / "pipelines" / NAME

    def run(self) -> subprocess.CompletedProcess[str]:
        components = Path(__file__).resolve().parents[2] / "components"
        environment = os.environ | {"HOME": str(self.home), "PYTHONPATH": str(components)}
        return subprocess.run(
            [sys.executable, str(self.script)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=1100,
        )

    def record(self) -> dict[str, dict[str, object]]:
        """The steps of the last run, by id."""
        last = max(self.root.glob("runs/*/run.json"))
        return {step["id"]: step for step in json.loads(last.read_text())["steps"]}


@pytest.fixture(scope="module")
def ported(matching_tfx: Path, port: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Ported:
    example = matching_tfx / "examples" / "chicago_taxi_pipeline"
    home = tmp_path_factory.mktemp("home")
    data = home / "taxi" / "data" / "simple"
    data.mkdir(parents=True)
    shutil.copy(example / "data" / "simple" / "data.csv", data)
    original: dict[str, str] = {}
    for name in ("taxi_pipeline_native_keras.py", "taxi_utils_native_keras.py"):
        original[name] = (example / name).read_text(encoding="utf-8")
        (home / "taxi" / name).write_text(port(original[name]), encoding="utf-8")
    return Ported(home, original)


def test_only_import_lines_that_name_tfx_or_tfma_changed(ported: Ported) -> None:
    for name, text in ported.original.items():
        new = (ported.home / "taxi" / name).read_text(encoding="utf-8")
        pairs = list(zip(text.split("\n"), new.split("\n"), strict=True))
        changed = [(old, line) for old, line in pairs if old != line]
        assert changed
        assert all(line.startswith("from assay.v1") for _, line in changed)
        assert all(old.startswith(("from tfx", "import tensorflow_model_analysis")) for old, _ in changed)


def test_the_pipeline_runs_to_a_pushed_model_and_again_from_the_cache(ported: Ported) -> None:
    first = ported.run()
    assert first.returncode == 0, first.stdout + first.stderr
    steps = ported.record()
    assert {name: step["status"] for name, step in steps.items()} == {
        "CsvExampleGen": "complete",
        "StatisticsGen": "complete",
        "SchemaGen": "complete",
        "ExampleValidator": "complete",
        "Transform": "complete",
        "Trainer": "complete",
        "latest_blessed_model_resolver": "resolved",
        "Evaluator": "complete",
        "Pusher": "complete",
    }
    assert steps["Pusher"]["output_parameters"]["pushed"] is True  # type: ignore[index]  # JSON
    (version,) = (ported.home / "taxi" / "serving_model" / NAME).glob("[0-9]*")
    assert version.name.isdigit()
    assert (version / "saved_model.pb").is_file()
    assert (ported.home / "tfx" / "metadata" / NAME / "metadata.db").is_file()

    again = ported.run()
    assert again.returncode == 0, again.stdout + again.stderr
    assert {step["status"] for step in ported.record().values()} == {"cached", "resolved"}
