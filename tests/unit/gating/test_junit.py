"""A verdict as JUnit XML: every check a test, and what blocks a failure."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from assay.gating.junit import to_junit
from assay.gating.verdict import Check, Verdict


def test_every_check_is_a_test() -> None:
    checks = (
        Check(id="1", kind="value_threshold", ok=False, subject="auc", slice="s=\x00<é>", sentence="auc is 0."),
        Check(id="2", kind="value_threshold", ok=False, severity="warning", subject="auc", sentence="Waived."),
        Check(id="3", kind="change_threshold", ok=True, applied=False, subject="auc", sentence="No baseline."),
        Check(id="4", kind="value_threshold", ok=True, subject="auc", limit_origin="here", sentence="Fine."),
    )
    suite = ET.fromstring(to_junit(Verdict(ok=False, summary="No.", checks=checks)))[0]
    assert suite.attrib == {"name": "assay gate", "tests": "4", "failures": "1", "errors": "0", "skipped": "1"}
    assert [[part.tag for part in case] for case in suite] == [["failure"], ["system-out"], ["skipped"], ["system-out"]]
    assert suite[0].attrib["name"] == "auc on s=\\u0000<é> (value_threshold)"
    assert suite[3].attrib["name"] == "auc (here)"
