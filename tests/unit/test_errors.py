"""Errors name an argument as the one who reads them writes it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from assay.errors import DataError, argument, check_not_url
from raising import raises


def test_an_argument_is_named_as_python_or_as_the_command_line_has_it() -> None:
    error = DataError(
        "x.y",
        f"{argument('drift_thresholds', option='--threshold')} is set.",
        f"Give {argument('join_on', 'a b')} or {argument('max_record_bytes', 7)}.",
    )
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert str(each) == "drift_thresholds= is set. Give join_on='a b' or max_record_bytes=7."
        assert each.hint == "Give join_on='a b' or max_record_bytes=7."
        assert each.on_command_line() == ("--threshold is set.", "Give --join-on 'a b' or --max-record-bytes 7.")


@pytest.mark.parametrize(
    ("given", "shown"),
    [("s3://b/x y.csv", "s3://b/x y.csv"), (Path("gs://b/x"), "gs://b/x"), ("https://h/a?b=1", "https://h/a?b=1")],
)
def test_a_url_is_named_as_it_was_written(given: str | Path, shown: str) -> None:
    with raises("path.url", "Data", shown):
        check_not_url(given, "Data")


def test_what_is_not_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s3:/b").mkdir(parents=True)
    for each in ("s3://b", "C:/data.csv", "model.py:predict", "a:b", "data/a://b.csv", ""):
        check_not_url(each, "Data")
    with raises("path.url", "b.csv"):
        check_not_url("file:///a b.csv", "Data")
