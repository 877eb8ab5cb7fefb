"""Bounds that no data can meet, or that say nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from assay.curation.findings import Finding
from assay.curation.leaves import leaves
from assay.curation.subjects import Place, own_fields

_PAIRS: Final = (
    ("min", "max"),
    ("int_domain.min", "int_domain.max"),
    ("float_domain.min", "float_domain.max"),
    ("value_count.min", "value_count.max"),
    ("unique_constraints.min", "unique_constraints.max"),
    ("dataset_constraints.min_examples_count", "dataset_constraints.max_examples_count"),
    *(
        (f"dataset_constraints.{name}.min_fraction_threshold", f"dataset_constraints.{name}.max_fraction_threshold")
        for name in ("num_examples_drift_comparator", "num_examples_version_comparator")
    ),
    (
        "natural_language_domain.sequence_length_constraints.min_sequence_length",
        "natural_language_domain.sequence_length_constraints.max_sequence_length",
    ),
)

_SHARES: Final = (
    "presence.min_fraction",
    "distribution_constraints.min_domain_mass",
    "image_domain.minimum_supported_image_fraction",
    "natural_language_domain.coverage.min_coverage",
    *(
        f"{comparator}.{metric}.threshold"
        for comparator in ("skew_comparator", "drift_comparator")
        for metric in ("infinity_norm", "jensen_shannon_divergence")
    ),
)
"""Shares of a whole, and distances that lie between 0 and 1."""

_COUNTS: Final = (
    "presence.min_count",
    "value_count.min",
    "unique_constraints.min",
    "dataset_constraints.min_examples_count",
    *(f"{comparator}.normalized_abs_difference.threshold" for comparator in ("skew_comparator", "drift_comparator")),
)


def impossible_bounds(place: Place) -> Iterator[Finding]:
    """Finds ranges that are empty, shares outside 0 to 1, negative counts, and values that are listed twice."""
    found = leaves(own_fields(place.message))
    subject = place.subject

    def error(code: str, path: str, sentence: str) -> Finding:
        text = f"{subject}: {sentence}"
        return Finding(code=code, severity="error", subject=subject, path=path, sentence=f"{text[0].upper()}{text[1:]}")

    for low, high in _PAIRS:
        if _is_number(found.get(low)) and _is_number(found.get(high)) and found[low] > found[high]:
            yield error("range_is_empty", low, f"{low} is {found[low]}, above {high}, {found[high]}: nothing fits.")
    for path in _SHARES:
        if _is_number(found.get(path)) and not 0 <= found[path] <= 1:
            yield error("not_a_share", path, f"{path} is {found[path]}; it lies between 0 and 1.")
    for path in _COUNTS:
        if _is_number(found.get(path)) and found[path] < 0:
            yield error("negative", path, f"{path} is {found[path]}; it cannot be negative.")
    for path, value in found.items():
        if isinstance(value, float) and math.isnan(value):
            yield error("not_a_number", path, f"{path} is NaN, with which nothing compares.")
    yield from _repeated_values(place, found)
    yield from _counts_in_lists(place)


def _repeated_values(place: Place, found: dict[str, Any]) -> Iterator[Finding]:
    for path, value in found.items():
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            continue
        for item in sorted({item for item in value if value.count(item) > 1}):
            text = f"{place.subject}: {path} lists '{item}' twice."
            yield Finding(
                code="value_twice",
                severity="warning",
                subject=place.subject,
                path=path,
                sentence=f"{text[0].upper()}{text[1:]}",
            )


def _counts_in_lists(place: Place) -> Iterator[Finding]:
    message = place.message
    if place.subject.kind != "feature":
        return
    for bounds in message.value_counts.value_count:
        if bounds.HasField("min") and bounds.HasField("max") and bounds.min > bounds.max:
            yield Finding(
                code="range_is_empty",
                severity="error",
                subject=place.subject,
                path="value_counts",
                sentence=f"Feature '{place.subject.name}': value_counts asks for {bounds.min} to {bounds.max} values.",
            )
    if any(dim.HasField("size") and dim.size < 0 for dim in message.shape.dim):
        yield Finding(
            code="negative",
            severity="error",
            subject=place.subject,
            path="shape",
            sentence=f"Feature '{place.subject.name}': shape has a dimension of negative size.",
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
