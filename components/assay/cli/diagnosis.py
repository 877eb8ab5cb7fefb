"""Judges a machine: what fits assay, what does not, and how to fix it. Pure: facts in, findings out."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Literal

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
        root: Folder that runs write to.
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
    try:
        check_arrow_and_numpy()
        native.sketches()
    except (AssayError, ImportError, OSError) as error:
        return {"tfx-bsl": str(error)}
    return {}


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


# The two lines of the TFX family that assay supports, as its distributions publish them.
#
# `pyproject.toml` pins them for installers; this table is what a diagnosis compares with. A test holds the two
# together.


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """One set of releases that work together.

    Attributes:
        name: What the line is called in messages.
        pythons: The Python versions that install it.
        glibc: The oldest glibc that its wheels accept.
        native: Distributions of which the data path loads single files.
        full: Further distributions that Transform, Trainer and Evaluator import.
        shared: Libraries that the line's native code or generated protos bind to.
        optional: Distributions that may be absent, but must fit where they are present.

    Each maps a distribution to the beginning of its version, or to several.
    """

    name: str
    pythons: tuple[tuple[int, int], ...]
    glibc: tuple[int, int]
    native: dict[str, tuple[str, ...]]
    full: dict[str, tuple[str, ...]]
    shared: dict[str, tuple[str, ...]]
    optional: dict[str, tuple[str, ...]]


LINES = (
    VersionLine(
        name="TFX 1.16",
        pythons=((3, 10), (3, 11)),
        glibc=(2, 17),
        native={"tfx-bsl": ("1.16.",), "tensorflow-metadata": ("1.16.",)},
        full={
            "tensorflow": ("2.16.",),
            "tensorflow-data-validation": ("1.16.",),
            "tensorflow-transform": ("1.16.",),
            "tensorflow-model-analysis": ("0.47.",),
            "tf-keras": ("2.16.",),
            "apache-beam": ("2.",),
            "pandas": ("1.",),
            "dill": ("0.",),
        },
        shared={"pyarrow": ("10.",), "protobuf": ("3.20.", "4."), "numpy": ("1.",)},
        optional={"kfp": ("2.13.",)},
    ),
    VersionLine(
        name="TFX 1.21",
        pythons=((3, 12), (3, 13)),
        glibc=(2, 39),
        native={"tfx-bsl": ("1.21.",), "tensorflow-metadata": ("1.21.",)},
        full={
            "tensorflow": ("2.21.",),
            "tensorflow-data-validation": ("1.21.",),
            "tensorflow-transform": ("1.21.",),
            "tensorflow-model-analysis": ("0.52.",),
            "tf-keras": ("2.21.",),
            "apache-beam": ("2.",),
            "pandas": ("2.",),
            "dill": ("0.",),
        },
        shared={"pyarrow": ("18.", "19.", "2"), "protobuf": ("6.",), "numpy": ("2.",)},
        optional={"kfp": ("2.16.",)},
    ),
)


Status = Literal["ok", "warning", "problem"]

_GIB = 2**30
# The demo's runs take about 50 MB; an examples artifact is about as large as its input.
_ENOUGH_SPACE = _GIB
_LEAST_SPACE = _GIB // 10
# Upserts; every supported distribution ships a newer one.
_OLDEST_SQLITE = (3, 24, 0)
_FULL_STACK = "make setup in a clone, or pip install 'assay[tfx]'"
_DATA_PATH = "pip install --no-deps -r requirements/data-py{python}.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What one check saw.

    Attributes:
        check: What was looked at.
        status: `problem` where assay will not work, `warning` where a part of it will not.
        found: What is there.
        expected: What should be there.
        remedy: One thing to do; empty where nothing is to be done.
    """

    check: str
    status: Status
    found: str
    expected: str
    remedy: str = ""


def diagnose(machine: Machine) -> tuple[Diagnosis, ...]:
    """Check a machine against what assay needs, the base first: system, Python, packages, native cores, disk."""
    line = _line_of(machine)
    findings = [_python(machine, line), _system(machine)]
    if line is not None:
        findings.append(_check_glibc(machine, line))
        findings.extend(_packages(machine, line))
    findings.append(_native(machine))
    findings.extend([_sqlite(machine), _space(machine), _writable(machine)])
    return tuple(findings)


def _line_of(machine: Machine) -> VersionLine | None:
    return next((line for line in LINES if machine.python in line.pythons), None)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _python(machine: Machine, line: VersionLine | None) -> Diagnosis:
    found = f"Python {_dotted(machine.python)}"
    if line is not None:
        return Diagnosis(
            check="python", status="ok", found=f"{found}, so the {line.name} line", expected="Python 3.10 to 3.13"
        )
    return Diagnosis(
        check="python",
        status="problem",
        found=found,
        expected="Python 3.10 to 3.13",
        remedy="Make the environment with one of these: make setup PYTHON=python3.11",
    )


def _system(machine: Machine) -> Diagnosis:
    expected = "Linux x86_64"
    if machine.system == expected:
        return Diagnosis(check="system", status="ok", found=machine.system, expected=expected)
    return Diagnosis(
        check="system",
        status="warning",
        found=machine.system,
        expected=expected,
        remedy="assay is tested, and its versions are locked, on Linux x86_64: use such a machine or container.",
    )


def _check_glibc(machine: Machine, line: VersionLine) -> Diagnosis:
    expected = f"glibc {_dotted(line.glibc)} or newer, which the wheels of {line.name} are built for"
    if machine.glibc is None:
        return Diagnosis(
            check="glibc",
            status="problem",
            found="another C library",
            expected=expected,
            remedy="Use a distribution with glibc, such as Debian or Ubuntu: there are no wheels for others.",
        )
    found = f"glibc {_dotted(machine.glibc)}"
    if machine.glibc >= line.glibc:
        return Diagnosis(check="glibc", status="ok", found=found, expected=expected)
    return Diagnosis(
        check="glibc",
        status="problem",
        found=found,
        expected=expected,
        remedy="Use Python 3.10 or 3.11 on this system, or Debian 13, Ubuntu 24.04 or newer.",
    )


def _packages(machine: Machine, line: VersionLine) -> Iterator[Diagnosis]:
    data_path = f"Install the locked versions: {_DATA_PATH.format(python=''.join(map(str, machine.python)))}"
    for name, versions in {**line.native, **line.shared}.items():
        yield _package(machine, line, name, versions, missing="problem", remedy=data_path)
    # Without TensorFlow the data path works; with it, the whole family must be there.
    if "tensorflow" not in machine.packages:
        yield Diagnosis(
            check="tensorflow",
            status="warning",
            found="not installed",
            expected="the full stack, for Transform, Trainer and Evaluator",
            remedy=f"Leave it so for validating data; for a whole pipeline: {_FULL_STACK}",
        )
    else:
        for name, versions in line.full.items():
            yield _package(machine, line, name, versions, missing="problem", remedy=f"Install it: {_FULL_STACK}")
    for name, versions in line.optional.items():
        if name in machine.packages:
            yield _package(machine, line, name, versions, missing="warning", remedy=f"pip install 'assay[{name}]'")
    if machine.packages.get("pyarrow", "99").split(".")[0] in {"10", "11", "12", "13"}:
        yield _hotfix(machine)


def _package(
    machine: Machine, line: VersionLine, name: str, versions: tuple[str, ...], *, missing: Status, remedy: str
) -> Diagnosis:
    expected = f"{' or '.join(f'{version}*' for version in versions)} ({line.name})"
    found = machine.packages.get(name)
    if found is None:
        return Diagnosis(check=name, status=missing, found="not installed", expected=expected, remedy=remedy)
    if found.startswith(versions):
        return Diagnosis(check=name, status="ok", found=found, expected=expected)
    return Diagnosis(
        check=name, status="problem", found=f"{found}{_belongs(name, found)}", expected=expected, remedy=remedy
    )


def _belongs(name: str, version: str) -> str:
    """Says of which line a version is, since a mix of two lines is what most often goes wrong."""
    for line in LINES:
        versions = {**line.native, **line.full, **line.shared, **line.optional}.get(name)
        if versions and version.startswith(versions):
            return f", of the {line.name} line"
    return ""


def _hotfix(machine: Machine) -> Diagnosis:
    expected = "pyarrow-hotfix, which closes CVE-2023-47248 in pyarrow before 14.0.1"
    found = machine.packages.get("pyarrow-hotfix")
    if found is not None:
        return Diagnosis(check="pyarrow-hotfix", status="ok", found=found, expected=expected)
    return Diagnosis(
        check="pyarrow-hotfix",
        status="warning",
        found="not installed",
        expected=expected,
        remedy="pip install pyarrow-hotfix",
    )


def _native(machine: Machine) -> Diagnosis:
    failure = machine.native_failures.get("tfx-bsl")
    return Diagnosis(
        check="tfx-bsl core",
        status="ok" if failure is None else "problem",
        found=failure or "loads",
        expected="its C++ core loads",
        remedy="" if failure is None else "Fix the problems above first; then reinstall tfx-bsl.",
    )


def _sqlite(machine: Machine) -> Diagnosis:
    expected = f"SQLite {_dotted(_OLDEST_SQLITE)} or newer, for the lineage store"
    found = f"SQLite {_dotted(machine.sqlite)}"
    if machine.sqlite >= _OLDEST_SQLITE:
        return Diagnosis(check="sqlite", status="ok", found=found, expected=expected)
    return Diagnosis(
        check="sqlite",
        status="problem",
        found=found,
        expected=expected,
        remedy="Use a Python that is linked with a newer SQLite, or keep lineage in PostgreSQL.",
    )


def _space(machine: Machine) -> Diagnosis:
    status: Status = "ok" if machine.free_bytes >= _ENOUGH_SPACE else "warning"
    if machine.free_bytes < _LEAST_SPACE:
        status = "problem"
    return Diagnosis(
        check="disk",
        status=status,
        found=f"{machine.free_bytes / _GIB:.1f} GiB free at {machine.root}",
        expected=f"{_ENOUGH_SPACE / _GIB:.0f} GiB free",
        remedy="" if status == "ok" else "Free space, or choose another folder with --root.",
    )


def _writable(machine: Machine) -> Diagnosis:
    expected = "a folder that can be written"
    if not machine.write_failure:
        return Diagnosis(check="root", status="ok", found=f"{machine.root} can be written", expected=expected)
    return Diagnosis(
        check="root",
        status="problem",
        found=f"{machine.root} cannot be written: {machine.write_failure}",
        expected=expected,
        remedy="Choose another folder with --root, or change its permissions.",
    )
