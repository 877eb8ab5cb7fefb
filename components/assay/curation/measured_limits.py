"""Limits that the core does not widen from statistics alone: distances from other data, and numbers of examples."""

from __future__ import annotations

from typing import Any, Final

from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
from tensorflow_metadata.proto.v0.schema_pb2 import Schema

from assay.curation.subjects import Subject, index
from assay.kernels.feature_path import path_of

_METRICS: Final = {
    "COMPARATOR_L_INFTY_HIGH": ("L_INFTY", "infinity_norm"),
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": ("JENSEN_SHANNON_DIVERGENCE", "jensen_shannon_divergence"),
    "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH": ("NORMALIZED_ABSOLUTE_DIFFERENCE", "normalized_abs_difference"),
}


def set_measured_limit(
    schema: Schema, name: str, kind: str, anomalies: Anomalies, num_examples: int, dataset: str
) -> None:
    """Sets, in `schema`, the limit that an anomaly broke to what was measured; other anomalies leave it as it is."""
    if name == dataset:
        if kind == "DATASET_LOW_NUM_EXAMPLES":
            schema.dataset_constraints.min_examples_count = num_examples
        elif kind == "DATASET_HIGH_NUM_EXAMPLES":
            schema.dataset_constraints.max_examples_count = num_examples
    elif kind in _METRICS:
        place = index(schema).get(Subject("feature", name))
        if place is not None:
            _raise_thresholds(place.message, name, kind, anomalies)


def _raise_thresholds(feature: Any, name: str, kind: str, anomalies: Anomalies) -> None:
    measure, metric = _METRICS[kind]
    for info in anomalies.drift_skew_info:
        if path_of(info) != name:
            continue
        for comparator, measurements in (
            ("drift_comparator", info.drift_measurements),
            ("skew_comparator", info.skew_measurements),
        ):
            for found in measurements:
                if type(found).Type.Name(found.type) == measure and found.value > found.threshold:
                    getattr(getattr(feature, comparator), metric).threshold = found.value
