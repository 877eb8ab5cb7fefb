"""A verdict as JUnit XML, which every CI server shows as tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from assay.display import visible

if TYPE_CHECKING:
    from assay.gating.verdict import Check, Verdict


def to_junit(verdict: Verdict, *, name: str = "assay gate") -> bytes:
    """Gives a test suite with a test for each check; a failure for what blocks, and skipped for what did not apply."""
    blocking = [check for check in verdict.checks if not check.ok and check.severity == "error"]
    skipped = [check for check in verdict.checks if check.ok and not check.applied]
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(verdict.checks)),
        failures=str(len(blocking)),
        errors="0",
        skipped=str(len(skipped)),
    )
    for check in verdict.checks:
        _add(suite, check)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add(suite: ET.Element, check: Check) -> None:
    title = f"{check.subject} on {check.slice}" if check.slice else check.subject
    where = check.limit_origin or check.kind
    case = ET.SubElement(suite, "testcase", name=visible(f"{title} ({where})"), classname=f"gate.{check.kind}")
    sentence = visible(check.sentence)
    if not check.ok and check.severity == "error":
        ET.SubElement(case, "failure", message=sentence, type=check.kind).text = sentence
    elif check.ok and not check.applied:
        ET.SubElement(case, "skipped", message=sentence)
    else:
        ET.SubElement(case, "system-out").text = sentence
