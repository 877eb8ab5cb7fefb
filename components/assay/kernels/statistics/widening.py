"""Makes one type of the integers of one part of the data and the floats of another, where nothing is lost by it."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.statistics.features.numeric import NumericState
from assay.kernels.statistics.reading.arrow_types import FeatureType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.kernels.statistics.dataset import DatasetState
    from assay.kernels.statistics.features.feature import FeatureState
    from assay.kernels.statistics.options import StatisticsOptions
    from assay.kernels.statistics.reading.columns import Path

_EXACT = 2**53  # below it, every whole number is a double of its own
_NUMBERS = {FeatureType.INT, FeatureType.FLOAT}


def widen_integers(states: Sequence[DatasetState], options: StatisticsOptions) -> None:
    """Lets features of whole numbers in some states be floats, as they are in others.

    A CSV file tells the type of a column by its own cells, so that a column of amounts may hold integers on one day and
    fractions on the next. Only values that a double holds are widened: those are what a reader of both files would have
    read. Columns whose values name something (the label, slices) keep their type.
    """
    named = (column for spec in options.slices for column in (*spec.feature_keys, *spec.feature_values))
    roles = {options.label_feature, *named}
    types: dict[Path, set[int | None]] = {}
    for path, feature in chain.from_iterable(map(_features, states)):
        types.setdefault(path, set()).add(feature.type)
    mixed = {path for path, found in types.items() if found >= _NUMBERS and path[0] not in roles}
    for state in states:
        for path, feature in _features(state):
            if path in mixed and feature.type == FeatureType.INT and _can_be_float(feature):
                feature.type = FeatureType.FLOAT


def _features(state: DatasetState) -> Iterator[tuple[Path, FeatureState]]:
    for part in (state.overall, *state.slices.values()):
        yield from part.features.items()


def _can_be_float(feature: FeatureState) -> bool:
    values = feature.values
    if feature.meaning is not None or not isinstance(values, NumericState):
        return False
    if values.sketch is not None:
        extremes = values.sketch.moments.extremes
        return max(-extremes.min, extremes.max) < _EXACT
    table = values.exact.table()
    numbers = np.zeros(0) if table is None else table.values.to_numpy()
    return bool(((numbers > -_EXACT) & (numbers < _EXACT)).all())
