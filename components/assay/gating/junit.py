"""A verdict as JUnit XML, which every CI server shows as tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from assay.display import visible
from assay.files import write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from assay.gating.verdict import Check, Verdict

_CLOSING = {"error": {"error"}, "warning": {"error", "warning"}, "never": set[str]()}


def write_junit(path: Path, verdict: Verdict, name: str) -> None:
    """Write a verdict as JUnit XML, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, to_junit(verdict, name=name))


def to_junit(verdict: Verdict, *, name: str = "assay gate") -> bytes:
    """Return a test suite with one test per check, named by the check's id, so that CI follows it from run to run.

    A check that closes the gate is a failure: of severity `error`, or what the policy `fail_on` says. A check that did
    not apply is skipped. Any other test has the check's sentence in its output.
    """
    closing = _CLOSING[verdict.policy.get("fail_on", "error")]
    failures = {check.id for check in verdict.failed if check.severity in closing}
    counts = {
        "tests": str(len(verdict.checks)),
        "failures": str(sum(check.id in failures for check in verdict.checks)),
        "errors": "0",
        "skipped": str(sum(check.ok and not check.applied for check in verdict.checks)),
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts})
    for check in verdict.checks:
        _add_case(suite, check, fails=check.id in failures)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add_case(suite: ET.Element, check: Check, *, fails: bool) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": visible(check.kind), "name": visible(check.id)})
    sentence = visible(check.sentence)
    if fails:
        kind = visible(str(check.details.get("anomaly_type", check.kind)))
        ET.SubElement(case, "failure", {"type": kind, "message": sentence}).text = sentence
    elif check.ok and not check.applied:
        ET.SubElement(case, "skipped", {"message": sentence})
    else:
        ET.SubElement(case, "system-out").text = sentence if check.ok else f"[{check.severity}] {sentence}"
