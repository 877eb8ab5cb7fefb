"""Options of steps as people write them in YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.components import ImportSchemaGen
from assay.runners.kfp import compile_pipeline
from assay.runners.kfp.step_options import read_step_options
from assay.spec import Pipeline
from raising import raises


def read(text: str, folder: Path) -> None:
    (folder / "steps.yaml").write_text(text, encoding="utf-8")
    pipeline = Pipeline("p", components=[ImportSchemaGen(schema_file="s3://b/s.pbtxt")])
    compile_pipeline(pipeline, folder / "p.yaml", steps=read_step_options(folder / "steps.yaml"))


def test_numbers_need_no_quotes(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text('"*": {cpu_limit: 8, cpu_request: 0.5, retries: 2, env: {PORT: 8080}}')
    options = read_step_options(tmp_path / "s.yaml")["*"]
    assert (options.cpu_limit, options.cpu_request, options.retries) == ("8", "0.5", 2)
    assert options.env == {"PORT": "8080"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("memory_limit: lots", ("kfp.step_value", "memory", "string")),
        ("cpu_limit: abc", ("kfp.step_value", "cpu", "string")),
        ("{retries: 1, retry_backoff: soon}", ("kfp.step_value", "duration", "string")),
        ("retries: -1", ("kfp.step_value", "-1")),
        ("accelerator_count: 2", ("kfp.step_value", "accelerator_count", "accelerator_type")),
        ("env: {DEBUG: true}", ("kfp.step_options", "str", "bool")),
    ],
)
def test_what_kfp_does_not_take(text: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    """KFP raises a ValueError for some, and writes others down for the cluster to refuse."""
    with raises(*expected):
        read(f'"*": {text if text.startswith("{") else "{" + text + "}"}', tmp_path)
