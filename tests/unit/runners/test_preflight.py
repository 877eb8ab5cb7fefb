# ruff: noqa: N802 (components have the names of types)
"""User code that is not there is found before the first step runs, wherever it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest

from assay.artifacts import Schema
from assay.errors import UsageError
from assay.spec import Input, Output, RuntimeParameter, UserFunction, UserModule, component
from assay.spec.annotations import UserModuleMark, UserModuleName
from raising import raises


class Named(NamedTuple):
    path: str


@component
def Name(text: Output[Schema], *, path: str) -> Named:
    (text.path / "schema.pbtxt").touch()
    return Named(path)


@component
def Call(
    text: Input[Schema],
    called: Output[Schema],
    *,
    module_file: UserModule | None = None,
    module_path: UserModuleName | None = None,
    function: UserFunction | None = None,
) -> None:
    (called.path / "schema.pbtxt").write_text(f"{module_file} {module_path} {function}")


@component
def Train(
    text: Input[Schema], trained: Output[Schema], *, module_file: Annotated[str, UserModuleMark("run_fn")]
) -> None:
    (trained.path / "schema.pbtxt").write_text(module_file)


@pytest.mark.parametrize(
    ("source", "named", "code"),
    [
        ("def run(fn_args): ...", ("run_fn", "'run'"), "user_code.no_function"),
        ("class A:\n    x = 1\n", ("run_fn",), "user_code.no_function"),
        ("", ("run_fn",), "user_code.no_function"),
        ("x = 1\ndef run_fn(fn_args) pass", ("2", "':'"), "user_module.syntax"),
        ("def run_fn(a): ...\0", ("null bytes",), "user_module.syntax"),
    ],
)
def test_a_module_without_its_function_stops_the_run_before_its_first_step(
    root: Any, tmp_path: Path, source: str, named: tuple[str, ...], code: str
) -> None:
    (tmp_path / "module.py").write_text(source)
    name = Name(path="x")
    with raises(code, "Train.module_file", "module.py", *named, kind=UsageError):
        root.run(name, Train(text=name.outputs["text"], module_file=str(tmp_path / "module.py")))
    assert not root.path.exists()


@pytest.mark.parametrize(
    "source",
    [
        "def run_fn(fn_args): ...",
        "if True:\n    async def run_fn(fn_args): ...",
        "run_fn = print",
        "for run_fn in [print]: pass",
        "from module import train as run_fn",
        "import run_fn",
        "from other import *",
        "def __getattr__(name): return print",
        "globals()['run_' + 'fn'] = print",
        "import sys\nsetattr(sys.modules[__name__], 'run_' + 'fn', print)",
        "\ufeffdef run_fn(fn_args): ...",
        "# coding: latin-1\ndef run_fn(fn_args): ...",
    ],
)
def test_a_module_that_may_define_its_function_is_left_to_the_step(root: Any, tmp_path: Path, source: str) -> None:
    (tmp_path / "module.py").write_text(source)
    name = Name(path="x")
    assert root.run(name, Train(text=name.outputs["text"], module_file=str(tmp_path / "module.py"))).ok


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        ("module_file", "gone.py", ("user_module.missing", "Call.module_file", "gone.py")),
        ("module_file", ".", ("user_module.missing", "Call.module_file")),
        (
            "module_path",
            "no_such_package.module",
            ("user_module.not_found", "Call.module_path", "no_such_package.module"),
        ),
        ("function", "no_such_package.module.run_fn", ("user_function.missing", "Call.function", "no_such_package")),
    ],
)
@pytest.mark.parametrize("at_run_time", [False, True])
def test_missing_code_stops_the_run_before_its_first_step(
    root: Any, argument: str, value: str, expected: tuple[str, ...], at_run_time: bool
) -> None:
    name = Name(path="x")
    given = RuntimeParameter("which", str) if at_run_time else value
    call = Call(text=name.outputs["text"], **{argument: given})
    with raises(*expected):
        root.run(name, call, parameters={"which": value} if at_run_time else None)
    assert not root.path.exists(), "nothing ran, and nothing is left"


def test_a_module_that_cannot_be_read_stops_the_run(root: Any, tmp_path: Path) -> None:
    (tmp_path / "module.py").symlink_to("/proc/self/mem")  # a regular file that even root cannot read from its start
    name = Name(path="x")
    with raises("user_module.unreadable", "Call.module_file", "mem", "Input/output"):
        root.run(name, Call(text=name.outputs["text"], module_file=str(tmp_path / "module.py")))


def test_what_only_an_earlier_step_knows_is_left_to_the_step(root: Any, tmp_path: Path) -> None:
    (tmp_path / "module.py").touch()
    name = Name(path=str(tmp_path / "module.py"))
    result = root.run(name, Call(text=name.outputs["text"], module_file=name.outputs["path"]))
    assert result.ok
    name = Name(path="gone.py")
    result = root.run(name, Call(text=name.outputs["text"], module_file=name.outputs["path"]))
    assert result.step("Call").error_code == "user_module.missing"
