"""Waived failures are shown, named and dated; they count again when the date is past."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assay.errors import UsageError
from assay.gating.decision import decide
from assay.gating.metric_values import Figures, MetricKey
from assay.gating.thresholds import MetricBound
from assay.gating.verdict import Verdict
from assay.gating.waivers import Waiver, read_waivers, waive
from raising import raises

KEY = MetricKey(name="auc")
WAIVER = Waiver(check="auc", who="ann", why="the sensor is being replaced", expires=date(2026, 3, 31))


def verdict(*waivers: Waiver, today: date = date(2026, 3, 1), value: float = 0.5) -> Verdict:
    limit = MetricBound(metric=KEY, slicing=None, bound="lower", value=0.7, origin="here")
    return decide([limit], Figures(candidate={(): {KEY: value}}), waived=lambda points: waive(points, waivers, today))


def test_a_waived_failure_is_a_warning_that_names_its_owner() -> None:
    found = verdict(WAIVER)
    [check] = found.failed
    assert found.ok
    assert found.summary == "Blessed: 0 checks passed, 1 failed and waived."
    assert check.severity == "warning"
    assert "Waived by ann until 2026-03-31: the sensor is being replaced" in check.sentence


def test_it_counts_again_when_the_date_is_past() -> None:
    assert verdict(WAIVER, today=date(2026, 3, 31)).ok
    found = verdict(WAIVER, today=date(2026, 4, 1))
    assert not found.ok
    assert any("expired on 2026-03-31" in check.sentence for check in found.checks)


def test_it_covers_its_own_check_only() -> None:
    assert not verdict(Waiver(check="auc", slice="side=a", who="a", why="b", expires=date(2027, 1, 1))).ok
    assert verdict(Waiver(check="auc@Overall:here", who="a", why="b", expires=date(2027, 1, 1))).ok


def test_one_that_covers_nothing_is_noted() -> None:
    found = verdict(WAIVER, value=0.9)
    assert found.ok
    assert any("remove it" in check.sentence for check in found.checks)


def test_missing_data_cannot_be_waived() -> None:
    waiver = Waiver(check="evaluation", slice="", who="a", why="b", expires=date(2027, 1, 1))
    found = decide([], Figures(candidate={}), waived=lambda points: waive(points, [waiver], date(2026, 1, 1)))
    assert not found.ok


def test_they_are_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text("- {check: auc, slice: side=a, who: ann, why: known, expires: 2026-03-31}\n")
    assert read_waivers(path) == (
        Waiver(check="auc", slice="side=a", who="ann", why="known", expires=date(2026, 3, 31)),
    )
    path.write_text("")
    assert read_waivers(path) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- {check: auc, who: ann, why: known}", ("waivers.format", "expires")),
        ("- {check: auc, who: ann, why: known, expires: soon}", ("waivers.format",)),
        ("- {check: auc, who: ' ', why: known, expires: 2026-03-31}", ("waivers.unsigned",)),
        ("- {check: auc, who: a, why: b, expires: 2026-03-31, slices: x}", ("waivers.format", "slices")),
        ("check: [", ("waivers.format",)),
    ],
)
def test_an_incomplete_waiver_is_refused(text: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    with raises(*expected):
        read_waivers(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with raises("waivers.file", kind=UsageError):
        read_waivers(tmp_path / "none.yaml")
