"""The slices that a threshold is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.display import slice_name
from assay.kernels.metrics.slices import is_value

if TYPE_CHECKING:
    from assay.gating.metric_values import SliceKey, SlicePair, SliceValue


# How statistics cut a feature into bins, and times into periods.
_CUT = re.compile(r"(?P<feature>.+)(\[[-+0-9.eE, ]+\]|:(year|quarter|month|week|day|hour|minute))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slicing:
    """The slices that a threshold is for: TFMA's `SlicingSpec` as a value.

    Attributes:
        feature_keys: Features of which the slice has some value; `fare[10,20]` is a bin of fare, `start:month` a month.
        feature_values: Features of which the slice has just this value.
    """

    feature_keys: tuple[str, ...] = ()
    feature_values: tuple[tuple[str, SliceValue], ...] = ()

    def matches(self, key: SliceKey) -> bool:
        """Return whether the slice has exactly these features; no features match the whole data only."""
        keys = [feature_of(key) for key in self.feature_keys]
        values = list(self.feature_values)
        for feature, value in key:
            wanted = next((one for one in values if one[0] == feature and is_value(value, one[1])), None)
            if wanted is not None:
                values.remove(wanted)
            elif feature in keys:
                keys.remove(feature)
            else:
                return False
        return not keys and not values

    @property
    def features(self) -> set[str]:
        """The features by which the slices are cut."""
        return {feature_of(key) for key in self.feature_keys} | {name for name, _ in self.feature_values}

    @property
    def name(self) -> str:
        """The slices in words: `Overall`, `trip_start_hour=*` or `a=x&b=*`."""
        return slice_name(self.feature_values, self.feature_keys)


def feature_of(key: str) -> str:
    """Return the feature of a key: `fare` of `fare[10,20]`, `start` of `start:month`, and any other key as it is."""
    found = _CUT.fullmatch(key)
    return found["feature"] if found else key


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """The pairs of slices that a threshold is for: TFMA's `CrossSlicingSpec` as a value.

    Attributes:
        first: The slice whose figure is taken, TFMA's `baseline_spec`.
        others: The slices whose figures are taken from it; none stands for every other slice. (TFMA computes those
            pairs, and then finds none of them for their threshold: every model fails.)
    """

    first: Slicing
    others: tuple[Slicing, ...] = ()

    def matches(self, pair: SlicePair) -> bool:
        """Return whether the threshold is for this pair; a slice and itself are none."""
        if pair.first == pair.second or not self.first.matches(pair.first):
            return False
        return not self.others or any(other.matches(pair.second) for other in self.others)

    @property
    def name(self) -> str:
        """The pairs in words: `sex=Female vs sex=*`."""
        return f"{self.first.name} vs {' or '.join(other.name for other in self.others) or 'any other'}"
