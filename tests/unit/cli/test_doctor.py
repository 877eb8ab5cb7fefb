from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from assay.cli.diagnosis import Diagnosis
from assay.cli.doctor import as_document, as_text, doctor, passed

OK = Diagnosis(check="python", status="ok", found="Python 3.11", expected="Python 3.10 to 3.13")
WARNING = Diagnosis(
    check="tensorflow", status="warning", found="not installed", expected="the full stack", remedy="make setup"
)
PROBLEM = Diagnosis(check="disk", status="problem", found="0.0 GiB free", expected="1 GiB free", remedy="Free space.")


def test_a_problem_fails_and_a_warning_does_not() -> None:
    assert passed([OK, WARNING])
    assert not passed([OK, PROBLEM])


def test_the_text_says_what_was_expected_only_where_something_is_wrong() -> None:
    text = as_text([OK, WARNING, PROBLEM])
    assert "Python 3.10 to 3.13" not in text
    assert "fix:      Free space." in text
    assert text.endswith("1 problem, 1 warning.")
    assert as_text([OK]).endswith("Everything fits.")
    assert as_text([OK, WARNING]).endswith("Works, with 1 warning.")


def test_the_document_holds_every_field() -> None:
    document = json.loads(as_document([OK, PROBLEM]))
    assert document["passed"] is False
    assert document["findings"][1] == {
        "check": "disk",
        "status": "problem",
        "found": "0.0 GiB free",
        "expected": "1 GiB free",
        "remedy": "Free space.",
    }


def test_this_environment_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doctor(tmp_path / "runs", as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is True
    assert not (tmp_path / "runs").exists()


def test_a_root_that_cannot_be_written_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(typer.Exit, match=r"^1$"):
        doctor(file)
    assert "is not a folder" in capsys.readouterr().out
