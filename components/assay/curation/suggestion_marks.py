"""How a schema shows that a suggestion stands in it: a tag, and a comment with the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from assay.curation.patch import Entry

TAG: Final = "assay.suggested"
"""The tag on a feature or schema that holds a suggestion which nobody has accepted yet."""


def mark(message: Any, entry: Entry) -> None:
    """Tags what an entry changed, and says by what evidence; a second time changes nothing."""
    if "annotation" not in message.DESCRIPTOR.fields_by_name:
        return
    if TAG not in message.annotation.tag:
        message.annotation.tag.append(TAG)
    comment = f"Suggested: {entry.reason}{_evidence(entry)}"
    if comment not in message.annotation.comment:
        message.annotation.comment.append(comment)


def _evidence(entry: Entry) -> str:
    if not entry.evidence:
        return ""
    return f" ({', '.join(f'{name} = {value}' for name, value in entry.evidence.items())})"
