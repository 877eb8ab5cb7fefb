"""Data beside its schema, and commands that are asked about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import assay
from assay.cli.main import app

Ask = Callable[..., Result]

GOOD = "city,fare\n" + "a,1.5\nb,2.5\n" * 20
BAD = "city,fare\n" + "a,1.5\nzzz,2.5\n" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Data that fits its schema, data that does not, and the schema."""
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "bad.csv").write_text(BAD)
    schema = assay.infer_schema(tmp_path / "good.csv")
    (tmp_path / "schema.pbtxt").write_text(str(schema))
    return tmp_path


@pytest.fixture
def ask(folder: Path) -> Ask:
    def ask(*arguments: str) -> Result:
        files = (".csv", ".tsv", ".pb", ".pbtxt", ".state", ".xml", "/")
        placed = [str(folder / each) if each.endswith(files) else each for each in arguments]
        return CliRunner().invoke(app, placed, env={"COLUMNS": "80"})

    return ask
