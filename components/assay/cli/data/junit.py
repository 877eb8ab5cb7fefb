"""A verdict as JUnit XML, which CI systems show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from assay.artifacts.store import write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from assay.gating.verdict import Check, Verdict

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
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
    case = ET.SubElement(suite, "testcase", {"classname": _clean(check.slice), "name": _clean(check.id)})
    if fails:
        attributes = {
            "type": _clean(str(check.details.get("anomaly_type", check.kind))),
            "message": _clean(check.sentence),
        }
        ET.SubElement(case, "failure", attributes).text = _clean(check.sentence)
    elif not check.ok:
        ET.SubElement(case, "system-out").text = _clean(f"[{check.severity}] {check.sentence}")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
