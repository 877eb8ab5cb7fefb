"""Which number is which class, for whoever reads a verdict."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from assay.gating.verdict import Check, Verdict

if TYPE_CHECKING:
    from assay.components.evaluator.kernel_engine.named_rows import Naming

CLASSES: Final = "classes"
"""The kind of check that says which number is which class."""

_CLASS_ID = re.compile(r"classId:(\d+)")


def told_by_name(verdict: Verdict, naming: Naming | None) -> Verdict:
    """Gives the verdict; where classes have names, with these in sentences and a check that lists them by number.

    What names a check stays as it is: waivers and histories know checks by that.
    """
    sentence = classes_told(naming)
    if naming is None or sentence is None:
        return verdict
    line = Check(
        id=f"{CLASSES}:{naming.label}",
        kind=CLASSES,
        ok=True,
        applied=False,
        severity="info",
        subject=naming.label or "",
        sentence=sentence,
        details={"classes": list(naming.classes.names)},
    )
    named = [_named(check, naming) for check in verdict.checks]
    summary = verdict.summary  # which quotes the sentence that tells most
    for before, after in zip(verdict.checks, named, strict=True):
        summary = summary.replace(before.sentence, after.sentence)
    return replace(verdict, summary=summary, checks=(*named, line))


def classes_told(naming: Naming | None) -> str | None:
    """Gives a sentence with the numbers of classes; None where they have no names but these."""
    if naming is None or naming.classes.are_numbers:
        return None
    return f"The classes of '{naming.label}' by number: {naming.classes.told()}."


def _named(check: Check, naming: Naming) -> Check:
    names = naming.classes.names

    def with_name(found: re.Match[str]) -> str:
        number = int(found[1])
        return f"{found[0]} ({names[number]})" if number < len(names) else found[0]

    return replace(check, sentence=check.sentence.replace(check.subject, _CLASS_ID.sub(with_name, check.subject)))
