"""Errors name an argument as the one who reads them writes it."""

from __future__ import annotations

import pickle

from assay.errors import DataError, argument


def test_an_argument_is_named_as_python_or_as_the_command_line_has_it() -> None:
    error = DataError(
        "x.y",
        f"{argument('drift_limits', option='--limit')} is set.",
        f"Give {argument('join_on', 'a b')} or {argument('max_record_bytes', 7)}.",
    )
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert str(each) == "drift_limits= is set. Give join_on='a b' or max_record_bytes=7."
        assert each.hint == "Give join_on='a b' or max_record_bytes=7."
        assert each.on_command_line() == ("--limit is set.", "Give --join-on 'a b' or --max-record-bytes 7.")
