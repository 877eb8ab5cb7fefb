from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from assay.cli.diagnosis import Diagnosis, Machine, diagnose

LOCKS = {"3.10": (3, 10), "3.11": (3, 11), "3.12": (3, 12), "3.13": (3, 13)}


def locked(project_root: Path, kind: str, python: str) -> dict[str, str]:
    lock = project_root / "requirements" / f"{kind}-py{python.replace('.', '')}.txt"
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def machine(project_root: Path, kind: str = "full", python: str = "3.11") -> Machine:
    """A machine that has exactly what a lock holds."""
    return Machine(
        python=LOCKS[python],
        system="Linux x86_64",
        glibc=(2, 41),
        packages=locked(project_root, kind, python),
        native_failures={},
        sqlite=(3, 40, 1),
        root=Path("/data/runs"),
        free_bytes=50 * 2**30,
        write_failure="",
    )


def wrong(findings: tuple[Diagnosis, ...]) -> dict[str, Diagnosis]:
    return {finding.check: finding for finding in findings if finding.status != "ok"}


@pytest.mark.parametrize("python", LOCKS)
def test_the_full_lock_of_every_python_fits(project_root: Path, python: str) -> None:
    assert not wrong(diagnose(machine(project_root, "full", python)))


@pytest.mark.parametrize("python", LOCKS)
def test_the_data_lock_fits_but_for_tensorflow(project_root: Path, python: str) -> None:
    found = wrong(diagnose(machine(project_root, "data", python)))
    assert found.keys() == {"tensorflow"}
    assert found["tensorflow"].status == "warning"


def test_the_two_lines_do_not_fit_together(project_root: Path) -> None:
    """What pip does on an old glibc: TFDV of the first line beside TensorFlow of the second."""
    here = machine(project_root, python="3.13")
    mixed = here.packages | {"tensorflow-data-validation": "1.16.1"}
    found = wrong(diagnose(replace(here, packages=mixed)))
    assert found.keys() == {"tensorflow-data-validation"}
    finding = found["tensorflow-data-validation"]
    assert finding.status == "problem"
    assert finding.found == "1.16.1, of the TFX 1.16 line"
    assert finding.expected == "1.21.* (TFX 1.21)"


def test_an_old_glibc_is_named_for_the_line_that_needs_a_newer_one(project_root: Path) -> None:
    debian_12 = replace(machine(project_root, python="3.13"), glibc=(2, 36))
    found = wrong(diagnose(debian_12))["glibc"]
    assert found.status == "problem"
    assert found.found == "glibc 2.36"
    assert "2.39" in found.expected
    assert "Python 3.10 or 3.11" in found.remedy
    assert not wrong(diagnose(replace(machine(project_root, python="3.11"), glibc=(2, 36))))


def test_musl_has_no_wheels(project_root: Path) -> None:
    assert wrong(diagnose(replace(machine(project_root), glibc=None)))["glibc"].status == "problem"


@pytest.mark.parametrize("version", [(3, 9), (3, 14)])
def test_an_unsupported_python_is_a_problem(project_root: Path, version: tuple[int, int]) -> None:
    found = wrong(diagnose(replace(machine(project_root), python=version)))["python"]
    assert found.status == "problem"
    assert found.found == f"Python {version[0]}.{version[1]}"


def test_another_architecture_is_a_warning(project_root: Path) -> None:
    assert wrong(diagnose(replace(machine(project_root), system="Linux aarch64")))["system"].status == "warning"


@pytest.mark.parametrize("name", ["dill", "tensorflow-transform", "tensorflow-data-validation", "pyarrow"])
def test_a_missing_package_is_named_with_its_install_line(project_root: Path, name: str) -> None:
    here = machine(project_root)
    packages = {key: value for key, value in here.packages.items() if key != name}
    found = wrong(diagnose(replace(here, packages=packages)))[name]
    assert (found.status, found.found) == ("problem", "not installed")
    assert "install" in found.remedy.lower()


@pytest.mark.parametrize(("name", "version"), [("pyarrow", "18.0.0"), ("protobuf", "6.30.0"), ("numpy", "2.1.0")])
def test_a_shared_library_of_the_other_line_clashes(project_root: Path, name: str, version: str) -> None:
    here = machine(project_root)
    found = wrong(diagnose(replace(here, packages=here.packages | {name: version})))
    assert found[name].status == "problem"
    assert found[name].found.endswith("of the TFX 1.21 line")


def test_an_old_pyarrow_wants_its_hotfix(project_root: Path) -> None:
    here = machine(project_root)
    packages = {key: value for key, value in here.packages.items() if key != "pyarrow-hotfix"}
    assert wrong(diagnose(replace(here, packages=packages)))["pyarrow-hotfix"].status == "warning"


def test_a_kfp_of_the_other_line_is_a_problem_and_its_absence_is_none(project_root: Path) -> None:
    here = machine(project_root)
    assert wrong(diagnose(replace(here, packages=here.packages | {"kfp": "2.16.1"})))["kfp"].status == "problem"
    packages = {key: value for key, value in here.packages.items() if key != "kfp"}
    assert not wrong(diagnose(replace(here, packages=packages)))


def test_a_native_core_that_does_not_load_says_why(project_root: Path) -> None:
    reason = "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found"
    here = replace(machine(project_root), native_failures={"tfx-bsl": reason})
    found = wrong(diagnose(here))["tfx-bsl core"]
    assert (found.status, found.found) == ("problem", reason)


@pytest.mark.parametrize(("free", "status"), [(2**29, "warning"), (2**20, "problem")])
def test_a_full_disk_is_named(project_root: Path, free: int, status: str) -> None:
    found = wrong(diagnose(replace(machine(project_root), free_bytes=free)))["disk"]
    assert found.status == status
    assert "/data/runs" in found.found


def test_a_root_that_cannot_be_written_is_named(project_root: Path) -> None:
    found = wrong(diagnose(replace(machine(project_root), write_failure="Read-only file system")))["root"]
    assert found.found == "/data/runs cannot be written: Read-only file system"


def test_an_old_sqlite_is_a_problem(project_root: Path) -> None:
    assert wrong(diagnose(replace(machine(project_root), sqlite=(3, 7, 17))))["sqlite"].status == "problem"


def test_every_finding_that_is_not_ok_says_how_to_mend_it(project_root: Path) -> None:
    broken = replace(
        machine(project_root),
        glibc=(2, 12),
        packages={},
        native_failures={"tfx-bsl": "no"},
        sqlite=(3, 0, 0),
        free_bytes=0,
        write_failure="no",
        system="Darwin arm64",
    )
    assert all(finding.remedy and finding.expected for finding in wrong(diagnose(broken)).values())
