from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from assay.errors import DataError, UserCodeError
from assay.spec.user_code import load_function, modules_of, run_user_code
from raising import raises

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_loads_a_function_and_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, "neighbour_of_mine.py", "VALUE = 7\n")
    module = write(tmp_path, "module.py", "import neighbour_of_mine\ndef run_fn(): return neighbour_of_mine.VALUE\n")
    path_before = list(sys.path)

    function = load_function(module, None, "run_fn")

    assert function() == 7
    assert sys.path == path_before
    assert "neighbour_of_mine" not in sys.modules
    assert "module" not in sys.modules


def test_modules_of_the_same_name_do_not_collide(tmp_path: Path) -> None:
    functions = []
    for folder, value in (("a", 1), ("b", 2)):
        write(tmp_path / folder, "features.py", f"VALUE = {value}\n")
        file = write(tmp_path / folder, "module.py", "import features\ndef run_fn(): return features.VALUE\n")
        functions.append(load_function(file, None, "run_fn"))
    assert [function() for function in functions] == [1, 2]


def test_a_function_may_import_its_neighbour_when_it_runs(tmp_path: Path) -> None:
    write(tmp_path, "late_neighbour.py", "VALUE = 3\n")
    module = write(tmp_path, "module.py", "def run_fn():\n    import late_neighbour\n    return late_neighbour.VALUE\n")
    function = load_function(module, None, "run_fn")
    with run_user_code("run_fn", module):
        assert function() == 3
    assert "late_neighbour" not in sys.modules


def test_a_module_is_loaded_once_until_it_or_a_neighbour_changes(tmp_path: Path) -> None:
    write(tmp_path, "part.py", "VALUE = 1\n")
    module = write(tmp_path, "module.py", "import part\ndef run_fn(): return part.VALUE\n")
    first = load_function(module, None, "run_fn")
    assert load_function(module, None, "run_fn") is first
    write(tmp_path, "part.py", "VALUE = 22\n")
    assert load_function(module, None, "run_fn")() == 22


@pytest.mark.parametrize("changed", ["part.py", "module.py"])
def test_an_edit_of_the_same_size_in_the_same_second_counts(
    tmp_path: Path, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    text = {"part.py": "VALUE = 1\n", "module.py": "import part\ndef run_fn(): return part.VALUE, 1\n"}
    for name, content in text.items():
        os.utime(write(tmp_path, name, content), (10**9, 10**9))
    module = tmp_path / "module.py"
    assert load_function(module, None, "run_fn")() == (1, 1)
    os.utime(write(tmp_path, changed, text[changed].replace("1", "2")), (10**9, 10**9))
    assert load_function(module, None, "run_fn")() == ((2, 1) if changed == "part.py" else (1, 2))


def test_loads_by_dotted_name() -> None:
    import json

    assert load_function(None, "json.dumps", "run_fn") is json.dumps


@pytest.mark.parametrize(
    ("module_file", "dotted", "expected"),
    [
        (None, None, ("user_code.place", "module_file", "run_fn")),
        ("a.py", "a.b", ("user_code.place",)),
        ("absent.py", None, ("user_code.no_file",)),
        (None, "no_such_package.run_fn", ("user_code.no_module", "no_such_package")),
        (None, "run_fn", ("user_code.dotted",)),
        (None, "json.dump_", ("user_code.no_function", "dump_", "dump")),
    ],
)
def test_a_wrong_place_is_a_usage_error(module_file: str | None, dotted: str | None, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        load_function(module_file, dotted, "run_fn")


def test_a_missing_function_names_the_ones_there_are(tmp_path: Path) -> None:
    module = write(tmp_path, "module.py", "def run_fun(): pass\n")
    with raises("user_code.no_function", "run_fn", "run_fun"):
        load_function(module, None, "run_fn")


def test_an_error_shows_the_users_frames_first(tmp_path: Path) -> None:
    write(tmp_path, "parts.py", "def divide(a, b):\n    return a / b\n")
    module = write(tmp_path, "module.py", "import parts\ndef run_fn():\n    return parts.divide(1, 0)\n")
    function = load_function(module, None, "run_fn")
    with (
        raises("user_code.raised", "run_fn", "ZeroDivisionError: division by zero", kind=UserCodeError) as caught,
        run_user_code("run_fn", module),
    ):
        function()
    assert isinstance(caught.value, UserCodeError)
    lines = caught.value.user_traceback.splitlines()
    assert lines[1].strip() == f'File "{module}", line 3, in run_fn'
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "test_user_code" not in caught.value.user_traceback
    assert f"({tmp_path / 'parts.py'}, line 2)" in caught.value.message


def test_causes_are_cut_as_well(tmp_path: Path) -> None:
    text = (
        "def run_fn():\n    try:\n        {}['a']\n    except KeyError as e:\n        raise ValueError('no a') from e\n"
    )
    module = write(tmp_path, "module.py", text)
    function = load_function(module, None, "run_fn")
    with raises("user_code.raised", "ValueError") as caught, run_user_code("run_fn", module):
        function()
    assert "KeyError: 'a'" in caught.value.user_traceback
    assert "direct cause" in caught.value.user_traceback


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def run_fn(:\n", ("user_code.raised", "module.py", "SyntaxError", "1")),
        ("import no_such_thing\n", ("user_code.raised", "module.py", "ModuleNotFoundError", "no_such_thing")),
        ("raise SystemExit(3)\n", ("user_code.raised", "module.py", "SystemExit", "3")),
    ],
)
def test_a_module_that_cannot_be_imported(tmp_path: Path, text: str, expected: tuple[str, ...]) -> None:
    module = write(tmp_path, "module.py", text)
    with raises(*expected) as caught:
        load_function(module, None, "run_fn")
    assert str(module) in caught.value.user_traceback
    assert "importlib" not in caught.value.user_traceback
    assert not any(name.startswith("_assay_user_") and name.endswith(str(module)) for name in sys.modules)


def test_errors_of_assay_pass_as_they_are(tmp_path: Path) -> None:
    with raises("data.truncated", kind=DataError), run_user_code("run_fn"):
        raise DataError("data.truncated", "File x is cut off.")


def test_a_shadowed_module_comes_back(tmp_path: Path) -> None:
    import colorsys

    write(tmp_path, "colorsys.py", "VALUE = 'mine'\n")
    module = write(tmp_path, "module.py", "import colorsys\ndef run_fn(): return colorsys.VALUE\n")
    assert load_function(module, None, "run_fn")() == "mine"
    assert sys.modules["colorsys"] is colorsys


def test_the_modules_of_a_file_are_known_once_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "entry.py").write_text("import neighbour\ndef run_fn(): ...")
    (tmp_path / "neighbour.py").write_text("A = 1")
    assert modules_of(tmp_path / "entry.py") == ()
    load_function(tmp_path / "entry.py", None, "run_fn")
    names = [module.__name__.rpartition("_")[2] for module in modules_of(tmp_path / "entry.py")]
    assert names == ["entry", "neighbour"]
