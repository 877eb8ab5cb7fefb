"""assay.v1 is other names for what assay has, and the table of docs/guides/porting.md leads to them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

import assay.components
import assay.spec
from assay import v1 as tfx
from assay.errors import ArtifactError
from assay.lineage import LineageStore
from raising import raises

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]

MODULES = (
    "assay.v1",
    "assay.v1.components",
    "assay.v1.dsl",
    "assay.v1.dsl.components",
    "assay.v1.dsl.experimental",
    "assay.v1.dsl.io",
    "assay.v1.dsl.io.fileio",
    "assay.v1.orchestration",
    "assay.v1.orchestration.metadata",
    "assay.v1.proto",
    "assay.v1.tfma",
    "assay.v1.types",
    "assay.v1.types.standard_artifacts",
    "assay.v1.utils",
)


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_there(name: str) -> None:
    module = import_module(name)
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for public in module.__all__:
        assert getattr(module, public) is not None
        assert public in dir(module)
    with pytest.raises(AttributeError, match=rf"module '{name}' has no attribute 'Nowhere'"):
        module.Nowhere  # noqa: B018 (the look-up is the test)


def test_names_are_the_very_things(project_root: Path) -> None:
    assert tfx.components.Trainer is assay.components.Trainer
    assert tfx.dsl.Pipeline is assay.spec.Pipeline
    assert tfx.dsl.experimental.LatestBlessedModelStrategy is assay.spec.LatestBlessedModelStrategy
    assert tfx.proto.PushDestination.Filesystem(base_directory="x").base_directory == "x"
    assert tfx.proto.TrainArgs(num_steps=5).num_steps == 5


def table(project_root: Path) -> list[str]:
    text = (project_root / "docs/guides/porting.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(?:from|import) [^`]+` \| `([^`]+)` \|$", text, re.MULTILINE)


def test_every_line_of_the_porting_table_can_be_imported(project_root: Path) -> None:
    lines = table(project_root)
    assert len(lines) > 30
    for line in lines:
        exec(line.replace("import X", "import *"), {})


def test_a_module_file_s_import_loads_nothing_heavy(run_python: RunPython) -> None:
    code = """
import sys
from assay import v1 as tfx
assert not {"numpy", "pyarrow", "msgspec"} & set(sys.modules)
tfx.components.FnArgs, tfx.components.DataAccessor, tfx.components.TunerFnResult
tfx.proto.TrainArgs, tfx.dsl.Pipeline
assert not {"tensorflow", "sqlalchemy", "tfx_bsl", "apache_beam", "pandas"} & set(sys.modules)
"""
    run_python(code)


def test_files_as_module_files_open_them(tmp_path: Path) -> None:
    from assay.v1.dsl.io import fileio

    first, second = str(tmp_path / "deep" / "a.txt"), str(tmp_path / "deep" / "b.txt")
    fileio.makedirs(str(tmp_path / "deep"))
    with fileio.open(first, "w") as stream:
        stream.write("text")
    fileio.copy(first, second)
    assert fileio.glob(str(tmp_path / "deep" / "*")) == [first, second]
    with raises("fileio.exists", "b.txt"):
        fileio.rename(first, second)
    fileio.rename(first, second, overwrite=True)
    assert fileio.listdir(str(tmp_path / "deep")) == ["b.txt"]
    assert not fileio.exists(first)


def test_a_text_proto_is_read_as_module_files_read_it(tmp_path: Path) -> None:
    path = tmp_path / "schema.pbtxt"
    path.write_text('feature { name: "fare" }', encoding="utf-8")
    assert tfx.utils.parse_pbtxt_file(str(path), schema_pb2.Schema()).feature[0].name == "fare"
    path.write_text("feature {\n  nam: 1 }", encoding="utf-8")
    with raises("pbtxt.syntax", "schema.pbtxt", "2", "3", kind=ArtifactError):
        tfx.utils.parse_pbtxt_file(str(path), schema_pb2.Schema())


def test_the_metadata_file_is_the_lineage_store(tmp_path: Path) -> None:
    config = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(tmp_path / "deep" / "metadata.db"))
    LineageStore.open(config).close()
    assert (tmp_path / "deep" / "metadata.db").is_file()


def test_a_name_that_has_no_counterpart_says_what_to_do_instead() -> None:
    with raises("v1.refused", "assay.v1.components", "Tuner", "tfx.v1.components", "Search"):
        tfx.components.Tuner  # noqa: B018 (the look-up is the test)
    with raises("v1.refused", "assay.v1", "extensions", "tfx.v1"):
        exec("from assay.v1 import extensions", {})


def test_an_artifact_class_of_tfx_s_kind_is_a_type(tmp_path: Path) -> None:
    class Report(tfx.dsl.Artifact):
        TYPE_NAME = "Report"

    assert Report(tmp_path).type_name == "Report"
    with raises("artifact.unknown_property", "Report", "pages"):
        Report(tmp_path).properties["pages"] = 5


PROPERTIES = """
from assay import v1 as tfx
from assay.v1.dsl.components import InputArtifact, OutputArtifact, component
from assay.v1.types.artifact import Artifact, Property, PropertyType

class Report(Artifact):
    TYPE_NAME = "Report"
    PROPERTIES = {
        "pages": Property(type=PropertyType.INT),
        "score": Property(type=PropertyType.FLOAT),
        "author": Property(type=PropertyType.STRING),
        "facts": Property(type=PropertyType.JSON_VALUE),
        "unset": Property(type=PropertyType.STRING),
    }

@component
def Write(report: OutputArtifact[Report]):
    report.pages, report.score, report.author, report.facts = 5, 0.5, "кто", {"a": [1]}
    open(report.uri + "/report.txt", "w").write("x")

@component
def Read(report: InputArtifact[Report], copy: OutputArtifact[Report]):
    copy.pages = report.pages + 1
    assert (report.score, report.author, report.facts, report.unset) == (0.5, "кто", {"a": [1]}, None)

def run():
    write = Write()
    read = Read(report=write.outputs["report"])
    return tfx.orchestration.LocalDagRunner().run(tfx.dsl.Pipeline("p", ROOT, components=[write, read]))

for result in (run(), run()):
    print(result.step("Read").status, result.output("Write", "report").pages, result.output("Read", "copy").pages)
"""


def test_properties_of_tfx_s_kind_are_kept_also_in_the_cache(tmp_path: Path, run_python: RunPython) -> None:
    (tmp_path / "p.py").write_text(PROPERTIES.replace("ROOT", repr(str(tmp_path / "root"))), encoding="utf-8")
    printed = run_python(f"exec(open({str(tmp_path / 'p.py')!r}, encoding='utf-8').read())").stdout.splitlines()
    assert printed[-2:] == ["complete 5 6", "cached 5 6"]


def test_a_property_that_is_declared_otherwise_is_refused(tmp_path: Path) -> None:
    class Report(tfx.dsl.Artifact):
        TYPE_NAME = "Report"
        PROPERTIES = {"pages": int}  # type: ignore[dict-item]  # noqa: RUF012 (the point)

    with raises("artifact.property_declaration", "pages", "Report"):
        Report(tmp_path)


VALUES = """
from assay import v1 as tfx
from assay.v1.dsl.components import component, InputArtifact, OutputArtifact
from assay.v1.types.standard_artifacts import Integer, String

@component
def Make(number: OutputArtifact[Integer]):
    number.value = 5

@component
def Spell(number: InputArtifact[Integer], text: OutputArtifact[String]):
    text.value = "x" * number.value

make = Make()
spell = Spell(number=make.outputs["number"])
pipeline = tfx.dsl.Pipeline("p", ROOT, components=[make, spell], execution_mode=tfx.dsl.ExecutionMode.SYNC)
result = tfx.orchestration.LocalDagRunner().run(pipeline)
print(result.output("Spell", "text").read())
"""


def test_artifacts_of_one_value_pass_between_steps(tmp_path: Path, run_python: RunPython) -> None:
    path = tmp_path / "script.py"
    path.write_text(VALUES.replace("ROOT", repr(str(tmp_path / "root"))), encoding="utf-8")
    done = run_python("import runpy, sys; runpy.run_path(sys.argv[1])", str(path))
    assert done.stdout.splitlines()[-1] == "xxxxx"


CUSTOM = """
from assay import v1 as tfx
from assay.v1.types.standard_artifacts import Schema
from assay.v1.dsl.components import component, InputArtifact, OutputArtifact, OutputDict, Parameter

@component
def Make(text: OutputArtifact[Schema], words: Parameter[int] = 2) -> OutputDict(length=int):
    open(text.uri + "/schema.pbtxt", "w").write("word " * words)
    return {"length": words}

@component
def Check(text: InputArtifact[Schema], limit: Parameter[int]):
    if len(open(text.uri + "/schema.pbtxt").read().split()) > limit:
        raise ValueError("too long")

make = Make(words=3)
check = Check(text=make.outputs["text"], limit=LIMIT)
pipeline = tfx.dsl.Pipeline(pipeline_name="p", pipeline_root=ROOT, components=[make, check])
tfx.orchestration.LocalDagRunner().run(pipeline)
print("after the run")
"""


def script(tmp_path: Path, limit: int) -> Path:
    path = tmp_path / "script.py"
    path.write_text(CUSTOM.replace("ROOT", repr(str(tmp_path / "root"))).replace("LIMIT", str(limit)))
    return path


def run_script(run_python: RunPython, path: Path) -> Any:
    code = """
import subprocess, sys
done = subprocess.run([sys.executable, sys.argv[1]], capture_output=True, text=True)
print(done.returncode); print(done.stdout); print("---"); print(done.stderr)
"""
    head, _, error = run_python(code, str(path)).stdout.partition("---\n")
    code_line, _, output = head.partition("\n")
    return int(code_line), output, error


def test_a_tfx_component_ports_as_it_is(run_python: RunPython, tmp_path: Path) -> None:
    code, output, error = run_script(run_python, script(tmp_path, limit=3))
    assert (code, error.strip()) == (0, "")
    assert [line.split()[0] for line in output.splitlines() if line] == ["Make", "Check", "after"]


def test_a_script_ends_with_its_run(run_python: RunPython, tmp_path: Path) -> None:
    code, output, error = run_script(run_python, script(tmp_path, limit=2))
    assert code == 1
    assert "after the run" not in output
    lines = error.splitlines()
    # The user's own frames first, from theirs down.
    assert lines[0] == "Traceback (most recent call last):"
    assert f'File "{tmp_path / "script.py"}", line 14, in Check' in lines[1]
    assert "ValueError: too long" in error
    assert "Check failed: Check raised ValueError: too long" in error
    assert lines[-2].startswith("Run ") or lines[-1].startswith("Run ")


def test_configuration_is_checked_by_name() -> None:
    with raises("component.unknown_argument", "CsvExampleGen", "input_bas", "input_base"):
        tfx.components.CsvExampleGen(input_bas="x")
