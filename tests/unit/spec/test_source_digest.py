from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from assay.spec.source_digest import dotted_digest, function_digest, module_digest, module_name_digest, module_sources
from raising import raises


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder / "main.py"


def names(path: Path, package: Path | None = None) -> set[str]:
    return set(module_sources(path, package))


def test_local_imports_count_and_installed_ones_do_not(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="import os, features\nfrom shapes import area\ndef f():\n    import late\n",
        features="import numpy\nfrom constants import *\n",
        constants="A = 1",
        shapes="import main",  # a circle ends
        late="",
        unrelated="",
    )
    assert names(main) == {"main.py", "features.py", "constants.py", "shapes.py", "late.py"}


def test_packages_count_with_their_init_files_and_relative_imports(tmp_path: Path) -> None:
    main = write(tmp_path, main="import pkg.sub.deep\nfrom other import thing\n", decoy="", sibling="")
    package = {
        "pkg/__init__.py": "",
        "pkg/sub/__init__.py": "from .. import top",
        "pkg/sub/deep.py": "from .near import x",
    }
    package |= {"pkg/top.py": "", "pkg/sub/near.py": "from ..decoy import y", "pkg/decoy.py": "", "other/thing.py": ""}
    for name, text in package.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert names(main) == {"main.py", *package}


def test_a_neighbour_behind_a_symbolic_link_counts(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    shared = tmp_path / "shared" / "real.py"
    shared.write_text("A = 1")
    (tmp_path / "job").mkdir()
    main = write(tmp_path / "job", main="import linked")
    (tmp_path / "job" / "linked.py").symlink_to(shared)
    before = module_digest(main)
    shared.write_text("A = 2")
    assert names(main) == {"main.py", "linked.py"}
    assert module_digest(main) != before


def test_a_module_that_does_not_parse_imports_nothing(tmp_path: Path) -> None:
    main = write(tmp_path, main="import other\ndef broken(:\n", other="")
    assert names(main) == {"main.py"}
    main.write_bytes(b"import other\0")
    assert names(main) == {"main.py"}


def test_the_digest_changes_with_every_source_and_with_names(tmp_path: Path) -> None:
    main = write(tmp_path, main="import a", a="X = 1")
    digests = [module_digest(main)]
    for change in (lambda: write(tmp_path, a="X = 2"), lambda: write(tmp_path, main="import a  # same"), lambda: None):
        change()
        digests.append(module_digest(main))
    assert len(set(digests)) == 3
    assert digests[2] == digests[3]


def test_a_missing_module_is_named(tmp_path: Path) -> None:
    with raises("user_module.missing", "gone.py"):
        module_digest(tmp_path / "gone.py")


def test_a_dotted_function_brings_its_package_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "digested/__init__.py": "",
        "digested/models/net.py": "import neighbour\nfrom digested.data import load\ndef run(): ...",
        "digested/models/__init__.py": "",
        "digested/data.py": "A = 1",
        "neighbour.py": "A = 1",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    before = dotted_digest("digested.models.net.run")
    assert before == dotted_digest("digested.models.net.Class.method")
    (tmp_path / "neighbour.py").write_text("A = 2")
    assert dotted_digest("digested.models.net.run") == before
    (tmp_path / "digested/data.py").write_text("A = 2")
    assert dotted_digest("digested.models.net.run") != before
    assert module_name_digest("digested.models.net") == dotted_digest("digested.models.net.run")
    with raises("user_module.not_found", "digested.models.gone", "package.module"):
        module_name_digest("digested.models.gone")


@pytest.mark.parametrize("dotted", ["nowhere_at_all.run", "run", "sys.exit"])
def test_a_dotted_name_without_a_module_is_refused(dotted: str) -> None:
    with raises("user_function.missing", "package.module.function"):
        dotted_digest(dotted)


def test_installed_modules_side_by_side_are_no_part_of_each_other(tmp_path: Path) -> None:
    (tmp_path / "site-packages").mkdir()
    main = write(tmp_path / "site-packages", main="import library", library="")
    assert names(main) == {"main.py"}


TYPED_IN = """
from assay.spec.source_digest import function_digest
space = {}
exec("def f(x, y=DEFAULT):\\n    return [x in {'a', 'b', 'c'} for _ in (lambda: CONSTANT)()]", space)
print(function_digest(space["f"]))
"""


def typed_in(default: int = 1, constant: int = 1) -> str:
    code = TYPED_IN.replace("DEFAULT", str(default)).replace("CONSTANT", str(constant))
    path = [path for path in sys.path if path.endswith("components")]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(path)}
    )
    return done.stdout


def test_a_function_that_was_typed_in_has_the_same_digest_in_every_process() -> None:
    assert typed_in() == typed_in()
    assert len({typed_in(), typed_in(default=2), typed_in(constant=2)}) == 3


def test_a_function_in_a_file_counts_with_the_file(tmp_path: Path) -> None:
    main = write(tmp_path, main="def f():\n    import a", a="")
    space: dict[str, Any] = {"__name__": "main"}
    exec(compile(main.read_text(), str(main), "exec"), space)
    assert function_digest(space["f"]) == module_digest(main)
