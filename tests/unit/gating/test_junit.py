"""A verdict as JUnit XML: every check a test, and what blocks a failure."""

from __future__ import annotations

from typing import get_args
from xml.etree import ElementTree as ET

import pytest

from assay.gating.junit import to_junit
from assay.gating.verdict import Check, Severity, Verdict


def test_every_check_is_a_test() -> None:
    checks = (
        Check(
            id="auc@s=\x00<é>", kind="value_threshold", ok=False, subject="auc", slice="s=\x00<é>", sentence="auc is 0."
        ),
        Check(id="2", kind="value_threshold", ok=False, severity="warning", subject="auc", sentence="Waived."),
        Check(id="3", kind="change_threshold", ok=True, applied=False, subject="auc", sentence="No baseline."),
        Check(id="4", kind="value_threshold", ok=True, subject="auc", limit_origin="here", sentence="Fine."),
    )
    suite = ET.fromstring(to_junit(Verdict(ok=False, summary="No.", checks=checks)))[0]
    assert suite.attrib == {"name": "assay gate", "tests": "4", "failures": "1", "errors": "0", "skipped": "1"}
    assert [[part.tag for part in case] for case in suite] == [["failure"], ["system-out"], ["skipped"], ["system-out"]]
    assert [case.attrib for case in suite][::3] == [
        {"classname": "value_threshold", "name": "auc@s=\\u0000<é>"},
        {"classname": "value_threshold", "name": "4"},
    ]


@pytest.mark.parametrize(("fail_on", "failures"), [("error", 1), ("warning", 2), ("never", 0)])
def test_a_failure_is_what_closes_the_gate(fail_on: str, failures: int) -> None:
    checks = tuple(
        Check(id=severity, kind="anomaly", ok=False, severity=severity, subject="fare", sentence="Too high.")
        for severity in get_args(Severity)
    )
    suite = ET.fromstring(to_junit(Verdict(ok=False, summary="No.", checks=checks, policy={"fail_on": fail_on})))[0]
    assert (suite.get("failures"), len(suite.findall("testcase/failure"))) == (str(failures), failures)
