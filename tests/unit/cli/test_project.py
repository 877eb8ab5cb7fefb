"""Defaults of options in `[tool.assay]` of a project's pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from assay.cli.main import app


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of data, from a folder inside of it."""
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    return folder


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def write(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f'[project]\nname = "x"\n{text}')


def test_options_are_taken_from_the_file_and_paths_are_relative_to_it(project: Path) -> None:
    write(
        project,
        '[tool.assay.validate]\nschema = "schema.pbtxt"\nseverity = ["ENUM_TYPE_UNEXPECTED_STRING_VALUES=WARNING"]',
    )
    assert ask("validate", "../good.csv").exit_code == 0
    assert ask("validate", "../bad.csv").exit_code == 0
    assert ask("validate", "../bad.csv", "--fail-on", "warning").exit_code == 3
    write(project, '[tool.assay.validate]\nschema = "schema.pbtxt"')
    assert ask("validate", "../bad.csv").exit_code == 3


def test_a_group_keeps_its_own_options_beside_those_of_its_commands(project: Path) -> None:
    write(project, '[tool.assay.stats]\nmissing-values = ["zzz"]\n[tool.assay.schema.infer]\noutput = "found.pbtxt"')
    assert "50.0%" in ask("stats", "../bad.csv").stdout
    assert ask("schema", "infer", "../good.csv").exit_code == 0
    assert (project / "found.pbtxt").is_file()


def test_options_of_a_csv_do_not_stand_in_the_way_of_other_data(project: Path) -> None:
    pq.write_table(pyarrow.csv.read_csv(project / "good.csv"), project / "good.parquet")
    write(project, '[tool.assay.stats]\nmissing-values = ["zzz"]')
    assert ask("stats", "../good.parquet").exit_code == 0
    assert ask("stats", "../good.parquet", "--missing-values", "zzz").exit_code == 2


def test_a_file_without_the_table_is_not_read(project: Path) -> None:
    (project / "pyproject.toml").write_bytes(b"[broken")
    assert ask("stats", "../good.csv").exit_code == 0
    (project / "sub" / "pyproject.toml").write_text("[project]")  # the nearest project, whose parents are not its own
    write(project, "[tool.assay.nothing]\nx = 1")
    assert ask("stats", "../good.csv").exit_code == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[tool.assay.valdate]\nschema = 'x'", "Did you mean 'validate'"),
        ("[tool.assay.validate]\nfail-no = 'error'", "Did you mean 'fail-on'"),
        ("[tool.assay.validate]\nfail-on = 'eror'", "pyproject.toml"),
        ("[tool.assay.gate]\nlevel = 7", "pyproject.toml"),
        ("[tool.assay.gate]\nlevel = [0.1]", "must be one value"),
        ("[tool.assay]\nvalidate = 1", "must be a table"),
        ("[tool.assay.validate\n", "not valid TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_wrong_usage(project: Path, text: str, named: str) -> None:
    write(project, text)
    of_gate = ("gate", "--config", "c", "--predictions", "p")
    done = ask(*(of_gate if "gate" in text else ("validate", "../good.csv", "--schema", "../schema.pbtxt")))
    assert done.exit_code == 2, done.output
    assert named in done.stderr
