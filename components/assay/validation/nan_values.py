"""NaN in features that must have values: TFDV counts NaN as a value, and takes 0 for the extremes of a column of NaN.

See docs/decisions/0120-absence-in-statistics.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.distances.drift import features_by_name
from assay.kernels.feature_summary import has_numbers, num_nan
from assay.validation.comparators import validated_features
from assay.validation.evidence import AnomalyEvidence
from assay.validation.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, FeatureNameStatistics

HAS_NAN = "FLOAT_TYPE_HAS_NAN"


def without_extremes_of_nan(dataset: DatasetFeatureStatistics) -> DatasetFeatureStatistics:
    """Return a dataset whose columns of NaN have no extremes, which no domain then judges."""
    if not any(map(_is_only_nan, dataset.features)):
        return dataset
    result = statistics_pb2.DatasetFeatureStatistics()
    result.CopyFrom(dataset)
    for feature in result.features:
        if _is_only_nan(feature):
            feature.num_stats.min = feature.num_stats.max = math.nan
    return result


def nan_findings(
    dataset: DatasetFeatureStatistics,
    schema: Schema,
    environment: str | None,
    reported: Collection[str],
    *,
    is_slice: bool,
) -> Iterator[Finding]:
    """Find features that must have values, and whose values are NaN.

    Args:
        dataset: What is validated.
        schema: The schema.
        environment: The environment.
        reported: Features in which TFDV's core found NaN, because their domain forbids it.
        is_slice: Whether the dataset is a slice: then nothing is an error.
    """
    statistics = features_by_name(dataset)
    for path, feature in validated_features(schema.feature, environment):
        found = statistics.get(path)
        if found is None or path in reported or not found.HasField("num_stats"):
            continue
        count, values = num_nan(found.num_stats), int(found.num_stats.common_stats.tot_num_values)
        presence, share = feature.presence, count / values if values else 0.0
        evidence = AnomalyEvidence(
            observed=share,
            limit=presence.min_fraction or None,
            schema_field=f"feature[{path}].presence",
            count=count,
            share=share,
        )
        if count and count == values and (presence.min_count > 0 or presence.min_fraction > 0):
            yield Finding(
                feature=path,
                type=HAS_NAN,
                severity="warning" if is_slice else "error",
                summary="Only NaN",
                description="The feature must have values, and each of its values is NaN.",
                evidence=evidence,
                name="only_nan",
            )
        elif count and 1.0 - share < presence.min_fraction:
            yield Finding(
                feature=path,
                type=HAS_NAN,
                severity="warning",
                summary="NaN among the values",
                description=(
                    f"{1.0 - share:.4g} of the values are numbers, and presence.min_fraction is "
                    f"{presence.min_fraction:g}. To make NaN an error, set float_domain {{ disallow_nan: true }}."
                ),
                evidence=evidence,
                name="nan",
            )


def _is_only_nan(feature: FeatureNameStatistics) -> bool:
    numbers = feature.num_stats
    return feature.HasField("num_stats") and numbers.common_stats.tot_num_values > 0 and not has_numbers(numbers)
