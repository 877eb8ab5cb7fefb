"""The figures that a gate judges: one number for each metric, slice and model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from assay.display import pair_name, visible
from assay.display import slice_name as name_of_pairs

SliceValue: TypeAlias = str | int | float
SliceKey: TypeAlias = tuple[tuple[str, SliceValue], ...]
"""A slice as (feature, value) pairs; the empty tuple is the whole data."""

OVERALL: SliceKey = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricKey:
    """What TFMA tells one metric from another by, the model aside.

    Attributes:
        name: TFMA's name of the metric, such as `binary_accuracy`.
        output_name: The output of a model that has several.
        sub_key: A class or rank as TFMA writes it: `classId:1`, `k:1` or `topK:3`.
        aggregation: `micro`, `macro` or `weighted_macro`.
        example_weighted: Whether examples count by their weight; None for a metric computed inside the model.
        marks_weight: Whether the label says so, because the configuration asks for both. Not part of the identity.
    """

    name: str
    output_name: str = ""
    sub_key: str = ""
    aggregation: str = ""
    example_weighted: bool | None = False
    marks_weight: bool = field(default=False, compare=False)

    @property
    def label(self) -> str:
        """The name for people: `auc`, or `precision [topK:3, micro]` where the name alone would not tell."""
        weighting = ("weighted" if self.example_weighted else "unweighted") if self.marks_weight else ""
        marks = [mark for mark in (self.output_name, self.sub_key, self.aggregation, weighting) if mark]
        return visible(f"{self.name} [{', '.join(marks)}]" if marks else self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The metrics of a candidate, and of the baseline where there is one, by slice.

    Attributes:
        candidate: For each slice the metrics that have a single number.
        baseline: The same of the baseline; None where there is no baseline.
        not_numbers: Metrics without a single number (such as a confusion matrix), by slice.
        examples: The number of examples in each slice, where it is known.
        why: By slice and metric, why a figure of the candidate is NaN, where that is known.
        baseline_why: The same of the baseline's figures.
    """

    candidate: Mapping[SliceKey, Mapping[MetricKey, float]]
    baseline: Mapping[SliceKey, Mapping[MetricKey, float]] | None = None
    not_numbers: Mapping[SliceKey, frozenset[MetricKey]] = field(default_factory=dict)
    examples: Mapping[SliceKey, int] = field(default_factory=dict)
    why: Mapping[SliceKey, Mapping[MetricKey, str]] = field(default_factory=dict)
    baseline_why: Mapping[SliceKey, Mapping[MetricKey, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SlicePair:
    """Two slices; a figure of the pair is that of the first less that of the second (TFMA's cross slice).

    Attributes:
        first: TFMA's baseline slice.
        second: The slice that it is compared with.
    """

    first: SliceKey
    second: SliceKey


Place: TypeAlias = SliceKey | SlicePair
"""Where a limit is held."""


def metrics_at(slices: Mapping[SliceKey, Mapping[MetricKey, float]], place: Place) -> Mapping[MetricKey, float]:
    """Return the metrics of a slice, or the differences of a pair's."""
    if not isinstance(place, SlicePair):
        return slices.get(place, {})
    first, second = slices.get(place.first, {}), slices.get(place.second, {})
    return {metric: value - second[metric] for metric, value in first.items() if metric in second}


def slice_name(key: Place) -> str:
    """Return `Overall`, `a=5`, `a=x&b=y` or, for a pair, `sex=Female vs sex=Male`; no two share a name."""
    if isinstance(key, SlicePair):
        return pair_name(slice_name(key.first), slice_name(key.second))
    return name_of_pairs(key)


def slice_order(key: SliceKey) -> tuple[int, list[tuple[str, bool, SliceValue]]]:
    """Return a sort key: the whole data first, then fewer features before more, numbers by value before texts."""
    return len(key), [(feature, isinstance(value, str), value) for feature, value in key]


def number(value: float) -> str:
    """Return a number with up to six significant digits."""
    return "NaN" if math.isnan(value) else f"{value:.6g}"
