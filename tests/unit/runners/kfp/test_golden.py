"""The compiled taxi pipeline is a reviewed file; `--update` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import assay
from assay.cli.pipeline_file import load_pipeline
from assay.runners.kfp import compile_pipeline
from assay.runners.kfp.embedded_files import is_embedded, unpack
from assay.spec import Pipeline

pytestmark = pytest.mark.network  # the example downloads its data where they are not cached


@pytest.fixture
def taxi(project_root: Path) -> Pipeline:
    """The example's pipeline, loaded as `assay compile` loads it."""
    return load_pipeline(project_root / "examples" / "chicago_taxi" / "pipeline.py")


def stable(value: Any, folder: Path) -> Any:
    """The document without what differs by machine and version, and without what other tests hold."""
    if isinstance(value, dict):
        left_out = {"sdkVersion", *(["description"] if isinstance(value.get("description"), str) else [])}
        return {key: stable(item, folder) for key, item in value.items() if key not in left_out}
    if isinstance(value, list):
        return [stable(item, folder) for item in value]
    if is_embedded(value):
        there = folder / re.sub(r"\W", "", value[-20:])
        named = unpack(value, there)
        listed = sorted(path.name for path in there.iterdir())
        return f"the file {named.name} of {', '.join(listed)}"
    if isinstance(value, str):
        return re.sub(r"^/.*/assay/chicago_taxi$", "<taxi trips>", value).replace(assay.__version__, "<version>")
    return value


def test_the_taxi_pipeline(taxi: Pipeline, tmp_path: Path, project_root: Path, update_golden: bool) -> None:
    golden = project_root / "tests" / "golden" / "kfp" / "chicago_taxi.yaml"
    compile_pipeline(taxi, tmp_path / "taxi.yaml", registry="s3://ml/registry")
    document = yaml.safe_load((tmp_path / "taxi.yaml").read_text(encoding="utf-8"))
    found = yaml.safe_dump(stable(document, tmp_path), sort_keys=True, width=120)
    if update_golden:
        golden.write_text(found, encoding="utf-8")
    assert yaml.safe_load(found) == yaml.safe_load(golden.read_text(encoding="utf-8")), (
        "the compiled pipeline changed: run this test with --update and review the diff"
    )
