from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from assay.gating.verdict import (
    Check,
    Verdict,
    blocking,
    from_json,
    json_schema,
    read_verdict,
    to_json,
    write_verdict,
)
from raising import raises

SCHEMA_FILE = Path(__file__).parents[3] / "schemas" / "verdict.schema.json"

figures = st.none() | st.floats()
texts = st.text(max_size=12)
details = st.dictionaries(
    texts,
    st.none()
    | texts
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(texts | st.integers(-9, 9), max_size=3),
    max_size=3,
)
checks = st.builds(
    Check,
    id=texts,
    kind=texts,
    ok=st.booleans(),
    severity=st.sampled_from(["error", "warning", "info"]),
    subject=texts,
    slice=texts,
    observed=figures,
    baseline=figures,
    limit=figures,
    limit_origin=texts,
    sentence=texts,
    applied=st.booleans(),
    details=details,
)
verdicts = st.builds(
    Verdict,
    ok=st.booleans(),
    summary=texts,
    checks=st.lists(checks, max_size=3).map(tuple),
    policy=st.dictionaries(texts, texts, max_size=2),
    subjects=st.dictionaries(texts, texts, max_size=2),
)


def check(**changes: object) -> Check:
    values = {"id": "auc", "kind": "value_threshold", "ok": True, "subject": "auc", "sentence": "auc is 0.9."}
    return Check(**(values | changes))


@settings(max_examples=50, deadline=None)
@given(verdicts)
def test_written_verdict_reads_back_and_fits_the_schema(verdict: Verdict) -> None:
    data = to_json(verdict)
    again = from_json(data)
    assert to_json(again) == data
    assert [one.sentence for one in again.checks] == [one.sentence for one in verdict.checks]
    Draft202012Validator(json_schema()).validate(json.loads(data))


def test_json_is_strict_json_even_with_nan_and_infinity() -> None:
    verdict = Verdict(ok=False, summary="", checks=(check(observed=math.nan, baseline=-math.inf, limit=math.inf),))

    def refuse(name: str) -> None:
        raise AssertionError(name)

    [plain] = json.loads(to_json(verdict), parse_constant=refuse)["checks"]
    assert (plain["observed"], plain["baseline"], plain["limit"]) == ("NaN", "-Infinity", "Infinity")
    [again] = from_json(to_json(verdict)).checks
    assert math.isnan(again.observed or 0)
    assert (again.baseline, again.limit) == (-math.inf, math.inf)


def test_equal_verdicts_have_one_digest_whatever_order_their_dicts_were_filled_in() -> None:
    one = Verdict(ok=True, summary="", policy={"a": "1", "b": "2"}, checks=(check(details={"x": 1, "y": 2}),))
    other = Verdict(ok=True, summary="", policy={"b": "2", "a": "1"}, checks=(check(details={"y": 2, "x": 1}),))
    assert one.digest == other.digest
    assert one.digest.startswith("sha256:")
    assert one.digest != Verdict(ok=False, summary="", policy=one.policy, checks=one.checks).digest


def test_only_failed_errors_block() -> None:
    failed = check(id="b", ok=False)
    warned = check(id="c", ok=False, severity="warning")
    verdict = Verdict(ok=False, summary="", checks=(check(), failed, warned))
    assert blocking(verdict.checks) == (failed,)
    assert verdict.failed == (failed, warned)


def test_verdict_file_reads_back(tmp_path: Path) -> None:
    verdict = Verdict(ok=True, summary="Blessed.", checks=(check(),))
    assert write_verdict(verdict, tmp_path) == tmp_path / "verdict.json"
    assert read_verdict(tmp_path) == verdict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"{", ("verdict.malformed", "truncated")),
        (b"[]", ("verdict.malformed", "object", "array")),
        (b'{"ok": 1, "summary": ""}', ("verdict.malformed",)),
        (b'{"summary": ""}', ("verdict.malformed", "ok")),
        (b"\xff", ("verdict.malformed",)),
        (b'{"ok": true, "summary": "", "checks": [3]}', ("verdict.malformed", "$.checks[0]")),
        (b'{"ok": true, "summary": "", "schema_version": 99}', ("verdict.version", "99")),
    ],
)
def test_what_is_no_verdict_is_refused(text: bytes, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        from_json(text)


def test_missing_verdict_names_the_path(tmp_path: Path) -> None:
    with raises("verdict.missing", "verdict.json"):
        read_verdict(tmp_path)


def test_shipped_schema_is_the_one_the_dataclasses_give(pytestconfig: pytest.Config) -> None:
    text = json.dumps(json_schema(), indent=2) + "\n"
    assert SCHEMA_FILE.read_text(encoding="utf-8") == text, (
        "schemas/verdict.schema.json is out of step; write it again with "
        "`python -m assay.gating.verdict > schemas/verdict.schema.json`"
    )
