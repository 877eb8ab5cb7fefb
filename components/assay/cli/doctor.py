"""`assay doctor`: reports what on this machine does not fit assay, and how to fix it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import Quiet
from assay.cli.diagnosis import Diagnosis, diagnose, look_around

_MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


def doctor(
    root: Annotated[Path, typer.Option(help="Folder that runs write to.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Check Python, glibc, wheels, versions and disk; report problems and their fixes.

    Exit codes: 0 assay works here, with warnings or without, 1 it does not.

    Examples:
      assay doctor
      assay doctor --root /mnt/runs --json
    """
    findings = diagnose(look_around(root.absolute()))
    text = as_text(findings)
    typer.echo(as_document(findings) if as_json else text.rpartition("\n")[2] if quiet else text)
    if not passed(findings):
        raise typer.Exit(1)


def passed(findings: Sequence[Diagnosis]) -> bool:
    """Return whether assay can work: warnings concern a part of it only."""
    return all(finding.status != "problem" for finding in findings)


def as_document(findings: Sequence[Diagnosis]) -> str:
    """Return the findings as a JSON document: `passed`, and the list of `findings` in the order of the checks."""
    document = {"passed": passed(findings), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(document, indent=2)


def as_text(findings: Sequence[Diagnosis]) -> str:
    """Return the findings as lines for a person: what is wrong also says what was expected and what to do."""
    width = max(len(finding.check) for finding in findings)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.status]}  {finding.check:<{width}}  {finding.found}")
        if finding.status != "ok":
            indent = " " * (len(_MARKS["ok"]) + width + 4)
            lines.append(f"{indent}expected: {finding.expected}")
            lines.append(f"{indent}fix:      {finding.remedy}")
    problems = sum(finding.status == "problem" for finding in findings)
    warnings = sum(finding.status == "warning" for finding in findings)
    if problems:
        lines.append(f"\n{_counted(problems, 'problem')}, {_counted(warnings, 'warning')}.")
    elif warnings:
        lines.append(f"\nWorks, with {_counted(warnings, 'warning')}.")
    else:
        lines.append("\nEverything fits.")
    return "\n".join(lines)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
