"""`assay init`: what it decides, writes and refuses."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from typer.testing import CliRunner, Result

from assay.cli.main import app
from assay.cli.pipeline_file import load_pipeline

FILES = {"pipeline.py", "module.py", "eval_config.yaml", "schema.pbtxt"}
ROWS = 300


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["init", *map(str, arguments)], env={"COLUMNS": "200"})


def decided(*arguments: object) -> dict[str, Any]:
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A CSV with a column of each kind, and names that need care."""
    lines = ['id,height,town,street,nothing,same,"say ""why""",left']
    for i in range(ROWS):
        left = "" if i % 50 == 7 else ("yes" if i % 3 else "no")
        lines.append(f"p{i},{150 + i % 40}.5,{'abc'[i % 3]},s{i % 120},,1,{i},{left}")
    path = tmp_path / "Some people.csv"
    path.write_text("\n".join(lines))
    return path


def test_each_column_is_used_by_its_kind(people: Path, tmp_path: Path) -> None:
    document = decided(people, "--label", "left", "-o", tmp_path / "new")
    assert document["task"] == "binary"
    assert document["classes"] == ["no", "yes"]
    assert document["numbers"] == ["height", 'say "why"']
    assert document["categories"] == {"town": 3}
    assert document["hashed"] == {"street": 64}
    assert document["left_out"] == {
        "id": "most rows have a text of their own: a name, an id, or free text",
        "nothing": "no value in any row",
        "same": "the same number in every row",
    }


def test_the_files_are_a_pipeline(people: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it's new"
    document = decided(people, "--label", "left", "-o", folder)
    assert {path.name for path in folder.iterdir()} == FILES
    assert shlex.split(document["next"]) == ["assay", "run", str(folder / "pipeline.py")]
    pipeline = load_pipeline(folder / "pipeline.py")
    assert pipeline.name == "it_s_new"
    assert [node.id for node in pipeline.nodes][:2] == ["CsvExampleGen", "StatisticsGen"]
    module = ast.parse((folder / "module.py").read_text())
    assert {"preprocessing_fn", "run_fn"} <= {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    schema = text_format.Parse((folder / "schema.pbtxt").read_text(), schema_pb2.Schema())
    assert len(schema.feature) == 8
    assert "example_weight_key: weight_xf" in (folder / "eval_config.yaml").read_text()  # some rows have no label
    assert 'feature_keys: ["town"]' in (folder / "eval_config.yaml").read_text()


@pytest.mark.parametrize(
    ("values", "asked", "task"),
    [
        (["a", "b"], None, "binary"),
        (["a", "b", "c"], None, "multiclass"),
        ([0, 1], None, "binary"),
        ([False, True], None, "binary"),
        ([1, 2, 3, 4, 5], None, "multiclass"),
        ([0.0, 1.0, 2.0], None, "multiclass"),
        ([0.5, 1.5, 2.5], None, "regression"),
        (list(range(100)), None, "regression"),
        ([1, 2, 3], "regression", "regression"),
        ([0, 1], "regression", "regression"),
        (list(range(60)), "multiclass", "multiclass"),
    ],
)
def test_the_label_says_what_is_predicted(tmp_path: Path, values: list[Any], asked: str | None, task: str) -> None:
    table = pa.table({"x": range(ROWS), "y": [values[i % len(values)] for i in range(ROWS)]})
    pq.write_table(table, tmp_path / "data.parquet")
    options = ["--task", asked] if asked else []
    document = decided(tmp_path / "data.parquet", "--label", "y", "-o", tmp_path / "new", *options)
    assert document["task"] == task
    assert document["classes"] == ([] if task == "regression" else sorted(values))
    assert "ParquetExampleGen(" in (tmp_path / "new" / "pipeline.py").read_text()


def test_what_a_model_of_flat_columns_cannot_use_is_left_out(tmp_path: Path) -> None:
    days = pa.array(range(ROWS), pa.int32()).cast(pa.date32())
    table = pa.table({"x": range(ROWS), "day": days, "list": [[1, 2]] * ROWS, "y": ["a", "b"] * (ROWS // 2)})
    pq.write_table(table, tmp_path / "data.parquet")
    document = decided(tmp_path / "data.parquet", "--label", "y", "-o", tmp_path / "new")
    left_out = document["left_out"]
    assert sorted(left_out) == ["day", "list"]
    assert left_out["day"] == "neither a number nor a text a row, but date32[day]"
    # What Parquet calls a list's items depends on pyarrow's version.
    assert re.fullmatch(r"neither a number nor a text a row, but list<\w+: int64>", left_out["list"])


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("x,y\n1,a\n2,b\n", ["--label", "Y"], "no column 'Y'"),
        ("x,y\n1,a\n2,a\n", ["--label", "y"], "has the value 'a' in every row"),
        ("x,y\n1,\n2,\n", ["--label", "y"], "has no value"),
        ("x,y\n1,a\n1,b\n", ["--label", "y"], "x: the same number in every row"),
        ("x,y\n1,a\n2,b\n", ["--label", "y", "--task", "regression"], "is text; a regression predicts a number"),
        ("x,y\n1,a\n2,b\n3,c\n", ["--label", "y", "--task", "binary"], "has 3 values; a binary label has 2"),
        ("x,y\n1,a\n2,b\n", ["--label", "y", "--task", "bin"], "Did you mean 'binary'?"),
        ("x,y\n", ["--label", "y"], "has a header and no rows"),
        ("x,y\n" + "".join(f"{i},n{i}\n" for i in range(200)), ["--label", "y"], "more than 100 distinct values"),
    ],
)
def test_what_cannot_be_learned_is_said(tmp_path: Path, text: str, options: list[str], message: str) -> None:
    (tmp_path / "data.csv").write_text(text)
    result = invoke(tmp_path / "data.csv", *options, "-o", tmp_path / "new")
    assert result.exit_code in {1, 2}
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("label", [[0, 1], ["no", "yes"], ["a", "b", "c"], [0.5, 1.25, 7.75, 3.5]])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kinds", ["number", "category", "hashed", "number category hashed"])
def test_the_code_is_what_a_person_would_write(tmp_path: Path, label: list[Any], missing: bool, kinds: str) -> None:
    columns: dict[str, list[Any]] = {
        "number": [float(i * i % 97) for i in range(ROWS)],
        "category": [f"c{i % 3}" for i in range(ROWS)],
        "hashed": [f"h{i % 120}" for i in range(ROWS)],
    }
    columns = {f"{kind} 'a\\\"{{{{ b }}}}$c%": columns[kind] for kind in kinds.split()}
    columns["the label"] = [label[i % len(label)] * (1 + i if isinstance(label[0], float) else 1) for i in range(ROWS)]
    if missing:
        columns = {
            name: [None if i == 7 else value for i, value in enumerate(of_it)] for name, of_it in columns.items()
        }
    pq.write_table(pa.table(columns), tmp_path / "data.parquet")
    decided(tmp_path / "data.parquet", "--label", "the label", "-o", tmp_path / "new")
    rules = "E7,E9,F,B,SIM,PLR01,PLR17,RET,C4,RUF005,RUF015,PIE,W,E3"
    options = ["--isolated", "--no-cache", "--preview", "--select", rules]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *options, tmp_path / "new"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    module = ast.parse((tmp_path / "new" / "module.py").read_text("utf-8"))
    tests = [node.test for node in ast.walk(module) if isinstance(node, (ast.If, ast.IfExp, ast.While))]
    assert not any(isinstance(test, ast.Constant) for test in tests)
    defined = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    defined |= {
        target.id
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert defined - used == {"preprocessing_fn", "run_fn"}


def test_no_file_is_written_over_unless_told_so(people: Path, tmp_path: Path) -> None:
    decided(people, "--label", "left", "-o", tmp_path / "new")
    (tmp_path / "new" / "module.py").write_text("mine")
    result = invoke(people, "--label", "left", "-o", tmp_path / "new")
    assert result.exit_code == 2
    assert "--force" in result.output
    assert (tmp_path / "new" / "module.py").read_text() == "mine"
    decided(people, "--label", "left", "-o", tmp_path / "new", "--force")
    assert (tmp_path / "new" / "module.py").read_text() != "mine"


@pytest.mark.parametrize("name", ["nothing.csv", "notes.txt"])
def test_data_that_is_not_there_or_of_no_known_format(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("x,y\n1,2\n")
    result = invoke(tmp_path / name, "--label", "y", "-o", tmp_path / "new")
    assert result.exit_code == 2
    assert "CSV or Parquet" in result.output
