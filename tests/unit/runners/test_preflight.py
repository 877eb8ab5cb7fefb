# ruff: noqa: N802 (components have the names of types)
"""User code that is not there is found before the first step runs, wherever it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assay.artifacts import Schema
from assay.errors import UsageError
from assay.spec import Input, Output, RuntimeParameter, UserFunction, UserModule, component
from assay.spec.annotations import UserModuleName


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


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("module_file", "gone.py", r"Call\.module_file: Expected a Python module at gone\.py; there is no such file\."),
        ("module_file", ".", r"Call\.module_file: Expected a Python module at \.; there is a folder\."),
        (
            "module_path",
            "no_such_package.module",
            r"Call\.module_path: No module 'no_such_package\.module' can be found",
        ),
        ("function", "no_such_package.module.run_fn", r"Call\.function: No module can be found for 'no_such_package"),
    ],
)
@pytest.mark.parametrize("at_run_time", [False, True])
def test_missing_code_stops_the_run_before_its_first_step(
    root: Any, argument: str, value: str, message: str, at_run_time: bool
) -> None:
    name = Name(path="x")
    given = RuntimeParameter("which", str) if at_run_time else value
    call = Call(text=name.outputs["text"], **{argument: given})
    with pytest.raises(UsageError, match=message):
        root.run(name, call, parameters={"which": value} if at_run_time else None)
    assert not root.path.exists(), "nothing ran, and nothing is left"


def test_a_module_that_cannot_be_read_stops_the_run(root: Any, tmp_path: Path) -> None:
    (tmp_path / "module.py").symlink_to("/proc/self/mem")  # a regular file that even root cannot read from its start
    name = Name(path="x")
    with pytest.raises(UsageError, match=r"Call\.module_file: .*mem cannot be read: Input/output error\."):
        root.run(name, Call(text=name.outputs["text"], module_file=str(tmp_path / "module.py")))


def test_what_only_an_earlier_step_knows_is_left_to_the_step(root: Any, tmp_path: Path) -> None:
    (tmp_path / "module.py").touch()
    name = Name(path=str(tmp_path / "module.py"))
    result = root.run(name, Call(text=name.outputs["text"], module_file=name.outputs["path"]))
    assert result.ok
    name = Name(path="gone.py")
    result = root.run(name, Call(text=name.outputs["text"], module_file=name.outputs["path"]))
    assert result.step("Call").error_code == "user_module.missing"
