"""Slices, metrics, checks and waivers are told apart by what they are, not by what they are called."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from assay.engines.embedded.engine import EmbeddedEngine
from assay.errors import UsageError
from assay.evaluation.decision import Rules
from assay.evaluation.judgement import Tables, judge
from assay.gating.junit import to_junit
from assay.gating.markdown import to_markdown
from assay.gating.verdict import Check, Verdict
from assay.gating.waivers import Waiver
from assay.kernels.metrics.slices import is_value
from raising import raises

SPECS = [{"label_key": "label", "prediction_key": "score"}]


def accuracy(bound: float = 0.5, **config: Any) -> dict[str, Any]:
    threshold = {"value_threshold": {"lower_bound": bound}}
    return {"class_name": "BinaryAccuracy", "threshold": threshold, "config": config}


def verdict(
    table: dict[str, Any], *waivers: Waiver, metrics: list[dict[str, Any]] | None = None, **config: Any
) -> Verdict:
    spec = {"metrics": metrics or [accuracy()]} | config.pop("spec", {})
    given = {"model_specs": SPECS, "metrics_specs": [spec]} | config
    rules = Rules(waivers=waivers, today=date(2026, 1, 1))
    return judge(Tables(config=given, predictions=pa.table(table)), EmbeddedEngine(), rules).verdict


def held(found: Verdict) -> list[Check]:
    return [check for check in found.checks if check.kind == "value_threshold"]


def waiver(**fields: Any) -> Waiver:
    return Waiver(**{"check": "binary_accuracy", "who": "ann", "why": "known", "expires": date(2026, 6, 1)} | fields)


def test_a_value_that_looks_like_a_cross_hides_no_slice() -> None:
    slicing = [{"feature_keys": ["campaign"]}, {"feature_keys": ["campaign", "region"]}]
    table = {
        "label": [1, 1, 1, 1],
        "score": [0.9, 0.9, 0.1, 0.9],
        "campaign": ["spring&region=north", "spring&region=north", "spring", "spring"],
        "region": ["north", "south", "north", "south"],
    }
    found = verdict(table, slicing_specs=slicing)
    assert [check.slice for check in held(found) if not check.ok] == ["campaign=spring&region=north"]
    assert len({check.id for check in held(found)}) == len(held(found)) == 6


def test_a_waiver_of_one_is_not_a_waiver_of_the_other() -> None:
    slicing = [{"feature_keys": ["a"]}, {"feature_keys": ["a", "b"]}]
    table = {"label": [1, 1], "score": [0.1, 0.9], "a": ["x&b=y", "x"], "b": ["z", "y"]}
    one = waiver(slice={"a": "x&b=y"})
    found = verdict(table, one, slicing_specs=slicing)
    assert [check.slice for check in found.failed if "waiver" in check.details] == ['a="x&b=y"']
    assert verdict(table, waiver(slice='a="x&b=y"'), slicing_specs=slicing).failed[0].severity == "warning"
    assert verdict(table, waiver(slice="a=x&b=y"), slicing_specs=slicing).failed[0].severity == "error"


def test_a_metric_with_and_without_weights_is_two() -> None:
    table = {"label": [1, 1, 1], "score": [0.9, 0.1, 0.1], "weight": [9.0, 0.5, 0.5]}
    both = {"example_weights": {"weighted": True, "unweighted": True}}
    found = verdict(table, model_specs=[{**SPECS[0], "example_weight_key": "weight"}], spec=both)
    assert {check.subject: check.ok for check in held(found)} == {
        "binary_accuracy [weighted]": True,
        "binary_accuracy [unweighted]": False,
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"class_name": "Recall"}, {"class_name": "Recall", "config": {"thresholds": [0.9]}}),
        ({"class_name": "AUC"}, {"class_name": "AUC", "config": {"curve": "PR"}}),
        (
            {"class_name": "Recall", "config": {"top_k": 1}},
            {"class_name": "Recall", "config": {"top_k": 1, "thresholds": 0.9}},
        ),
        ({"class_name": "Recall", "config": {"name": "x"}}, {"class_name": "Precision", "config": {"name": "x"}}),
        ({"class_name": "BinaryCrossEntropy"}, {"class_name": "BinaryCrossentropy"}),
    ],
)
def test_two_metrics_of_one_name_are_refused(one: dict[str, Any], other: dict[str, Any]) -> None:
    table = {"label": [1, 0], "score": [[0.1, 0.9], [0.8, 0.2]] if "top_k" in str(one) else [0.6, 0.2]}
    with raises("eval_config.same_name", "metrics[1]", kind=UsageError):
        verdict(table, metrics=[one, other])


def test_one_metric_that_is_written_twice_is_one() -> None:
    found = verdict({"label": [1], "score": [0.6]}, metrics=[accuracy(0.5), accuracy(0.9, threshold=0.5)])
    assert [check.limit for check in held(found)] == [0.5, 0.9]


@pytest.mark.parametrize(
    ("value", "wanted", "same"),
    [
        (7, "7", True),
        (7, "7.0", True),
        (7, "07", False),
        (7, "1_0", False),
        (10, "1_0", False),
        ("07", "07", True),
        ("07", "7", False),
        ("1e3", "1000", False),
        ("7", 7, False),
        (2**53 + 1, str(2**53), False),
        (0.1, "0.1", True),
        (0.1, 0.1, True),
        (True, "true", True),
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (False, "true", False),
        ("true", "True", False),
        ("2026-01-31", "2026-01-31", True),
    ],
)
def test_the_type_of_a_slices_value_decides_what_names_it(value: Any, wanted: Any, *, same: bool) -> None:
    assert is_value(value, wanted) is same


@pytest.mark.parametrize(
    ("column", "named", "matched"),
    [
        ([7, 8], "n=7", True),
        ([7, 8], {"n": 7}, True),
        ([7, 8], "n=07", False),
        (["07", "8"], "n=07", True),
        (["07", "8"], {"n": 7}, False),
        ([0.1, 0.2], {"n": 0.1}, True),
        ([True, False], {"n": True}, True),
        ([b"x\xff", b"x\xfe"], 'n="x\\udcff"', True),
        ([b"x\xff", b"x\xfe"], 'n="x\\udcfe"', False),
        ([date(2026, 1, 31), date(2026, 2, 1)], "n=2026-01-31", True),
    ],
)
def test_a_waiver_covers_the_slice_of_its_type_or_says_that_it_covers_none(
    column: list[Any], named: Any, *, matched: bool
) -> None:
    table = {"label": [1, 1], "score": [0.1, 0.9], "n": column}
    found = verdict(table, waiver(slice=named), slicing_specs=[{"feature_keys": ["n"]}])
    notes = [check for check in found.checks if check.kind == "waiver"]
    assert found.ok is matched
    if named != 'n="x\\udcfe"':
        assert bool(notes) is not matched
        assert matched or "matches no check" in notes[0].sentence


def test_bytes_that_are_not_text_are_slices_of_their_own() -> None:
    found = verdict(
        {"label": [1, 1], "score": [0.1, 0.9], "n": [b"\xff", b"\xfe"]}, slicing_specs=[{"feature_keys": ["n"]}]
    )
    assert {check.slice: check.ok for check in held(found)} == {'n="\\udcff"': False, 'n="\\udcfe"': True}


def test_no_report_shows_what_a_value_would_forge() -> None:
    forged = "x\n  ok  all\nBlessed: 9 checks passed.\n::error::forged\x1b[2J\u202e"
    found = verdict({"label": [1], "score": [0.1], "n": [forged]}, slicing_specs=[{"feature_keys": ["n"]}])
    for text in (found.summary, to_markdown(found), to_junit(found).decode()):
        assert not any(line.lstrip().startswith(("::", "Blessed", "ok")) for line in text.splitlines())
        assert not {"\x1b", "\u202e"} & set(text)
