"""No command's output may be one of its inputs, and no folder of results is written over what assay did not write."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from inspect import unwrap
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

import assay
from assay.artifacts.outputs import RECORD, output_folder, refuse_inputs
from assay.cli.csv_options import CSV_OPTIONS
from assay.cli.main import app
from raising import raises

THRESHOLD = {"value_threshold": {"lower_bound": {"value": 0.1}}}
PREDICTIONS = "label,p\n" + "1,0.9\n0,0.1\n" * 20
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "p"}],
    "slicing_specs": [{}],
    "metrics_specs": [{"metrics": [{"class_name": "BinaryAccuracy", "threshold": THRESHOLD}]}],
}


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from walk(each, (*path, name))


COMMANDS = {path: command for path, command in walk(get_command(app)) if not hasattr(command, "commands")}


def takes_a_path(command: Any, name: str) -> bool:
    if name in CSV_OPTIONS:  # '.' is a decimal mark
        return False
    hint = get_type_hints(unwrap(command.callback))[name]
    parts = {hint, *get_args(hint), *itertools.chain(*map(get_args, get_args(hint)))}
    return bool(parts & {Path, str})


def pairs() -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield every output of every command with every other parameter that takes a path."""
    for path, command in COMMANDS.items():
        for output, mark in command.written().items():
            for other in command.params:
                if takes_a_path(command, other.name) and other.name not in {output, mark.in_place_of}:
                    yield path, output, other.name


def arguments(command: Any, values: dict[str, str], default: str) -> list[str]:
    """Return a command line that sets these parameters, and the required ones to a default."""
    words: list[str] = []
    for parameter in command.params:
        value = values.get(parameter.name, default if parameter.required else None)
        if value is not None:
            is_option = parameter.opts[0].startswith("-")
            words += [max(parameter.opts, key=len), value] if is_option else [value]
    return words


@pytest.mark.parametrize(("path", "output", "other"), list(pairs()))
def test_no_output_is_an_input(tmp_path: Path, path: tuple[str, ...], output: str, other: str) -> None:
    command = COMMANDS[path]
    (tmp_path / "default.csv").write_text("x\n1\n")
    ending = (command.written()[output].endings or (".csv",))[0]
    read = tmp_path / f"read{ending}"
    read.write_text("x\n1\n")
    link = tmp_path / f"link{ending}"
    link.symlink_to(read)
    for target in (read, link, tmp_path / "." / read.name):
        words = arguments(command, {output: str(target), other: str(read)}, str(tmp_path / "default.csv"))
        done = CliRunner().invoke(app, [*path, *words])
        assert done.exit_code == 2, done.output
        assert re.search("would destroy the other|expected a file that ends in", " ".join(done.stderr.split()))
        assert read.read_text() == "x\n1\n"
        assert {each.name for each in tmp_path.iterdir()} == {"default.csv", read.name, link.name}


def paths() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every parameter of every command that is a path."""
    for path, command in COMMANDS.items():
        for name, hint in get_type_hints(unwrap(command.callback)).items():
            if Path in {hint, *get_args(hint), *itertools.chain(*map(get_args, get_args(hint)))}:
                yield path, name


@pytest.mark.parametrize(("path", "name"), list(paths()))
def test_no_path_is_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], name: str) -> None:
    monkeypatch.chdir(tmp_path)
    words = arguments(COMMANDS[path], {name: "s3://b/x.csv"}, "default.csv")
    done = CliRunner().invoke(app, [*path, *words])
    assert done.exit_code == 2, done.output
    assert "must be a local path, and s3://b/x.csv is a URL. Mount the storage" in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())


def test_every_option_that_writes_is_marked() -> None:
    writing = [
        (" ".join(path), parameter.name)
        for path, command in COMMANDS.items()
        for parameter in command.params
        if re.match(r"Write |Where the page|Folder to write|The file to write|Add the decisions", parameter.help or "")
        and takes_a_path(command, parameter.name)
        and parameter.name not in command.written()
    ]
    assert not writing


@pytest.mark.parametrize("name", ["x.html", "x.json", "x.csv", "x.parquet", "x"])
def test_statistics_are_not_written_under_an_ending_of_another_format(folder: Path, name: str) -> None:
    done = CliRunner().invoke(app, ["stats", str(folder / "good.csv"), "-o", str(folder / name)])
    assert (done.exit_code, (folder / name).exists()) == (2, False)
    assert ".pb, .pbtxt, .state" in " ".join(done.stderr.split())
    with raises("output.ending"):
        assay.statistics(folder / "good.csv").save(folder / name)


@pytest.fixture
def gate(tmp_path: Path) -> Callable[..., Result]:
    work = tmp_path / "work"
    work.mkdir()
    (work / "eval_config.json").write_text(json.dumps(CONFIG))
    (work / "p.csv").write_text(PREDICTIONS)

    def gate(*more: str, folder: Path = work) -> Result:
        given = ["--config", str(work / "eval_config.json"), "--predictions", str(work / "p.csv")]
        return CliRunner().invoke(app, ["gate", *given, "-o", str(folder), *more])

    return gate


@pytest.mark.parametrize("name", ["eval_config.json", "summary.md", "metrics.parquet", "flips.parquet", "verdict.json"])
def test_files_that_assay_did_not_write_are_kept(tmp_path: Path, gate: Callable[..., Result], name: str) -> None:
    work = tmp_path / "work"
    if name != "eval_config.json":
        (work / name).write_text("mine")
    before = {path.name: path.read_bytes() for path in work.iterdir()}
    done = gate()
    assert done.exit_code == 2
    assert "was not written by assay" in " ".join(done.stderr.split())
    assert {path.name: path.read_bytes() for path in work.iterdir()} == before


def test_results_are_replaced_by_new_results_and_removed_by_a_failure(
    tmp_path: Path, gate: Callable[..., Result]
) -> None:
    results = tmp_path / "results"
    done = gate(folder=results)
    assert done.exit_code == 0, done.output
    assert gate(folder=results).exit_code == 0
    (tmp_path / "work" / "p.csv").write_text("label\n1\n")
    assert gate(folder=results).exit_code in {1, 2}
    assert not any(path.is_file() for path in results.rglob("*"))
    (tmp_path / "work" / "p.csv").write_text(PREDICTIONS)
    assert gate(folder=results).exit_code == 0
    (results / "summary.md").write_text("edited")
    assert gate(folder=results).exit_code == 2
    assert (results / "summary.md").read_text() == "edited"


def test_a_result_that_is_read_is_not_replaced(folder: Path) -> None:
    def validate(*more: str) -> Result:
        fixed = ["--schema", str(folder / "schema.pbtxt"), "-o", str(folder / "out")]
        return CliRunner().invoke(app, ["validate", str(folder / "good.csv"), *fixed, *more])

    assert validate().exit_code == 0
    before = (folder / "out" / "FeatureStats.pb").read_bytes()
    done = validate("--previous", str(folder / "out" / "FeatureStats.pb"))
    assert done.exit_code == 2
    assert (folder / "out" / "FeatureStats.pb").read_bytes() == before


def test_a_quarantine_does_not_replace_the_rows_that_it_reads(folder: Path) -> None:
    schema = assay.infer_schema(folder / "good.csv")
    assay.validate(folder / "good.csv", schema).quarantine(folder / "sorted")
    clean = folder / "sorted" / "clean.parquet"
    before = clean.read_bytes()
    with raises("output.is_input", "clean.parquet"):
        assay.validate(clean, schema).quarantine(folder / "sorted")
    assert clean.read_bytes() == before


def test_results_are_not_put_inside_an_input_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for inside in ("model", "model/gate", "other/../model/x"):
        with raises("output.is_input", "--model"):
            refuse_inputs(tmp_path / inside, "--output", {"--model": tmp_path / "model"}, folder=True)
    refuse_inputs(tmp_path / "model2", "--output", {"--model": tmp_path / "model"}, folder=True)


def test_a_killed_command_leaves_results_that_the_next_may_replace(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with output_folder(folder, ("a.json", "b.json")):
        (folder / "a.json").write_text("half")
        announced = (folder / RECORD).read_bytes()
    (folder / RECORD).write_bytes(announced)  # as a kill leaves it
    with output_folder(folder, ("a.json", "b.json")):
        assert not (folder / "a.json").exists()
        (folder / "b.json").write_text("whole")
    assert [path.name for path in sorted(folder.iterdir())] == [RECORD, "b.json"]


def test_an_unreadable_record_vouches_for_no_file(tmp_path: Path) -> None:
    for content in ("", "[]", '{"a.json": 1}', "\0"):
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        (folder / RECORD).write_text(content)
        (folder / "a.json").write_text("mine")
        with raises("output.foreign"), output_folder(folder, ("a.json",)):
            pass
        assert (folder / "a.json").read_text() == "mine"


def test_patterns_and_functions_name_inputs(tmp_path: Path) -> None:
    files = [tmp_path / f"part-{number}.csv" for number in range(3)]
    for file in files:
        file.touch()
    for value in (str(tmp_path / "*.csv"), f"{files[1]}:predict", [tmp_path / "other", files[1]], (str(files[1]),)):
        with raises("output.is_input", "DATA"):
            refuse_inputs(files[1], "--output", {"DATA": value})
    for value in ("", "a\0b", "x" * 5000, 3, None, tmp_path / "none"):
        refuse_inputs(files[1], "--output", {"DATA": value})
    for one, other in itertools.combinations(files, 2):
        refuse_inputs(one, "--output", {"DATA": other})
