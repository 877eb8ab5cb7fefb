"""Statistics of a categorical feature: lengths, invalid UTF-8, uniques, top values and the rank histogram."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.distinct_counts import SKETCH_SIZE
from assay.kernels.statistics.summaries.minimum_values import KMinimumValues
from assay.kernels.statistics.summaries.value_counts import Counted, ValueCounts, count_values

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import StringStatistics

    from assay.kernels.statistics.columns import FeatureColumn
    from assay.kernels.statistics.options import StatisticsOptions

# The most frequent values among too many to keep: mergeable Misra-Gries summaries on Arrow tables.
#
# When the table outgrows its memory, the count of the first value that no longer fits is subtracted from all and what
# is left is kept (Agarwal et al., "Mergeable summaries", 2012). A value's count is thus too low by at most what was
# subtracted so far, which is at most the number of all values divided by the number of those kept.


if TYPE_CHECKING:
    from numpy.typing import NDArray

    Amounts = NDArray[np.int64] | NDArray[np.float64]


@dataclass(slots=True)
class HeavyHitters:
    """Counted values, of which the lightest are forgotten.

    Attributes:
        by_weight: Whether the values that weigh most are kept, and not those that occur most often.
        table: What is kept; counts or weights lack what was subtracted.
        subtracted: In all, from each value that was always kept.
    """

    by_weight: bool
    table: ValueCounts = field(default_factory=ValueCounts)
    subtracted: float = 0

    def add(self, part: Counted, max_bytes: int) -> None:
        """Add counted values, keeping as many as take at most `max_bytes`."""
        self.table.add(part)
        self._forget(max_bytes)

    def merge(self, other: HeavyHitters, max_bytes: int) -> None:
        """Add the content of `other`."""
        self.subtracted += other.subtracted
        self.table.merge(other.table)
        self._forget(max_bytes)

    def estimate(self) -> Counted | None:
        """Return the retained values, with the subtracted counts restored; `None` if there are none."""
        table = self.table.table()
        if table is None:
            return None
        return self._with_amounts(table, self._amounts(table).astype(np.float64) + self.subtracted)

    def _forget(self, max_bytes: int) -> None:
        if not self.table.exceeds(max_bytes):
            return
        table = self.table.table()
        assert table is not None
        amounts = self._amounts(table)
        # Half of the room stays free, so that this is done once for many additions.
        num_kept = min(max(len(amounts) * max_bytes // (2 * table.nbytes), 1), len(amounts) - 1)
        if num_kept < 1:
            return
        first_out = np.partition(amounts, -num_kept - 1)[-num_kept - 1]
        kept = amounts > first_out
        # Values that tie with it have nothing left; some stay so that a list of top values need not be empty.
        kept[np.flatnonzero(amounts == first_out)[: num_kept - int(kept.sum())]] = True
        self.subtracted += first_out.item()
        self.table = ValueCounts()
        self.table.add(self._with_amounts(table, amounts - first_out).select(kept))

    def _amounts(self, table: Counted) -> Amounts:
        return table.weights if self.by_weight and table.weights is not None else table.counts

    def _with_amounts(self, table: Counted, amounts: Amounts) -> Counted:
        if self.by_weight:
            return Counted(table.values, table.counts, amounts.astype(np.float64))
        return Counted(table.values, amounts.astype(np.int64), table.weights)


@dataclass(slots=True)
class CategorySketch:
    """Estimates the number of distinct values, and keeps the most frequent ones.

    Attributes:
        distinct: How many there are.
        frequent: Those that occur most often.
        heavy: Those that weigh most; None without weights.
    """

    distinct: KMinimumValues
    frequent: HeavyHitters
    heavy: HeavyHitters | None

    @staticmethod
    def empty(*, weighted: bool) -> CategorySketch:
        """Return a sketch of no values."""
        heavy = HeavyHitters(by_weight=True) if weighted else None
        return CategorySketch(KMinimumValues(SKETCH_SIZE), HeavyHitters(by_weight=False), heavy)

    def add(self, part: Counted, max_bytes: int) -> None:
        """Add counted values, keeping as many of the most frequent ones as take `max_bytes`."""
        self.distinct.add(part.values)
        self.frequent.add(part, max_bytes)
        if self.heavy is not None:
            self.heavy.add(part, max_bytes)

    def merge(self, other: CategorySketch, max_bytes: int) -> None:
        """Add the content of `other`."""
        self.distinct.merge(other.distinct)
        self.frequent.merge(other.frequent, max_bytes)
        if self.heavy is not None and other.heavy is not None:
            self.heavy.merge(other.heavy, max_bytes)


NON_UTF8_PLACEHOLDER = "__BYTES_VALUE__"
"""What TFDV shows in the place of a value that is not UTF-8."""


@dataclass(slots=True)
class CategoryState:
    """The values of a categorical feature so far.

    Attributes:
        total_length: Of all values, in bytes; of a number, the length of its decimal form.
        invalid_utf8: Occurrences of values that are not UTF-8.
        exact: Every distinct value, while there is memory for it.
        sketch: What takes the place of `exact` when there is not.
    """

    total_length: int = 0
    invalid_utf8: int = 0
    exact: ValueCounts = field(default_factory=ValueCounts)
    sketch: CategorySketch | None = None


def add_categories(state: CategoryState, column: FeatureColumn, max_bytes: int) -> None:
    """Add the values of one batch; more than `max_bytes` of distinct values are sketched."""
    if column.leaf is None:
        return
    part = _normal(count_values(column.leaf, column.leaf_weights))
    lengths = _lengths(part.values)
    state.total_length += int((lengths * part.counts).sum())
    state.invalid_utf8 += int(part.counts[_is_invalid_utf8(part.values)].sum())
    if state.sketch is not None:
        state.sketch.add(part, max_bytes)
    else:
        state.exact.add(part)
        _sketch_above(state, max_bytes)


def merge_categories(state: CategoryState, other: CategoryState, max_bytes: int) -> None:
    """Add the content of `other`, which must not be used afterwards."""
    state.total_length += other.total_length
    state.invalid_utf8 += other.invalid_utf8
    if state.sketch is None and other.sketch is None:
        state.exact.merge(other.exact)
        _sketch_above(state, max_bytes)
        return
    _sketch_above(state, max_bytes, always=True)
    if state.sketch is None:
        state.sketch = other.sketch
    elif other.sketch is not None:
        state.sketch.merge(other.sketch, max_bytes)
    else:
        for part in other.exact.pending:
            state.sketch.add(part, max_bytes)


def string_statistics(state: CategoryState, num_values: int, options: StatisticsOptions) -> StringStatistics:
    """Return the proto, without the common statistics."""
    result = statistics_pb2.StringStatistics(invalid_utf8_count=state.invalid_utf8)
    if num_values:
        result.avg_length = state.total_length / num_values
    counted = weighted = state.exact.table()
    if state.sketch is not None:
        # Of n values no more than n are distinct, whatever is estimated.
        result.unique = min(state.sketch.distinct.estimate(), num_values)
        counted = state.sketch.frequent.estimate()
        weighted = None if state.sketch.heavy is None else state.sketch.heavy.estimate()
    elif counted is not None:
        result.unique = len(counted.values)
    if counted is not None:
        _add_top(result, counted.values, counted.counts, options, options.frequency_threshold)
    if weighted is not None and weighted.weights is not None:
        twin = result.weighted_string_stats
        _add_top(twin, weighted.values, weighted.weights, options, options.weighted_frequency_threshold)
    return result


def _normal(counted: Counted) -> Counted:
    """Return values of one type per kind: bytes with 64-bit offsets, integers of 64 bits, doubles."""
    type_ = counted.values.type
    if pa.types.is_integer(type_):
        return counted.with_values(counted.values.cast(pa.int64()))
    if pa.types.is_floating(type_):
        return counted.with_values(counted.values.cast(pa.float64()))
    as_bytes = pa.binary() if pa.types.is_string(type_) or pa.types.is_binary(type_) else pa.large_binary()
    return counted.with_values(counted.values.cast(as_bytes).cast(pa.large_binary()))


def _lengths(values: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_large_binary(values.type):
        lengths: Any = pc.binary_length(values).to_numpy(zero_copy_only=False)
        return np.asarray(lengths, dtype=np.int64)
    return np.array([len(str(value)) for value in values.to_pylist()], dtype=np.int64)


def _is_invalid_utf8(values: pa.Array) -> NDArray[np.bool_]:
    invalid = np.zeros(len(values), dtype=bool)
    if pa.types.is_large_binary(values.type):
        try:
            values.cast(pa.large_string())
        except pa.ArrowInvalid:
            invalid[:] = [_text(value) is None for value in values.to_pylist()]
    return invalid


def _text(value: bytes | float) -> str | None:
    """Return a value as text; `None` for bytes that are not UTF-8."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _sketch_above(state: CategoryState, max_bytes: int, *, always: bool = False) -> None:
    if state.sketch is None and state.exact.exceeds(0 if always else max_bytes):
        table = state.exact.table()
        assert table is not None
        state.sketch, state.exact = CategorySketch.empty(weighted=table.weights is not None), ValueCounts()
        state.sketch.add(table, max_bytes)


def _add_top(
    proto: Any,
    values: pa.Array,
    frequencies: NDArray[np.int64] | NDArray[np.float64],
    options: StatisticsOptions,
    threshold: float,
) -> None:
    """Add top values and rank histogram: the most frequent first, of equally frequent ones the largest first."""
    wanted = max(options.num_top_values, options.num_rank_histogram_buckets)
    if 0 < wanted < len(values):
        # Only what can be among them is sorted.
        least = np.partition(frequencies, len(frequencies) - wanted)[len(frequencies) - wanted]
        likely = frequencies >= least
        values, frequencies = values.filter(pa.array(likely)), frequencies[likely]
    pairs = sorted(zip(frequencies.tolist(), values.to_pylist(), strict=True), reverse=True)
    for rank, (frequency, value) in enumerate(pairs[:wanted]):
        if frequency < threshold:
            break
        text = _text(value)
        label = NON_UTF8_PLACEHOLDER if text is None else text
        if rank < options.num_top_values:
            proto.top_values.add(value=label, frequency=frequency)
        if rank < options.num_rank_histogram_buckets:
            proto.rank_histogram.buckets.add(low_rank=rank, high_rank=rank, sample_count=frequency, label=label)
