"""`eval_config.json` names what was used by what it holds, and models by the names that TFMA's loaders look for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.evaluation.config import read_config
from assay.evaluation.tfma_files import write_eval_run
from assay.evaluation.tfma_slices import prepared_config
from assay.spec.source_digest import module_digest


def written(
    folder: Path, module: str, *models: dict[str, Any], has_baseline: bool = False, locations: dict[str, str]
) -> dict[str, Any]:
    specs = [{"label_key": "label"} | model for model in models or ({},)]
    metrics = [{"metrics": [{"class_name": "Cost", "module": module}]}]
    config = read_config({"model_specs": specs, "metrics_specs": metrics}).eval_config
    write_eval_run(folder, prepared_config(config, has_baseline=has_baseline), model_locations=locations)
    found: dict[str, Any] = json.loads((folder / "eval_config.json").read_text(encoding="utf-8"))
    return found


def module_of(run: dict[str, Any]) -> str:
    return str(run["evalConfig"]["metricsSpecs"][0]["metrics"][0]["module"])


def test_a_module_is_named_by_what_it_and_its_neighbours_hold(tmp_path: Path) -> None:
    for place, limit in (("here", 3), ("there", 3), ("changed", 4)):
        (tmp_path / place).mkdir()
        (tmp_path / place / "cost.py").write_text("import side\n", encoding="utf-8")
        (tmp_path / place / "side.py").write_text(f"LIMIT = {limit}\n", encoding="utf-8")
    here, there, changed = (
        module_of(written(tmp_path / place, str(tmp_path / place / "cost.py"), locations={}))
        for place in ("here", "there", "changed")
    )
    assert here == there == f"cost.py@{module_digest(tmp_path / 'here' / 'cost.py')}"
    assert changed != here


def test_a_module_that_is_imported_by_name_keeps_it(tmp_path: Path) -> None:
    assert module_of(written(tmp_path, "tensorflow_model_analysis.metrics", locations={})) == (
        "tensorflow_model_analysis.metrics"
    )


def test_models_are_named_as_the_configuration_names_them(tmp_path: Path) -> None:
    places = {"candidate": "sha256:1", "baseline": "sha256:2"}
    assert written(tmp_path, "", locations=places)["modelLocations"] == {"": "sha256:1"}
    both = written(tmp_path, "", has_baseline=True, locations=places)
    assert both["modelLocations"] == {"candidate": "sha256:1", "baseline": "sha256:2"}
    named = ({"name": "new"}, {"name": "old", "is_baseline": True})
    run = written(tmp_path, "", *named, has_baseline=True, locations=places)
    assert run["modelLocations"] == {"new": "sha256:1", "old": "sha256:2"}
