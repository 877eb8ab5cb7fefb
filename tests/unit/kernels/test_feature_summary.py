"""A feature in a line, whatever its cells hold."""

from __future__ import annotations

from assay.kernels.feature_summary import FeatureSummary


def test_a_long_value_is_shown_by_its_beginning() -> None:
    feature = FeatureSummary(
        feature="note", type="STRING", present=1, missing=0.0, unique=1, top="x" * 3_000_000, top_count=1
    )
    assert str(feature).endswith("most frequent 'xxx" + "x" * 57 + "… (3,000,000 characters)' (1)")
    assert feature.as_dict()["top"] == "x" * 3_000_000
