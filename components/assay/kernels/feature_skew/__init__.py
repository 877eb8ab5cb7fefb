"""Feature skew: two data sets joined by an id, compared feature by feature, as TFDV's `DetectFeatureSkew` does."""

from __future__ import annotations

from assay.kernels.feature_skew.detection import detect_feature_skew
from assay.kernels.feature_skew.options import FeatureSkewOptions
from assay.kernels.feature_skew.report import ConfusionCount, FeatureSkew, FeatureSkewReport, MatchStats, SkewPair

__all__ = [
    "ConfusionCount",
    "FeatureSkew",
    "FeatureSkewOptions",
    "FeatureSkewReport",
    "MatchStats",
    "SkewPair",
    "detect_feature_skew",
]
