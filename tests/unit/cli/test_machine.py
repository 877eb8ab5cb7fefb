from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from assay.cli.diagnosis import look_around


def test_it_sees_this_python_and_its_packages(tmp_path: Path) -> None:
    machine = look_around(tmp_path)
    assert machine.python == sys.version_info[:2]
    assert machine.sqlite == sqlite3.sqlite_version_info
    assert {"numpy", "pyarrow", "sqlalchemy"} <= machine.packages.keys()  # in lower case, also SQLAlchemy
    assert machine.glibc is not None
    assert not machine.native_failures


def test_a_root_that_is_not_there_is_judged_by_the_folder_above_it_and_not_made(tmp_path: Path) -> None:
    machine = look_around(tmp_path / "some" / "root")
    assert machine.free_bytes > 0
    assert not machine.write_failure
    assert not any(tmp_path.iterdir())


def test_a_file_is_no_root(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert look_around(file).write_failure == "it is not a folder"
