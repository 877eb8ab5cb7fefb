"""What a machine has that assay depends on: gathered here as plain values, judged in `assay.cli.diagnosis`."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from assay import native
from assay.errors import AssayError, check_arrow_and_numpy


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The facts that the checks judge.

    Attributes:
        python: Major and minor version of the running Python.
        system: Kernel's name and architecture, such as `Linux x86_64`.
        glibc: Version of the C library; None where it is another library.
        packages: Versions of the installed distributions by normalised name.
        native_failures: Why a native core could not be loaded, by the name of its distribution.
        sqlite: Version of the SQLite library.
        root: The folder that runs would write to.
        free_bytes: Free space at the root.
        write_failure: Why the root cannot be written; empty where it can.
    """

    python: tuple[int, int]
    system: str
    glibc: tuple[int, ...] | None
    packages: dict[str, str]
    native_failures: dict[str, str]
    sqlite: tuple[int, ...]
    root: Path
    free_bytes: int
    write_failure: str


def look_around(root: Path) -> Machine:
    """Gathers the facts of this machine and this Python.

    Args:
        root: The folder that runs would write to, absolute; it need not exist and is not made.
    """
    existing = _nearest_folder(root)
    return Machine(
        python=sys.version_info[:2],
        system=f"{platform.system()} {platform.machine()}",
        glibc=_glibc(),
        packages={_normalised(item.name): item.version for item in distributions() if item.name},
        native_failures=_native_failures(),
        sqlite=sqlite3.sqlite_version_info,
        root=root,
        free_bytes=shutil.disk_usage(existing).free,
        write_failure=_write_failure(root, existing),
    )


def _normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _glibc() -> tuple[int, ...] | None:
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (AttributeError, OSError, ValueError):
        return None
    return tuple(int(part) for part in version.split(".")) if name == "glibc" else None


def _native_failures() -> dict[str, str]:
    failures = {}
    for distribution, load in (
        ("tensorflow-data-validation", native.tfdv_validation),
        ("tfx-bsl", native.sketches),
    ):
        try:
            check_arrow_and_numpy()
            load()
        except (AssayError, ImportError, OSError) as error:
            failures[distribution] = str(error)
    return failures


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _write_failure(root: Path, existing: Path) -> str:
    if any(folder.is_file() for folder in (root, *root.parents)):
        return "it is not a folder"
    # A trial, since permission bits say nothing of quotas and read-only mounts.
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"assay")
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return ""
