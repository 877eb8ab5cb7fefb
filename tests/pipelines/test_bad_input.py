"""Each bad input through `assay run`: its own message, its exit code, and nothing left behind."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from assay.cli.main import app
from assay.data.tfrecord import TFRecordWriter

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]

PIPELINE = """
from assay import Pipeline
from assay.components import *
from assay.components.trainer import EvalArgs, TrainArgs
{body}
"""
CSV = """
gen = CsvExampleGen(input_base={base!r})
statistics = StatisticsGen(examples=gen.outputs["examples"])
pipeline = Pipeline("bad", None, [gen, statistics])
"""
PARQUET = CSV.replace("CsvExampleGen", "ParquetExampleGen")
TFRECORD = CSV.replace("CsvExampleGen", "ImportExampleGen")


@dataclass(frozen=True)
class Ran:
    """What a shell user sees, and what is on disk afterwards."""

    exit_code: int
    text: str
    root: Path

    def artifacts(self) -> list[str]:
        """The artifacts below the root, as <step>/<key>."""
        found = [path for path in self.root.glob("*/*/*") if path.is_dir() and path.name.isdigit()]
        return sorted({path.parent.relative_to(self.root).as_posix() for path in found if "runs" not in path.parts})

    def staged(self) -> list[Path]:
        return list(self.root.glob(".staging/*"))


def run(tmp_path: Path, body: str, root: Path | None = None) -> Ran:
    root = root or tmp_path / "root"
    file = tmp_path / "pipeline.py"
    file.write_text(PIPELINE.format(body=body.replace("{base!r}", repr(str(tmp_path / "data")))))
    done = CliRunner().invoke(app, ["run", str(file), "--root", str(root)])
    # Lines are wrapped for a terminal; a message is looked for as one line.
    return Ran(done.exit_code, re.sub(r"\s+", " ", done.output), root)


def write(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / "data" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def records(path: Path, count: int) -> bytes:
    with TFRecordWriter(path) as writer:
        for number in range(count):
            writer.write(b"record %d " % number * 50)
    return gzip.decompress(path.read_bytes())


CSV_CASES: dict[str, tuple[bytes | None, str]] = {
    "no_such_file": (None, r"Expected a folder at .*data; there is none\. Check input_base"),
    "empty": (b"", r"data\.csv is empty: expected a header row with the column names"),
    "header_only": (b"a,b\n", r"data\.csv has a header and no rows"),
    "ragged_row": (b"a,b\n1,2\n3,4,5\n6,7\n", r"data\.csv, row 3: .*\b2\b.*\b3\b"),
    "duplicate_columns": (b"a,b,a\n1,2,3\n", r"data\.csv, row 1: columns 1 and 3 have the same name 'a'"),
    "not_utf8": (
        b"a,b\n1,ok\n2,caf\xe9\n",
        r"data\.csv, row 3, column 'b': expected UTF-8 text and found",
    ),
}


@pytest.mark.parametrize("case", CSV_CASES)
def test_a_csv_that_cannot_be_read(tmp_path: Path, case: str) -> None:
    content, message = CSV_CASES[case]
    if content is not None:
        write(tmp_path, "data.csv", content)
    ran = run(tmp_path, CSV)
    assert ran.exit_code == 1, ran.text
    assert re.search(message, ran.text), ran.text
    assert "Traceback" not in ran.text
    assert (ran.artifacts(), ran.staged()) == ([], [])


def test_a_parquet_file_that_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "rows.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-100])
    ran = run(tmp_path, PARQUET)
    assert ran.exit_code == 1, ran.text
    assert re.search(r"rows\.parquet.*(truncated|cut off|not a.*Parquet|footer)", ran.text), ran.text
    assert "Traceback" not in ran.text
    assert (ran.artifacts(), ran.staged()) == ([], [])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw[:1000] + bytes([raw[1000] ^ 1]) + raw[1001:], r"rows\.tfrecord\.gz.*checksum"),
        (lambda raw: raw[:-7], r"rows\.tfrecord\.gz.*(cut off|truncated|ends)"),
    ],
    ids=["bad_crc", "cut_off"],
)
def test_a_tfrecord_file_that_is_damaged(tmp_path: Path, damage: Callable[[bytes], bytes], message: str) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "rows.tfrecord.gz"
    path.write_bytes(gzip.compress(damage(records(path, 20))))
    ran = run(tmp_path, TFRECORD)
    assert ran.exit_code == 1, ran.text
    assert re.search(message, ran.text), ran.text
    assert (ran.artifacts(), ran.staged()) == ([], [])


def test_a_tfrecord_file_whose_gzip_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "rows.tfrecord.gz"
    records(path, 20)
    path.write_bytes(path.read_bytes()[:-20])
    ran = run(tmp_path, TFRECORD)
    assert ran.exit_code == 1, ran.text
    assert re.search(r"rows\.tfrecord\.gz.*(cut off|truncated|ends)", ran.text), ran.text
    assert (ran.artifacts(), ran.staged()) == ([], [])


def test_a_schema_with_a_syntax_error(tmp_path: Path) -> None:
    write(tmp_path, "schema.pbtxt", b'feature {\n  name: "a"\n  type: INTEGER\n}\n')
    schema = tmp_path / "data" / "schema.pbtxt"
    ran = run(tmp_path, f'pipeline = Pipeline("bad", None, [ImportSchemaGen(schema_file={str(schema)!r})])')
    assert ran.exit_code == 1, ran.text
    assert re.search(r"schema\.pbtxt, line 3, column \d+: .*INTEGER", ran.text), ran.text
    assert (ran.artifacts(), ran.staged()) == ([], [])


DECLARATIONS = {
    "unknown_argument": (
        'gen = CsvExampleGen(input_bse="x")',
        r"CsvExampleGen has no argument 'input_bse'\. Did you mean 'input_base'\?",
    ),
    "two_outputs_to_one_key": (
        (
            'one = CsvExampleGen(input_base="x")\ntwo = CsvExampleGen(input_base="y")\n'
            'pipeline = Pipeline("bad", None, [one, two])'
        ),
        r"Two steps have the id 'CsvExampleGen', so their outputs would share one key",
    ),
    "two_values_to_one_key": (
        (
            "from typing import NamedTuple\nfrom assay import Output, component\nfrom assay.artifacts import Schema\n"
            "class Out(NamedTuple):\n    schema: int\n"
            "@component\ndef Make(schema: Output[Schema]) -> Out: ...\n"
        ),
        r"Make declares the output 'schema' twice",
    ),
    "a_cycle": (
        (
            'one = CsvExampleGen(input_base="x").with_id("one")\ntwo = CsvExampleGen(input_base="y").with_id("two")\n'
            'one.after(two)\ntwo.after(one)\npipeline = Pipeline("bad", None, [one, two])'
        ),
        r"The pipeline has a cycle: (one -> two -> one|two -> one -> two)",
    ),
}


@pytest.mark.parametrize("case", DECLARATIONS)
def test_a_wrong_declaration(tmp_path: Path, case: str) -> None:
    body, message = DECLARATIONS[case]
    ran = run(tmp_path, body)
    assert ran.exit_code == 2, ran.text
    assert re.search(message, ran.text), ran.text
    assert "Traceback" not in ran.text
    assert not ran.root.exists()


TRAINER = """
gen = CsvExampleGen(input_base={base!r})
trainer = Trainer(
    module_file={module!r}, examples=gen.outputs["examples"], train_args=TrainArgs(num_steps=1), eval_args=EvalArgs()
)
pipeline = Pipeline("bad", None, [gen, trainer])
"""


def train(tmp_path: Path, module: str) -> Ran:
    write(tmp_path, "data.csv", b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(20)))
    user = tmp_path / "user_module.py"
    user.write_text(module)
    return run(tmp_path, TRAINER.replace("{module!r}", repr(str(user))))


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("module", "raised", "frame"),
    [
        ("import nothing_of_that_name\ndef run_fn(fn_args): ...\n", "ModuleNotFoundError", "line 1, in <module>"),
        ("def run_fn(fn_args):\n    raise RuntimeError('my own')\n", "RuntimeError: my own", "line 2, in run_fn"),
    ],
    ids=["on_import", "in_run_fn"],
)
def test_a_module_file_that_raises(tmp_path: Path, module: str, raised: str, frame: str) -> None:
    ran = train(tmp_path, module)
    assert ran.exit_code == 1, ran.text
    own = ran.text.index(f'user_module.py", {frame}')
    assert own < ran.text.index("Trainer failed: ")
    assert raised in ran.text
    assert "site-packages" not in ran.text[: ran.text.index("Trainer failed: ")]
    assert (ran.artifacts(), ran.staged()) == (["CsvExampleGen/examples"], [])


def test_a_module_file_that_does_not_parse(tmp_path: Path) -> None:
    ran = train(tmp_path, "def run_fn(fn_args:\n")
    assert ran.exit_code == 2, ran.text
    assert "user_module.py, line 1: '(' was never closed. Correct the file." in " ".join(ran.text.split())
    assert not ran.root.exists()


@pytest.mark.tensorflow
def test_a_run_fn_that_saves_no_model(tmp_path: Path) -> None:
    ran = train(tmp_path, "def run_fn(fn_args):\n    pass\n")
    assert ran.exit_code == 1, ran.text
    assert re.search(r"Trainer failed: run_fn of .*user_module\.py returned without saving a model", ran.text), ran.text
    assert (ran.artifacts(), ran.staged()) == (["CsvExampleGen/examples"], [])


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def can_mount(tmp_path: Path) -> bool:
    if os.geteuid() != 0:
        return False
    probe = tmp_path / "probe"
    try:
        with small_disk(probe, "64k"):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv = ["assay", *sys.argv[2:]]
from assay.cli.main import app
try:
    app()
except SystemExit as end:
    print("exit code", end.code)
"""


INCOMPRESSIBLE = b"a,b\n" + b"".join(b"%d,%s\n" % (n, sha256(b"%d" % n).hexdigest().encode()) for n in range(60_000))


def test_a_disk_that_is_full(tmp_path: Path, run_python: RunPython) -> None:
    write(tmp_path, "data.csv", INCOMPRESSIBLE)
    for size in ("64k", "256k", "2m") if can_mount(tmp_path) else ():
        with small_disk(tmp_path / size, size):
            ran = run(tmp_path, CSV, tmp_path / size / "root")
            assert ran.exit_code == 1, ran.text
            assert re.search(r"(No space left on device|the disk is full)\. Free space", ran.text), ran.text
            assert "Traceback" not in ran.text
            assert (ran.artifacts(), ran.staged()) == ([], [])
    # The same by a limit that needs no rights: the kernel refuses to write beyond a size.
    file, root = tmp_path / "pipeline.py", tmp_path / "limited"
    file.write_text(PIPELINE.format(body=CSV.replace("{base!r}", repr(str(tmp_path / "data")))))
    done = run_python(LIMITED, str(600_000), "run", str(file), "--root", str(root))
    ran = Ran(0, re.sub(r"\s+", " ", done.stdout + done.stderr), root)
    assert "exit code 1" in ran.text
    assert "File too large. Free space or choose another --root" in ran.text
    assert "Traceback" not in ran.text
    assert (ran.artifacts(), ran.staged()) == ([], [])
