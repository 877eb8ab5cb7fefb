"""What people decide about a schema: patches, differences, contradictions, suggestions.

A schema that TFDV infers says what one data set looked like. What must hold is for people to decide, and their
decisions are kept apart from the inference, as a [`Patch`][assay.curation.patch.Patch]: it is applied again to whatever
is inferred next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lazy import lazy_names

if TYPE_CHECKING:
    from assay.curation.application import Application, Outcome, apply, apply_with_report
    from assay.curation.compatibility import Change, diff
    from assay.curation.contradictions import check, check_text
    from assay.curation.differences import patch_from
    from assay.curation.editor import SchemaEditor
    from assay.curation.feature_editor import FeatureEditor
    from assay.curation.findings import Finding
    from assay.curation.patch import Entry, Patch
    from assay.curation.patch_file import format_patch, parse_patch, read_patch
    from assay.curation.relaxation import Relaxation, relax
    from assay.curation.suggest_options import SuggestOptions
    from assay.curation.suggestions import suggest

# Looked up when first used: `assay schema diff` needs no statistics, and `check` no YAML.
_HOME = {
    "Application": ".application",
    "Change": ".compatibility",
    "Entry": ".patch",
    "FeatureEditor": ".feature_editor",
    "Finding": ".findings",
    "Outcome": ".application",
    "Patch": ".patch",
    "Relaxation": ".relaxation",
    "SchemaEditor": ".editor",
    "SuggestOptions": ".suggest_options",
    "apply": ".application",
    "apply_with_report": ".application",
    "check": ".contradictions",
    "check_text": ".contradictions",
    "diff": ".compatibility",
    "format_patch": ".patch_file",
    "parse_patch": ".patch_file",
    "patch_from": ".differences",
    "read_patch": ".patch_file",
    "relax": ".relaxation",
    "suggest": ".suggestions",
}

__all__ = [
    "Application",
    "Change",
    "Entry",
    "FeatureEditor",
    "Finding",
    "Outcome",
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
