"""What people decide about a schema: patches, differences, contradictions, suggestions.

A schema that TFDV infers says what one dataset looked like. What must hold is for people to decide, and their
decisions are kept apart from the inference, as a [`Patch`][assay.schema.patch.Patch]: it is applied again to whatever
is inferred next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lazy import lazy_names

if TYPE_CHECKING:
    from assay.schema.application import Application, EntryOutcome, apply, apply_with_report
    from assay.schema.compatibility import Change, diff
    from assay.schema.contradictions import Contradiction, check, check_text
    from assay.schema.differences import patch_from
    from assay.schema.editor import SchemaEditor
    from assay.schema.feature_editor import FeatureEditor
    from assay.schema.patch import Entry, Patch, format_patch, parse_patch, read_patch
    from assay.schema.relaxation import Relaxation, relax
    from assay.schema.suggestions import SuggestOptions, suggest

# Looked up when first used: `assay schema diff` needs no statistics, and `check` no YAML.
_HOME = {
    "Application": ".application",
    "Change": ".compatibility",
    "Entry": ".patch",
    "FeatureEditor": ".feature_editor",
    "Contradiction": ".contradictions",
    "EntryOutcome": ".application",
    "Patch": ".patch",
    "Relaxation": ".relaxation",
    "SchemaEditor": ".editor",
    "SuggestOptions": ".suggestions",
    "apply": ".application",
    "apply_with_report": ".application",
    "check": ".contradictions",
    "check_text": ".contradictions",
    "diff": ".compatibility",
    "format_patch": ".patch",
    "parse_patch": ".patch",
    "patch_from": ".differences",
    "read_patch": ".patch",
    "relax": ".relaxation",
    "suggest": ".suggestions",
}

__all__ = [
    "Application",
    "Change",
    "Contradiction",
    "Entry",
    "EntryOutcome",
    "FeatureEditor",
    "Patch",
    "Relaxation",
    "SchemaEditor",
    "SuggestOptions",
    "apply",
    "apply_with_report",
    "check",
    "check_text",
    "diff",
    "format_patch",
    "parse_patch",
    "patch_from",
    "read_patch",
    "relax",
    "suggest",
]


__getattr__ = lazy_names(__name__, _HOME)
