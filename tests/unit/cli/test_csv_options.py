"""The options of reading a CSV, in every command that reads data and in Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

import assay
from assay.cli.csv_options import csv_options
from assay.cli.main import app
from assay.cli.pipeline_file import load_pipeline

OPTIONS = {"--delimiter", "--missing-values", "--decimal", "--thousands", "--type", "--max-record-bytes"}
READING = [
    ("stats", "of"), ("validate",), ("drift",), ("skew",), ("leakage",), ("schema", "infer"), ("schema", "suggest"),
    ("gate", "decide"), ("gate", "lint"), ("evaluate",), ("init",), ("monitor",),
]  # fmt: skip

EUROPEAN = "id;zip;price;age\n" + "".join(f"{i};00{i % 10};{i},5;{'?' if i % 3 == 0 else i}\n" for i in range(30))
GIVEN = ("--missing-values", "?", "--decimal", ",", "--type", "zip=text")
KEYWORDS: dict[str, Any] = {"missing_values": ["?"], "decimal": ",", "types": {"zip": "text"}}


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


@pytest.mark.parametrize("path", READING, ids=" ".join)
def test_every_command_that_reads_data_has_them(path: tuple[str, ...]) -> None:
    command: Any = get_command(app)
    for name in path:
        command = command.commands[name]
    assert {option for parameter in command.params for option in parameter.opts} >= OPTIONS


def test_words_of_the_command_line() -> None:
    found = csv_options(";", ["NA,?", "age=-,none", "="], ",", ".", ["a=b=text", "c=int"], 99)
    assert found.missing_values == {"*": ("NA", "?", "="), "age": ("-", "none")}
    assert found.types == {"a=b": "text", "c": "int"}
    assert (found.delimiter, found.decimal, found.thousands, found.max_record_bytes) == (";", ",", ".", 99)


def types_of(document: dict[str, Any]) -> dict[str, str]:
    return {feature["feature"]: feature["type"] for feature in document["features"]}


def test_statistics_and_schema_in_shell_and_python(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(EUROPEAN)
    expected = {"id": "INT", "zip": "STRING", "price": "FLOAT", "age": "INT"}
    assert types_of(json.loads(invoke("stats", "a.csv", "--json", *GIVEN).stdout)) == expected
    statistics = assay.statistics("a.csv", **KEYWORDS)
    assert {feature.feature: feature.type for feature in statistics.features} == expected
    schema = assay.infer_schema("a.csv", **KEYWORDS)
    assert [feature.type for feature in schema.feature] == [2, 1, 3, 2]
    assert invoke("schema", "infer", "a.csv", "-o", "s.pbtxt", *GIVEN).exit_code == 0
    assert assay.artifacts.schema.read_schema(tmp_path / "s.pbtxt") == schema


def test_a_csv_that_needs_options_is_the_parquet_of_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(EUROPEAN)
    rows = range(30)
    table = pa.table(
        {
            "id": list(rows),
            "zip": [f"00{i % 10}" for i in rows],
            "price": [i + 0.5 for i in rows],
            "age": [None if i % 3 == 0 else i for i in rows],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert invoke("schema", "infer", "a.parquet", "-o", "s.pbtxt").exit_code == 0
    assert invoke("validate", "a.csv", "--schema", "s.pbtxt", "--rows", *GIVEN).exit_code == 0
    assert (
        invoke("validate", "a.csv", "--schema", "s.pbtxt", "--rows", "--previous", "a.parquet", *GIVEN).exit_code == 0
    )
    assert invoke("validate", "a.csv", "--schema", "s.pbtxt").exit_code == 3
    assert assay.validate("a.csv", "s.pbtxt", rows=True, **KEYWORDS).ok
    assert invoke("drift", "a.parquet", "a.csv", *GIVEN).exit_code == 0
    assert assay.drift("a.parquet", "a.csv", **KEYWORDS).ok
    skew = json.loads(invoke("skew", "a.parquet", "a.csv", "--join-on", "id", "--json", *GIVEN).stdout)
    assert skew["exit_code"] == 0
    assert not assay.skew("a.parquet", "a.csv", join_on="id", **KEYWORDS).skewed
    assert invoke("leakage", "a.csv", "a.parquet", *GIVEN).exit_code == 3
    assert assay.leakage({"a": "a.csv", "b": "a.parquet"}, **KEYWORDS)[0].num_shared == (30, 30)


def test_predictions_with_decimal_commas(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    label, score = rng.integers(0, 2, 200), rng.random(200).round(3)
    cells = [f"{a};{str(b).replace('.', ',')}" for a, b in zip(label, score, strict=True)]
    (tmp_path / "p.csv").write_text("\n".join(["label;score", *cells]))
    pq.write_table(pa.table({"label": label, "score": score}), tmp_path / "p.parquet")
    (tmp_path / "c.yaml").write_text(
        "model_specs: [{label_key: label, prediction_key: score}]\n"
        "metrics_specs: [{metrics: [{class_name: AUC, threshold: {value_threshold: {lower_bound: 0.1}}}]}]\n"
    )
    of_parquet = assay.evaluate("c.yaml", predictions="p.parquet").value("auc")
    assert assay.evaluate("c.yaml", predictions="p.csv", decimal=",").value("auc") == of_parquet
    assert invoke("gate", "--config", "c.yaml", "--predictions", "p.csv", "--decimal", ",").exit_code == 0
    assert invoke("gate", "lint", "c.yaml", "--data", "p.csv", "--decimal", ",").exit_code == 0
    assert invoke("gate", "--config", "c.yaml", "--predictions", "p.csv").exit_code == 1


def test_options_for_what_is_no_csv_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "a.parquet")
    for arguments in (("stats",), ("schema", "infer")):
        result = invoke(*arguments, "a.parquet", "--decimal", ",")
        assert result.exit_code == 2
        assert "a.parquet" in result.output


def test_spans_that_are_watched_are_read_with_them(tmp_path: Path) -> None:
    (tmp_path / "s1.csv").write_text(EUROPEAN)
    (tmp_path / "s2.csv").write_text(EUROPEAN)
    (tmp_path / "s.pbtxt").write_text(str(assay.infer_schema("s1.csv", **KEYWORDS)))
    given = ("s{SPAN}.csv", "--schema", "s.pbtxt", "--training", "s1.csv", "--json", *GIVEN)
    assert json.loads(invoke("monitor", *given).stdout)["exit_code"] == 0


AGES = "id,age,label\n" + "".join(f"{i},{'?' if i % 9 == 0 else i},{'yes' if i % 2 else 'no'}\n" for i in range(200))
ADVICE = "--missing-values 'age=?'"


def test_a_column_that_some_cells_make_text_is_remarked_on(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(AGES)
    result = invoke("stats", "a.csv", "-q")
    assert "'age' is read as text, and 177 of its 200 cells are numbers" in result.stderr
    assert ADVICE in result.stderr
    assert ADVICE in json.loads(invoke("stats", "a.csv", "--json").stdout)["remarks"][0]
    assert "missing_values={'age': ['?']}" in str(assay.statistics("a.csv"))
    assert assay.statistics("a.csv", missing_values=["?"]).remarks == ()
    assert ADVICE in invoke("schema", "infer", "a.csv", "-o", "s.pbtxt").stderr
    assert ADVICE in invoke("validate", "a.csv", "--schema", "s.pbtxt").stderr
    assert "missing_values=" in str(assay.validate("a.csv", "s.pbtxt"))


def test_init_says_so_and_writes_what_it_was_given_into_the_pipeline(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(AGES)
    result = invoke("init", "a.csv", "--label", "label", "-o", "first")
    assert ADVICE in result.stderr
    assert "check first: age" in result.stdout
    given = ("--missing-values", "age=?", "--type", "id=text", "--thousands", ",", "--delimiter", ",")
    decided = json.loads(invoke("init", "a.csv", "--label", "label", "-o", "second", "--json", *given).stdout)
    assert decided["numbers"] == ["age"]
    assert decided["remarks"] == []
    [example_gen, *_] = load_pipeline(tmp_path / "second" / "pipeline.py").nodes
    parameters = example_gen.arguments
    assert parameters["missing_values"] == {"age": ["?"]}
    assert (parameters["types"], parameters["thousands"], parameters["delimiter"]) == ({"id": "text"}, ",", ",")
    assert "age" in invoke("init", "a.csv", "--label", "label", "-o", "third", "--missing-values", "?").stdout
    [example_gen, *_] = load_pipeline(tmp_path / "third" / "pipeline.py").nodes
    assert example_gen.arguments["missing_values"] == {"*": ["?"]}


def test_codes_that_name_slices_and_rows_keep_their_zeros(tmp_path: Path) -> None:
    config = (
        "model_specs: [{label_key: label, prediction_key: score}]\n"
        "slicing_specs: [{}, {feature_keys: [store]}]\n"
        "metrics_specs: [{metrics: [{class_name: BinaryAccuracy, threshold: {value_threshold: {lower_bound: 0.1}}}]}]\n"
    )
    (tmp_path / "c.yaml").write_text(config)
    rows = [(1, 0.9, "007"), (0, 0.9, "7"), (1, 0.8, "07"), (0, 0.1, "12")]
    (tmp_path / "p.csv").write_text(
        "id,label,score,store\n" + "".join(f"{code},{label},{score},{code}\n" for label, score, code in rows)
    )
    (tmp_path / "b.csv").write_text("id,label,score\n" + "".join(f"{code},{label},0.5\n" for label, _, code in rows))
    table = assay.evaluate("c.yaml", predictions="p.csv").metrics
    assert set(table["slice"].to_pylist()) == {"Overall", "store=007", "store=07", "store=7", "store=12"}
    joined = assay.evaluate("c.yaml", predictions="p.csv", baseline_predictions="b.csv", join_on="id")
    assert joined.value("binary_accuracy", slice="store=7") == 0


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [
        (("stats", "a.csv"), 0),
        (("schema", "infer", "a.csv"), 0),
        (("schema", "suggest", "a.csv"), 0),
        (("drift", "b.csv", "a.csv"), 0),
        (("init", "a.csv", "--label", "n", "-o", "new"), 1),  # the remark says why no column can predict the label
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_commands_remark_on_text_that_looks_like_numbers(command: tuple[str, ...], exit_code: int) -> None:
    for name in ("a.csv", "b.csv"):
        Path(name).write_text("price,n\n" + "".join(f"{i if i % 9 else 'NA'},{i % 2}\n" for i in range(1, 200)))
    result = invoke(*command)
    assert result.exit_code == exit_code, result.output
    assert result.stderr.count("--missing-values price=NA") == 1
