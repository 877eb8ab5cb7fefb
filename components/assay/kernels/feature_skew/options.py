"""What to compare, and by which id."""

from __future__ import annotations

from dataclasses import dataclass

from assay.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSkewOptions:
    """Options of `detect_feature_skew`, with the names and defaults of TFDV's.

    Attributes:
        identifier_features: Features that together name an example; they are not compared.
        features_to_ignore: Features that are not compared.
        sample_size: How many skewed pairs to show: the first ones, where TFDV takes any.
        float_round_ndigits: Digits after the decimal point to which numbers are rounded where they differ, ids too.
        allow_duplicate_identifiers: Whether examples that share an id are compared, each with each; else they are
            counted and left out.
        confusion_features: Features whose pairs of values are counted.
    """

    identifier_features: tuple[str, ...]
    features_to_ignore: tuple[str, ...] = ()
    sample_size: int = 0
    float_round_ndigits: int | None = None
    allow_duplicate_identifiers: bool = False
    confusion_features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.identifier_features:
            raise UsageError("feature_skew.no_identifier", "Expected at least one identifier feature, found none.")
        if self.sample_size < 0:
            raise UsageError(
                "feature_skew.sample_size", f"Expected a sample size of 0 or more, got {self.sample_size}."
            )
