"""A verdict as JUnit XML, which CI systems show."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from assay.artifacts.store import write_durably
from assay.display import visible

if TYPE_CHECKING:
    from pathlib import Path

    from assay.gating.verdict import Check, Verdict

_CLOSING = {"error": {"error"}, "warning": {"error", "warning"}, "never": set[str]()}


def write_junit(path: Path, verdict: Verdict, suite: str) -> None:
    """Writes a verdict as JUnit XML, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, junit_xml(verdict, suite))


def junit_xml(verdict: Verdict, suite_name: str = "assay validate") -> bytes:
    """A test case for each check. A finding below `fail_on` passes, and says what was found in its output."""
    closing = _CLOSING[verdict.policy["fail_on"]]
    failures = [check for check in verdict.failed if check.severity in closing]
    counts = {"tests": str(len(verdict.checks)), "failures": str(len(failures)), "errors": "0", "skipped": "0"}
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": suite_name, **counts})
    for check in verdict.checks:
        _add_case(suite, check, fails=not check.ok and check.severity in closing)
    ET.indent(suites)
    return bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add_case(suite: ET.Element, check: Check, *, fails: bool) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": visible(check.slice), "name": visible(check.id)})
    if fails:
        attributes = {
            "type": visible(str(check.details.get("anomaly_type", check.kind))),
            "message": visible(check.sentence),
        }
        ET.SubElement(case, "failure", attributes).text = visible(check.sentence)
    elif not check.ok:
        ET.SubElement(case, "system-out").text = visible(f"[{check.severity}] {check.sentence}")
