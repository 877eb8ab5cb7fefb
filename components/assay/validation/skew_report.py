"""What a comparison of two datasets looks for, and what it found: the fields of TFDV's `feature_skew_results.proto`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSkew:
    """One feature over all compared pairs.

    Attributes:
        feature_name: The feature.
        base_count: Pairs whose base example has values.
        test_count: Pairs whose test example has values.
        match_count: Pairs with the same values, or with an empty list on both sides.
        base_only: Pairs with values in the base example only.
        test_only: Pairs with values in the test example only.
        mismatch_count: Pairs with different values.
    """

    feature_name: str
    base_count: int = 0
    test_count: int = 0
    match_count: int = 0
    base_only: int = 0
    test_only: int = 0
    mismatch_count: int = 0

    @property
    def diff_count(self) -> int:
        """Pairs that do not agree."""
        return self.base_only + self.test_only + self.mismatch_count


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchStats:
    """How the ids of the two datasets meet.

    Attributes:
        base_with_id_count: Base examples with a whole id.
        test_with_id_count: Test examples with a whole id.
        identifiers_count: Distinct ids.
        ids_missing_in_base_count: Ids that no base example has.
        ids_missing_in_test_count: Ids that no test example has.
        matching_pairs_count: Pairs of a base and a test example of one id.
        duplicate_id_count: Ids that several examples of one dataset have.
        base_missing_id_count: Base examples that lack an identifier feature.
        test_missing_id_count: Test examples that lack an identifier feature.
    """

    base_with_id_count: int = 0
    test_with_id_count: int = 0
    identifiers_count: int = 0
    ids_missing_in_base_count: int = 0
    ids_missing_in_test_count: int = 0
    matching_pairs_count: int = 0
    duplicate_id_count: int = 0
    base_missing_id_count: int = 0
    test_missing_id_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewPair:
    """Two examples of one id that differ.

    Attributes:
        base: The base example, without its missing features.
        test: The test example, without its missing features.
        base_only_features: Features with values in the base example only.
        test_only_features: Features with values in the test example only.
        matched_features: Features that agree.
        mismatched_features: Features with different values.
    """

    base: dict[str, Any]
    test: dict[str, Any]
    base_only_features: tuple[str, ...] = ()
    test_only_features: tuple[str, ...] = ()
    matched_features: tuple[str, ...] = ()
    mismatched_features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionCount:
    """How often a value in a base example meets another in its test example.

    Attributes:
        feature_name: The feature.
        base: The base value; None where missing (TFDV writes `__MISSING_VALUE__`).
        test: The test value; None where missing.
        count: Pairs.
    """

    feature_name: str
    base: str | int | None
    test: str | int | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSkewReport:
    """Everything that a comparison found.

    Attributes:
        features: Each feature that some compared pair has, by name.
        match_stats: How the ids meet.
        pairs: Skewed pairs, as many as asked for.
        confusion: Counts of pairs of values, by feature, the most frequent first.
    """

    features: tuple[FeatureSkew, ...]
    match_stats: MatchStats
    pairs: tuple[SkewPair, ...] = ()
    confusion: tuple[ConfusionCount, ...] = ()

    @property
    def skewed(self) -> tuple[FeatureSkew, ...]:
        """The features that differ in some pair."""
        return tuple(feature for feature in self.features if feature.diff_count)

    @property
    def ok(self) -> bool:
        """Whether pairs were compared, and no feature differs; ids that are left out as duplicates make no pairs."""
        return bool(self.features) and not self.skewed


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
