"""Judges a machine: what fits assay, what does not, and how to mend it. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assay.cli.machine import Machine
from assay.cli.version_lines import LINES, VersionLine

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
class Finding:
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


def diagnose(machine: Machine) -> tuple[Finding, ...]:
    """Checks a machine against what assay needs, the base first: system, Python, packages, native cores, disk."""
    line = _line_of(machine)
    findings = [_python(machine, line), _system(machine)]
    if line is not None:
        findings.append(_glibc(machine, line))
        findings.extend(_packages(machine, line))
    findings.extend(_native(machine))
    findings.extend([_sqlite(machine), _space(machine), _writable(machine)])
    return tuple(findings)


def _line_of(machine: Machine) -> VersionLine | None:
    return next((line for line in LINES if machine.python in line.pythons), None)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _python(machine: Machine, line: VersionLine | None) -> Finding:
    found = f"Python {_dotted(machine.python)}"
    if line is not None:
        return Finding(
            check="python", status="ok", found=f"{found}, so the {line.name} line", expected="Python 3.10 to 3.13"
        )
    return Finding(
        check="python",
        status="problem",
        found=found,
        expected="Python 3.10 to 3.13",
        remedy="Make the environment with one of these: make setup PYTHON=python3.11",
    )


def _system(machine: Machine) -> Finding:
    expected = "Linux x86_64"
    if machine.system == expected:
        return Finding(check="system", status="ok", found=machine.system, expected=expected)
    return Finding(
        check="system",
        status="warning",
        found=machine.system,
        expected=expected,
        remedy="assay is tested, and its versions are locked, on Linux x86_64: use such a machine or container.",
    )


def _glibc(machine: Machine, line: VersionLine) -> Finding:
    expected = f"glibc {_dotted(line.glibc)} or newer, which the wheels of {line.name} are built for"
    if machine.glibc is None:
        return Finding(
            check="glibc",
            status="problem",
            found="another C library",
            expected=expected,
            remedy="Use a distribution with glibc, such as Debian or Ubuntu: there are no wheels for others.",
        )
    found = f"glibc {_dotted(machine.glibc)}"
    if machine.glibc >= line.glibc:
        return Finding(check="glibc", status="ok", found=found, expected=expected)
    return Finding(
        check="glibc",
        status="problem",
        found=found,
        expected=expected,
        remedy="Use Python 3.10 or 3.11 on this system, or Debian 13, Ubuntu 24.04 or newer.",
    )


def _packages(machine: Machine, line: VersionLine) -> Iterator[Finding]:
    data_path = f"Install the locked versions: {_DATA_PATH.format(python=''.join(map(str, machine.python)))}"
    for name, versions in {**line.native, **line.shared}.items():
        yield _package(machine, line, name, versions, missing="problem", remedy=data_path)
    # Without TensorFlow the data path works; with it, the whole family must be there.
    if "tensorflow" not in machine.packages:
        yield Finding(
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
) -> Finding:
    expected = f"{' or '.join(f'{version}*' for version in versions)} ({line.name})"
    found = machine.packages.get(name)
    if found is None:
        return Finding(check=name, status=missing, found="not installed", expected=expected, remedy=remedy)
    if found.startswith(versions):
        return Finding(check=name, status="ok", found=found, expected=expected)
    return Finding(
        check=name, status="problem", found=f"{found}{_belongs(name, found)}", expected=expected, remedy=remedy
    )


def _belongs(name: str, version: str) -> str:
    """Says of which line a version is, since a mix of two lines is what most often goes wrong."""
    for line in LINES:
        versions = {**line.native, **line.full, **line.shared, **line.optional}.get(name)
        if versions and version.startswith(versions):
            return f", of the {line.name} line"
    return ""


def _hotfix(machine: Machine) -> Finding:
    expected = "pyarrow-hotfix, which closes CVE-2023-47248 in pyarrow before 14.0.1"
    found = machine.packages.get("pyarrow-hotfix")
    if found is not None:
        return Finding(check="pyarrow-hotfix", status="ok", found=found, expected=expected)
    return Finding(
        check="pyarrow-hotfix",
        status="warning",
        found="not installed",
        expected=expected,
        remedy="pip install pyarrow-hotfix",
    )


def _native(machine: Machine) -> Iterator[Finding]:
    for name in ("tensorflow-data-validation", "tfx-bsl"):
        failure = machine.native_failures.get(name)
        expected = "its C++ core loads"
        if failure is None:
            yield Finding(check=f"{name} core", status="ok", found="loads", expected=expected)
        else:
            yield Finding(
                check=f"{name} core",
                status="problem",
                found=failure,
                expected=expected,
                remedy=f"Mend what stands above first; then install {name} anew.",
            )


def _sqlite(machine: Machine) -> Finding:
    expected = f"SQLite {_dotted(_OLDEST_SQLITE)} or newer, for the lineage store"
    found = f"SQLite {_dotted(machine.sqlite)}"
    if machine.sqlite >= _OLDEST_SQLITE:
        return Finding(check="sqlite", status="ok", found=found, expected=expected)
    return Finding(
        check="sqlite",
        status="problem",
        found=found,
        expected=expected,
        remedy="Use a Python that is linked with a newer SQLite, or keep lineage in PostgreSQL.",
    )


def _space(machine: Machine) -> Finding:
    status: Status = "ok" if machine.free_bytes >= _ENOUGH_SPACE else "warning"
    if machine.free_bytes < _LEAST_SPACE:
        status = "problem"
    return Finding(
        check="disk",
        status=status,
        found=f"{machine.free_bytes / _GIB:.1f} GiB free at {machine.root}",
        expected=f"{_ENOUGH_SPACE / _GIB:.0f} GiB free",
        remedy="" if status == "ok" else "Free space, or choose another folder with --root.",
    )


def _writable(machine: Machine) -> Finding:
    expected = "a folder that can be written"
    if not machine.write_failure:
        return Finding(check="root", status="ok", found=f"{machine.root} can be written", expected=expected)
    return Finding(
        check="root",
        status="problem",
        found=f"{machine.root} cannot be written: {machine.write_failure}",
        expected=expected,
        remedy="Choose another folder with --root, or change its permissions.",
    )
