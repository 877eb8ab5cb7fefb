"""How much each value of a categorical feature raises the chance of each value of the label: TFDV's lift."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.errors import DataError
from assay.kernels.arrow_types import FeatureType, reading
from assay.kernels.statistics.categories import NON_UTF8_PLACEHOLDER
from assay.kernels.statistics.columns import row_values
from assay.kernels.statistics.generators.generator import feature_statistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, LiftSeries

    from assay.kernels.statistics.generators.generator import BatchRows

    Value = bytes | int
    Amount = NDArray[np.float64]  # how many examples, and what they weigh

MAX_PAIRS = 100_000
"""A feature with more pairs of its and the label's values is left out, and this is said."""


@dataclass(slots=True)
class FeatureLift:
    """Examples with each value of one feature, and with each together with each value of the label."""

    counts: dict[Value, Amount] = field(default_factory=dict)
    pairs: dict[tuple[Value, Value], Amount] = field(default_factory=dict)
    too_many: bool = False


@dataclass(slots=True)
class LiftState:
    """Examples so far.

    Attributes:
        examples: All.
        labels: Those with each value of the label.
        features: For each feature those with each value, and with each value together with each of the label.
        label_is_number: The label's values are not categories, and there is no lift.
    """

    examples: Amount = field(default_factory=lambda: np.zeros(2))
    labels: dict[Value, Amount] = field(default_factory=dict)
    features: dict[str, FeatureLift] = field(default_factory=dict)
    label_is_number: bool = False


@dataclass(frozen=True, slots=True)
class Lift:
    """Computes `P(label = y | feature = x) / P(label = y)`; with several values in an example, `=` means "has".

    Attributes:
        label: The column.
        boundaries: Ascending; cut a numeric label into bins, as its values are not categories.
        columns: The categorical features; `None` for those of text or bytes.
        weighted: Whether weighted lift is computed as well.
        must_be_category: Whether a label of numbers without bins is an error; else it has no lift, and this is said.
    """

    label: str
    boundaries: tuple[float, ...]
    columns: frozenset[str] | None
    weighted: bool
    must_be_category: bool = True

    def create(self) -> LiftState:
        """Return the state of no rows."""
        return LiftState()

    def add(self, state: LiftState, rows: BatchRows) -> LiftState:
        """Return the state after more rows.

        Raises:
            DataError: The label is not in the data, or is neither a category nor in bins.
        """
        batch = rows.batch
        index = batch.schema.get_field_index(self.label)
        if index < 0:
            raise DataError(
                "statistics.no_label", f"The label '{self.label}' is not a column of {', '.join(batch.schema.names)}."
            )
        if not self.must_be_category and not self.boundaries and _is_number(batch.column(index)):
            state.label_is_number = True
            return state
        weights = np.ones(batch.num_rows) if rows.weights is None else rows.weights
        state.examples += (batch.num_rows, weights.sum())
        ys, y_rows, y_values = self._label_values(batch.column(index))
        _add_counts(state.labels, ys, y_values, weights[y_rows])
        for column in rows.features:
            name = column.path[0]
            is_wanted = name in self.columns if self.columns is not None else column.type == FeatureType.STRING
            if name == self.label or len(column.path) > 1 or not is_wanted:
                continue
            feature = state.features.setdefault(name, FeatureLift())
            xs, x_rows, x_values = _values(batch.column(batch.schema.get_field_index(name)))
            if feature.too_many or xs is None:
                continue
            _add_counts(feature.counts, xs, x_values, weights[x_rows])
            x_at, y_at = _matches(x_rows, y_rows, batch.num_rows)
            pairs, codes = np.unique(xs[x_at] * max(len(y_values), 1) + ys[y_at], return_inverse=True)
            names = [(x_values[x], y_values[y]) for x, y in zip(*np.divmod(pairs, max(len(y_values), 1)), strict=True)]
            _add_counts(feature.pairs, codes, names, weights[x_rows[x_at]])
            _drop_if_too_many(feature)
        return state

    def merge(self, state: LiftState, other: LiftState) -> LiftState:
        """Return the state of both."""
        state.examples += other.examples
        state.label_is_number |= other.label_is_number
        _add_table(state.labels, other.labels)
        for name, theirs in other.features.items():
            ours = state.features.setdefault(name, FeatureLift())
            ours.too_many |= theirs.too_many
            _add_table(ours.counts, theirs.counts)
            _add_table(ours.pairs, theirs.pairs)
            _drop_if_too_many(ours)
        return state

    def contribute(self, state: LiftState, dataset: DatasetFeatureStatistics) -> None:
        """Add the lift of each feature, in `cross_features` and as histograms in its custom statistics."""
        if state.label_is_number:
            custom = feature_statistics(dataset, (self.label,)).custom_stats
            custom.add(name="lift_not_computed", str="The label holds numbers; label_boundaries cut them.")
            return
        for name, feature in sorted(state.features.items()):
            if feature.too_many:
                custom = feature_statistics(dataset, (name,)).custom_stats
                custom.add(name="lift_not_computed", str=f"More than {MAX_PAIRS} pairs of values with the label's.")
                continue
            if not state.labels or not feature.counts:
                continue
            cross = dataset.cross_features.add()
            cross.path_x.step.append(name)
            cross.path_y.step.append(self.label)
            for which in (0, 1) if self.weighted else (0,):
                for y in sorted(state.labels):
                    series = cross.categorical_cross_stats.lift.lift_series.add()
                    shown = self._name_label(series, y)
                    prefix = "Weighted Lift" if which else "Lift"
                    custom = feature_statistics(dataset, (name,)).custom_stats.add(name=f"{prefix} (Y={shown})")
                    _fill(series, custom.rank_histogram, state, feature, y, which)

    def _label_values(self, array: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64], list[Value]]:
        leaf, rows = row_values(array)
        how = reading(leaf.type)
        if not self.boundaries:
            if how.type in {FeatureType.FLOAT, FeatureType.BYTES}:
                raise DataError(
                    "statistics.label",
                    f"The label '{self.label}' holds {leaf.type}, whose values are not categories.",
                    "Cut it into bins with label_boundaries.",
                )
            codes, rows, values = _values(array)
            return (rows[:0], rows[:0], []) if codes is None else (codes, rows, values)
        if how.convert is None or how.type not in {FeatureType.INT, FeatureType.FLOAT}:
            raise DataError("statistics.label", f"The label '{self.label}' holds {leaf.type}, which bins do not fit.")
        numbers = how.convert(leaf).to_numpy(zero_copy_only=False).astype(np.float64)
        bins = np.searchsorted(np.array(self.boundaries), numbers, side="right")[~np.isnan(numbers)]
        codes, rows = _once(bins, rows[~np.isnan(numbers)], len(self.boundaries) + 1)
        return codes, rows, list(range(len(self.boundaries) + 1))

    def _name_label(self, series: LiftSeries, y: Value) -> str:
        if isinstance(y, bytes):
            series.y_string = text = _text(y)
            return text
        if not self.boundaries:
            series.y_int = y
            return str(y)
        low, high = list(pairwise((-np.inf, *self.boundaries, np.inf)))[y]
        series.y_bucket.low_value, series.y_bucket.high_value = low, high
        return f"[{low},{high}{']' if high == np.inf else ')'}"


def _is_number(array: pa.Array) -> bool:
    return bool(reading(row_values(array)[0].type).type == FeatureType.FLOAT)


def _fill(series: LiftSeries, histogram: Any, state: LiftState, feature: FeatureLift, y: Value, which: int) -> None:
    """Add the lift of each value, the largest first; a value without weight has none."""
    y_amount = state.labels[y][which]
    if which:
        series.weighted_y_count = y_amount
    else:
        series.y_count = int(y_amount)
    lifts = []
    for x, amounts in feature.counts.items():
        both = feature.pairs.get((x, y), _NONE)[which]
        if amounts[which] > 0 and y_amount > 0:
            lifts.append((-(both / amounts[which]) / (y_amount / state.examples[which]), x, amounts[which], both))
    for negative_lift, x, x_amount, both in sorted(lifts):
        value = series.lift_values.add(lift=-negative_lift)
        if isinstance(x, bytes):
            value.x_string = _text(x)
        else:
            value.x_int = x
        if which:
            value.weighted_x_count, value.weighted_x_and_y_count = x_amount, both
        else:
            value.x_count, value.x_and_y_count = int(x_amount), int(both)
        histogram.buckets.add(label=_text(x) if isinstance(x, bytes) else str(x), sample_count=-negative_lift)


_NONE = np.zeros(2)


def _values(array: pa.Array) -> tuple[NDArray[np.int64] | None, NDArray[np.int64], list[Any]]:
    """Return each row's distinct values, as codes; `None` where the column tells no values."""
    leaf, rows = row_values(array)
    how = reading(leaf.type)
    if how.convert is None:
        return None, rows, []
    leaf = how.convert(leaf)
    if pa.types.is_string(leaf.type) or pa.types.is_large_string(leaf.type):
        leaf = leaf.cast(pa.large_binary() if pa.types.is_large_string(leaf.type) else pa.binary())
    encoded = leaf.dictionary_encode()
    codes, rows = _once(encoded.indices.to_numpy().astype(np.int64), rows, len(encoded.dictionary))
    return codes, rows, encoded.dictionary.to_pylist()


def _once(
    codes: NDArray[np.int64], rows: NDArray[np.int64], num_codes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Drop the repetitions of a value within a row."""
    if len(rows) and (rows[1:] > rows[:-1]).all():
        return codes, rows
    rows, codes = np.divmod(np.unique(rows * max(num_codes, 1) + codes), max(num_codes, 1))
    return codes, rows


def _matches(
    one: NDArray[np.int64], two: NDArray[np.int64], num_rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Join on rows, which ascend on both sides; return the positions of each pair."""
    counts = np.bincount(two, minlength=num_rows)
    starts = np.cumsum(counts) - counts
    repeats = counts[one]
    nth = np.arange(int(repeats.sum())) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    at = np.repeat(np.arange(len(one)), repeats)
    return at, starts[one[at]] + nth


def _add_counts(
    table: dict[Any, Amount], codes: NDArray[np.int64], names: list[Any], weights: NDArray[np.float64]
) -> None:
    counts = np.bincount(codes, minlength=len(names))
    sums = np.bincount(codes, weights=weights, minlength=len(names))
    present = np.flatnonzero(counts)
    _add_table(table, {names[i]: np.array([counts[i], sums[i]], dtype=np.float64) for i in present})


def _add_table(table: dict[Any, Amount], other: Mapping[Any, Amount]) -> None:
    for key, amount in other.items():
        table[key] = table[key] + amount if key in table else amount


def _drop_if_too_many(feature: FeatureLift) -> None:
    if feature.too_many or max(len(feature.pairs), len(feature.counts)) > MAX_PAIRS:
        feature.counts, feature.pairs, feature.too_many = {}, {}, True


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return NON_UTF8_PLACEHOLDER
