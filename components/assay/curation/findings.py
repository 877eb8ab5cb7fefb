"""What is wrong with a schema: the form of one finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from assay.curation.subjects import Subject

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a schema, or looks as if nobody meant it.

    Attributes:
        code: The kind of finding, such as `range_is_empty`.
        severity: `error` where validation would refuse data that is right, pass data that is wrong, or ignore what the
            schema says; else `warning`.
        subject: What it is about.
        path: The field, such as `int_domain.min`; empty for the subject as a whole.
        sentence: The finding in words, with what to do.
        line: Its line in the file, from 1; None where the schema does not come from text.
    """

    code: str
    severity: Severity
    subject: Subject
    path: str = ""
    sentence: str
    line: int | None = None
