"""What a view gives for an artifact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.reports.blocks import Pill, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The part of a page that depends on the artifact's type.

    Attributes:
        sections: What it holds.
        summary: The outcome in a sentence.
        status: The outcome in a word.
        title: The page's heading; the step and output that made it, by default.
    """

    sections: Sequence[Section] = ()
    summary: str = ""
    status: Pill | None = None
    title: str = ""
