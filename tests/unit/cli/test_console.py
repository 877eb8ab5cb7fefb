"""What commands print: colours on terminals only, tables on terminals of any width, and little with --quiet."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

import assay
from assay.cli.console import open_console, print_result, table
from assay.cli.main import app

TINY = Path(__file__).parent / "tiny_pipeline.py"
CONFIG = """
model_specs: [{label_key: label, prediction_key: score}]
slicing_specs: [{}]
metrics_specs: [{metrics: [{class_name: AUC, threshold: {value_threshold: {lower_bound: 0.5}}}]}]
"""

Ask = Callable[..., Result]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs commands in a folder with data that fits its schema, data that does not, and predictions."""
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_text("id,city,fare\n" + "".join(f"{i},{'ab'[i % 2]},{i}.5\n" for i in range(40)))
    Path("bad.csv").write_text("id,city,fare\n" + "".join(f"{i},{'zb'[i % 2]},{i}.5\n" for i in range(40)))
    Path("schema.pbtxt").write_text(str(assay.infer_schema("good.csv")))
    Path("scores.csv").write_text("label,score\n" + "0,0.1\n1,0.9\n0,0.2\n1,0.7\n" * 20)
    Path("gate.yaml").write_text(CONFIG)

    def run(*arguments: str, width: int = 80) -> Result:
        return CliRunner().invoke(app, arguments, env={"COLUMNS": str(width)})

    return run


QUIET = {
    "stats good.csv": "40 examples, 3 features",
    "stats bad.csv --by city": "40 examples, 3 features",
    "validate good.csv --schema schema.pbtxt": "passed: ",
    "validate bad.csv --schema schema.pbtxt --rows": "failed: ",
    "drift bad.csv good.csv": "drift: ",
    "skew bad.csv good.csv --join-on id": "failed: ",
    "leakage good.csv good.csv bad.csv": "",
    "leakage good.csv bad.csv": "failed: ",
    "schema diff schema.pbtxt schema.pbtxt": "0 changes",
    "schema check schema.pbtxt": "No contradictions.",
    "schema suggest good.csv -o patch.yaml": "Wrote patch.yaml",
    "evaluate --config gate.yaml --predictions scores.csv": "1 value of 1 slice.",
    "gate --config gate.yaml --predictions scores.csv": "",
    "gate lint gate.yaml": "The configuration can be evaluated.",
    "monitor *.csv --schema schema.pbtxt": "2 spans are new, 2 known",
    "init good.csv --label city -o new": "Next: assay run new/pipeline.py",
    f"run {TINY} --root root": "Run ",
}


@pytest.mark.parametrize(("line", "result"), QUIET.items(), ids=[line.replace(str(TINY), "TINY") for line in QUIET])
def test_quiet_prints_the_result_and_ends_as_it_would(
    line: str, result: str, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    words = [word.replace("*", "{SPAN}") for word in line.split()]
    if words[0] == "monitor":
        for span, name in enumerate(("good", "bad"), 1):
            Path(f"{name}.csv").rename(f"{span}.csv")
    quiet = ask(*words, "--quiet")
    assert quiet.stdout.startswith(result)
    assert len(quiet.stdout.splitlines()) <= 1
    if words[0] in {"init", "monitor", "run"}:  # which do something else the second time
        assert quiet.exit_code == {"monitor": 3}.get(words[0], 0), quiet.output
        return
    loud = ask(*words)
    assert quiet.exit_code == loud.exit_code
    assert quiet.stderr == loud.stderr
    if result:
        assert len(loud.stdout) >= len(quiet.stdout)
        assert quiet.stdout.strip() in loud.stdout


def test_quiet_leaves_json_and_files_as_they_are(ask: Ask) -> None:
    loud = ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--json", "-o", "loud")
    quiet = ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--json", "-o", "quiet", "-q")
    assert json.loads(loud.stdout) == json.loads(quiet.stdout)
    assert sorted(path.name for path in Path("loud").iterdir()) == sorted(path.name for path in Path("quiet").iterdir())


def test_quiet_still_says_what_is_wrong(ask: Ask) -> None:
    done = ask("validate", "none.csv", "--schema", "schema.pbtxt", "--quiet")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "none.csv" in done.stderr


@pytest.mark.parametrize("width", [40, 80])
def test_tables_fit(ask: Ask, width: int) -> None:
    for line in ("stats good.csv --by city", "drift bad.csv good.csv", "skew bad.csv good.csv --join-on id"):
        for printed in ask(*line.split(), width=width).stdout.splitlines():
            sentence = re.search(r"[.:] |, of |, 0 |\.$", printed)  # which the terminal wraps where it likes
            assert len(printed) <= width or sentence, printed


def test_a_table_that_does_not_fit_is_written_row_by_row() -> None:
    rows = table("feature", "measure", "distance", "", numbers=["distance"])
    rows.add_row("fare", "jensen_shannon", "0.123456", "above")
    rows.add_row("", "psi", "0.5", "")
    console = Console(width=40, record=True, file=StringIO())
    console.print(rows)
    assert [line.rstrip() for line in console.export_text().splitlines()] == [
        "fare",
        "  measure jensen_shannon, distance",
        "  0.123456, above",
        "  measure psi, distance 0.5",
    ]


def on_a_terminal(command: str, folder: Path, **environment: str) -> str:
    """What a command writes to a terminal, which a pseudo-terminal stands for."""
    ours, theirs = pty.openpty()
    package = str(Path(assay.__file__).parents[1])
    unset = {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", *shlex.split(command)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=kept | {"PYTHONPATH": package, "TERM": "xterm-256color"} | environment,
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end was closed
            break
        if not block:
            break
        written += block
    os.close(ours)
    process.wait()
    return written.decode()


@pytest.mark.parametrize(
    "command", ["validate bad.csv --schema schema.pbtxt", "validate none.csv --schema schema.pbtxt"]
)
def test_colours_are_for_terminals_that_want_them(command: str, ask: Ask, tmp_path: Path) -> None:
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert colour.search(on_a_terminal(command, tmp_path))
    assert not colour.search(on_a_terminal(command, tmp_path, NO_COLOR="1"))
    assert "\x1b" not in ask(*command.split()).output


def test_names_from_data_forge_no_line_and_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    forged = "x\n  ok  all\x1b[2J\u202e ::error::y ##vso[task.complete]"
    cells = Table("name")
    cells.add_row(forged)
    with open_console() as console:
        console.print(forged, soft_wrap=True)
        console.print(cells)
        print_result(console, Text.assemble(("failed", "bold"), ": ", forged))
    out = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(out)
    assert not any(line.lstrip().startswith(("::", "ok ")) for line in out.splitlines())
    assert "##vso[" not in out
