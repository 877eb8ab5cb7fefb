"""Feature skew: two datasets joined by an id, compared feature by feature, as TFDV's `DetectFeatureSkew` does.

Values are compared row by row as serialised `tf.Example` features are: by type, length and bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import DataError, UsageError, did_you_mean
from assay.kernels.arrow_types import is_list
from assay.kernels.identity import (
    NUMBER,
    PLAIN,
    ColumnKind,
    Identity,
    form_between,
    identity_of,
    key_column,
    kinds_of,
    value_codes,
)
from assay.kernels.python_values import python_value, python_values
from assay.kernels.row_hash import row_hashes
from assay.kernels.rows.batch_columns import BatchColumn
from assay.kernels.rows.data_schema import DataSchema
from assay.kernels.rows.record import BYTES, FLOAT, INT
from assay.validation.skew_report import ConfusionCount, FeatureSkew, FeatureSkewReport, MatchStats, SkewPair

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.kernels.identity import Form
    from assay.validation.skew_report import FeatureSkewOptions

    Mask = NDArray[np.bool_]

_PAIRS_AT_A_TIME = 1 << 16
_MATCH, _BASE_ONLY, _TEST_ONLY, _MISMATCH = "match_count", "base_only", "test_only", "mismatch_count"
_LISTS = {
    _MATCH: "matched_features",
    _BASE_ONLY: "base_only_features",
    _TEST_ONLY: "test_only_features",
    _MISMATCH: "mismatched_features",
}
ReadBatches = Callable[[Sequence[str] | None], Iterable[pa.RecordBatch]]
_PARTITION_ROWS = 1 << 20


@dataclass(frozen=True, slots=True)
class _Data:
    """A dataset to compare: how to read it, its columns, and its number of rows."""

    read: ReadBatches
    schema: pa.Schema
    kinds: Mapping[str, set[ColumnKind]]
    num_rows: int


def detect_feature_skew(
    base: ReadBatches, test: ReadBatches, options: FeatureSkewOptions, *, partition_rows: int = _PARTITION_ROWS
) -> FeatureSkewReport:
    """Join two datasets by their identifier features and compare the examples of each id.

    Both are read once to be counted, and then once for each part of the ids of about `partition_rows` rows, which is
    what memory holds. The result does not depend on batches, and but for the choice of sample pairs not on parts.

    Args:
        base: Reads the base data: takes the columns that are wanted (all where None) and gives batches, any number of
            times, such as `examples.source(split).batches`.
        test: Reads the data to compare with it.
        options: What to compare.
        partition_rows: Rows of either dataset to hold in memory.

    Raises:
        UsageError: Neither dataset has one of the features that the options name.
        DataError: A feature changes its type within one dataset, has a type whose values cannot be compared, or has
            several values where pairs of them are to be counted.
    """
    one, other = _survey(base), _survey(test)
    for data in (one, other):
        _check_types(data.schema, options)
    _check_names(options, {*one.schema.names, *other.schema.names})
    num_parts = max(1, -(-max(one.num_rows, other.num_rows) // partition_rows))
    identity = identity_of(
        {"the control": one.kinds, "the data": other.kinds},
        options.identifier_features,
        keys=True,
        code="feature_skew.different_types",
    )
    forms = {
        name: form_between(one.kinds.get(name, ()), other.kinds.get(name, ())) for name in {**one.kinds, **other.kinds}
    }
    comparison = PairComparison(options, forms)
    stats: Counter[str] = Counter()
    for part in range(num_parts):
        base_rows, base_missing = _rows_of_part(one, options, identity, part, num_parts)
        test_rows, test_missing = _rows_of_part(other, options, identity, part, num_parts)
        joined = join(
            identifiers(base_rows, options.identifier_features, options.float_round_ndigits, identity),
            identifiers(test_rows, options.identifier_features, options.float_round_ndigits, identity),
        )
        stats.update(_match_stats(joined))
        if part == 0:  # rows without an id belong to no part; each reading meets them all
            stats.update(base_missing_id_count=base_missing, test_missing_id_count=test_missing)
        for pair in joined.pairs(allow_duplicates=options.allow_duplicate_identifiers):
            comparison.add(_take(base_rows, pair[0]), _take(test_rows, pair[1]))
    return FeatureSkewReport(
        features=comparison.features(),
        match_stats=MatchStats(**{each.name: stats[each.name] for each in fields(MatchStats)}),
        pairs=tuple(comparison.pairs),
        confusion=tuple(_confusion(comparison.confusion)),
    )


def _survey(read: ReadBatches) -> _Data:
    columns, num_rows = DataSchema(), 0
    state = columns.create()
    kinds: dict[str, set[ColumnKind]] = {}
    for batch in read(None):
        state = columns.add_batch(state, batch)
        for name, found in kinds_of(batch).items():
            kinds.setdefault(name, set()).update(found)
        num_rows += batch.num_rows
    return _Data(read, columns.extract(state), kinds, num_rows)


def _check_types(schema: pa.Schema, options: FeatureSkewOptions) -> None:
    for field in schema:
        inner = set(_types_in(field.type))
        # Arrow can neither compare nor choose rows of unions; intervals have no order, and would count as missing.
        unfit = any(map(pa.types.is_union, inner)) or (
            pa.month_day_nano_interval() in inner and field.name not in options.features_to_ignore
        )
        if unfit:
            raise DataError(
                "feature_skew.type",
                f"Column '{field.name}' is of type {field.type}, whose values cannot be compared.",
                "Cast the column, or exclude it.",
            )


def _types_in(type_: pa.DataType) -> Iterator[pa.DataType]:
    """Return a type, and the types nested in it."""
    yield type_
    if isinstance(type_, pa.BaseExtensionType):
        yield from _types_in(type_.storage_type)
    elif pa.types.is_struct(type_):
        for at in range(type_.num_fields):
            yield from _types_in(type_[at].type)
    elif pa.types.is_map(type_):
        yield from _types_in(type_.item_type)
    elif hasattr(type_, "value_type"):  # lists, whose kinds become more from version to version, and dictionaries
        yield from _types_in(type_.value_type)


def _check_names(options: FeatureSkewOptions, known: set[str]) -> None:
    for name in (*options.identifier_features, *options.confusion_features):
        if known and name not in known:
            raise UsageError(
                "feature_skew.unknown_feature", f"Neither dataset has the feature '{name}'.", did_you_mean(name, known)
            )


def _rows_of_part(
    data: _Data, options: FeatureSkewOptions, identity: Identity, part: int, num_parts: int
) -> tuple[pa.RecordBatch, int]:
    """Return the rows whose id falls into a part, as one batch, and how many rows have no id."""
    chosen, missing = [data.schema.empty_table()], 0
    for batch in data.read(None):
        ids = identifiers(batch, options.identifier_features, options.float_round_ndigits, identity)
        wanted = have_identifiers(ids)
        missing += int(np.count_nonzero(~wanted))
        if num_parts > 1:
            wanted &= row_hashes(ids) % np.uint64(num_parts) == part
        chosen.append(pa.Table.from_batches([_aligned(batch, data.schema)]).filter(pa.array(wanted)))
    table = pa.concat_tables(chosen).combine_chunks()
    batches = table.to_batches()
    return batches[0] if batches else _aligned(pa.RecordBatch.from_pydict({}), data.schema), missing


def _aligned(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    return pa.RecordBatch.from_arrays(
        [
            columns[field.name].cast(field.type) if field.name in columns else pa.nulls(batch.num_rows, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _take(rows: pa.RecordBatch, at: np.ndarray[tuple[int], np.dtype[np.intp]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([column.take(pa.array(at)) for column in rows.columns], schema=rows.schema)


def _match_stats(joined: Join) -> dict[str, int]:
    base, test = joined.base_counts, joined.test_counts
    return {
        "base_with_id_count": int(base.sum()),
        "test_with_id_count": int(test.sum()),
        "identifiers_count": len(base),
        "ids_missing_in_base_count": int(np.count_nonzero(base == 0)),
        "ids_missing_in_test_count": int(np.count_nonzero(test == 0)),
        "matching_pairs_count": int((base * test).sum()),
        "duplicate_id_count": int(np.count_nonzero((base > 1) | (test > 1))),
    }


def _confusion(counts: Counter[tuple[str, str | int | None, str | int | None]]) -> Iterator[ConfusionCount]:
    for (name, base, test), count in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], str(item[0]))):
        yield ConfusionCount(feature_name=name, base=base, test=test, count=count)


@dataclass(frozen=True, slots=True)
class Join:
    """The examples of two tables by id.

    Attributes:
        base: For each base row the number of its id.
        test: For each test row the number of its id.
        base_counts: For each id, how many base rows have it.
        test_counts: For each id, how many test rows have it.
    """

    base: NDArray[np.int64]
    test: NDArray[np.int64]
    base_counts: NDArray[np.int64]
    test_counts: NDArray[np.int64]

    def pairs(self, *, allow_duplicates: bool) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield base and test rows that share an id, in the order of the base rows, a bounded number at a time."""
        by_id = np.argsort(self.test, kind="stable")
        starts = np.cumsum(self.test_counts) - self.test_counts
        wanted = np.ones(len(self.base_counts), np.bool_)
        if not allow_duplicates:
            wanted = (self.base_counts <= 1) & (self.test_counts <= 1)
        base_rows = np.flatnonzero(wanted[self.base] & (self.test_counts[self.base] > 0))
        ends = np.cumsum(self.test_counts[self.base[base_rows]])
        first = 0
        while first < len(base_rows):
            before = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, before + _PAIRS_AT_A_TIME, side="right")))
            rows = base_rows[first:last]
            counts = self.test_counts[self.base[rows]]
            offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            yield np.repeat(rows, counts), by_id[np.repeat(starts[self.base[rows]], counts) + offsets]
            first = last


def join(base: pa.RecordBatch, test: pa.RecordBatch) -> Join:
    """Join by equal rows.

    Args:
        base: The identifier features of the base examples, none missing.
        test: Those of the test examples, in the same order of columns.
    """
    codes = np.zeros(base.num_rows + test.num_rows, np.int64)
    for one, other in zip(base.columns, test.columns, strict=True):
        column = value_codes([one, other]) + 1
        _, codes = np.unique(codes * (int(column.max(initial=0)) + 1) + column, return_inverse=True)
    num_ids = int(codes.max(initial=-1)) + 1
    base_codes, test_codes = codes[: base.num_rows].astype(np.int64), codes[base.num_rows :].astype(np.int64)
    return Join(
        base_codes,
        test_codes,
        np.bincount(base_codes, minlength=num_ids),
        np.bincount(test_codes, minlength=num_ids),
    )


def identifiers(batch: pa.RecordBatch, names: Sequence[str], ndigits: int | None, identity: Identity) -> pa.RecordBatch:
    """Return the identifier features of a batch, rounded and in the form in which they are compared.

    One that the batch lacks is missing in every row, and NaN is a missing id.
    """
    columns = []
    for name in names:
        column = round_column(key_column(batch, name), ndigits)
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        columns.append(identity.column(name, column))
    return pa.RecordBatch.from_arrays(columns, list(names))


def have_identifiers(ids: pa.RecordBatch) -> NDArray[np.bool_]:
    """Return which rows have a value in every identifier feature."""
    whole = np.ones(ids.num_rows, np.bool_)
    for column in ids.columns:
        whole &= has_values(BatchColumn(ids.num_rows, column))
    return whole


class PairComparison:
    """Adds up the comparison of pairs.

    Attributes:
        pairs: The first skewed pairs, as many as the options ask for.
        confusion: Pairs by feature, base value and test value.
    """

    def __init__(self, options: FeatureSkewOptions, forms: Mapping[str, Form | None]) -> None:
        self._options = options
        self._forms = forms
        self._counts: dict[str, Counter[str]] = {}
        self.pairs: list[SkewPair] = []
        self.confusion: Counter[tuple[str, str | int | None, str | int | None]] = Counter()

    def add(self, base: pa.RecordBatch, test: pa.RecordBatch) -> None:
        """Add pairs: row by row a base example and its test example."""
        skip = {*self._options.identifier_features, *self._options.features_to_ignore}
        skewed = np.zeros(base.num_rows, np.bool_)
        outcomes: dict[str, dict[str, Mask]] = {}
        for name in sorted({*base.schema.names, *test.schema.names} - skip):
            form, ndigits = self._forms.get(name), self._options.float_round_ndigits
            outcome, seen = _outcome(_column(base, name), _column(test, name), ndigits, form)
            if not seen.any():
                continue
            outcomes[name] = outcome
            # As in TFDV, a pair of an empty list and no feature at all neither matches nor differs, yet is skewed.
            skewed |= seen & ~outcome[_MATCH]
            self._count(name, outcome)
        for row in np.flatnonzero(skewed)[: self._options.sample_size - len(self.pairs)].tolist():
            self.pairs.append(_skew_pair(base, test, outcomes, row))
        for name in self._options.confusion_features:
            values = zip(_single_values(name, base), _single_values(name, test), strict=True)
            self.confusion.update((name, one, other) for one, other in values)

    def features(self) -> tuple[FeatureSkew, ...]:
        """Return the counts of each feature that some pair has, by name."""
        return tuple(FeatureSkew(feature_name=name, **counts) for name, counts in sorted(self._counts.items()))

    def _count(self, name: str, outcome: dict[str, Mask]) -> None:
        counts = self._counts.setdefault(name, Counter())
        counts.update({kind: int(np.count_nonzero(mask)) for kind, mask in outcome.items()})


def _outcome(base: pa.Array, test: pa.Array, ndigits: int | None, form: Form | None) -> tuple[dict[str, Mask], Mask]:
    """Return the pairs of each kind, and those in which either example has the feature, if only as an empty list."""
    one, other = BatchColumn(len(base), base), BatchColumn(len(test), test)
    in_base, in_test = has_values(one), has_values(other)
    both = in_base & in_test
    seen = ~(one.missing & other.missing)
    equal = both & _equal(base, test, ndigits, form) if both.any() else both
    empty = ~in_base & ~in_test & ~one.missing & ~other.missing
    outcome = {
        "base_count": in_base,
        "test_count": in_test,
        _MATCH: equal | empty,
        _BASE_ONLY: in_base & ~in_test,
        _TEST_ONLY: in_test & ~in_base,
        _MISMATCH: both & ~equal,
    }
    return outcome, seen


def _equal(base: pa.Array, test: pa.Array, ndigits: int | None, form: Form | None) -> Mask:
    """Return which pairs have the same value, as written by one type or by two."""
    # A float beside a double is compared in single precision, as in a tf.Example, which holds no doubles.
    if form is not None and form != PLAIN and not (_are_floats(base.type) and _are_floats(test.type)):
        identity = Identity({"": form})
        try:
            base, test = identity.column("", base), identity.column("", test)
        except DataError:  # text that is none of the other side's values: it differs
            return equal_rows(base, test, ndigits)
        if form == NUMBER and ndigits is not None:
            with suppress(pa.ArrowInvalid):  # lists of several numbers
                base, test = (each.cast(pa.string()).cast(pa.float64()) for each in (base, test))
    return equal_rows(base, test, ndigits)


def _are_floats(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind.value_type if is_list(kind) else kind))


def _skew_pair(base: pa.RecordBatch, test: pa.RecordBatch, outcomes: dict[str, dict[str, Mask]], row: int) -> SkewPair:
    lists = {
        field: tuple(name for name, outcome in outcomes.items() if outcome[kind][row]) for kind, field in _LISTS.items()
    }
    return SkewPair(base=_example(base, row), test=_example(test, row), **lists)


def _example(batch: pa.RecordBatch, row: int) -> dict[str, Any]:
    values = {name: python_value(batch.column(at)[row]) for at, name in enumerate(batch.schema.names)}
    return {name: value for name, value in values.items() if value is not None}


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    position = batch.schema.get_field_index(name)
    return pa.nulls(batch.num_rows) if position < 0 else batch.column(position)


def _single_values(name: str, batch: pa.RecordBatch) -> list[str | int | None]:
    return [_single(name, value) for value in python_values(_column(batch, name))]


def _single(name: str, value: Any) -> str | int | None:
    if isinstance(value, list):
        if len(value) > 1:
            raise DataError(
                "feature_skew.several_values",
                f"Pairs of values of '{name}' cannot be counted: it has several values in a row.",
            )
        value = value[0] if value else None
    if isinstance(value, float):
        raise DataError("feature_skew.float", f"Pairs of values of '{name}' cannot be counted: they have decimals.")
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def has_values(column: BatchColumn) -> Mask:
    """Return which rows hold at least one value."""
    lists = column.levels[0]
    filled = column.no_rows()
    filled[lists.rows[lists.lengths > 0]] = True
    return filled


def equal_rows(base: pa.Array, test: pa.Array, ndigits: int | None) -> Mask:
    """Return which rows hold the same values, in the same order; rows without any are equal.

    Args:
        base: One column.
        test: The other, of the same length.
        ndigits: Digits to which numbers that differ are rounded; None for no rounding.
    """
    one, other = BatchColumn(len(base), base), BatchColumn(len(test), test)
    empty = ~has_values(one) & ~has_values(other)
    # Rules read decimals as doubles, which have fewer digits: here they are compared as they are, with each other only.
    decimals = {"decimal" in str(each.type) for each in (base, test)}
    if decimals == {True, False} or (decimals == {False} and one.family != other.family):
        return empty
    if True in decimals or len(one.levels) > 1 or len(other.levels) > 1 or one.family not in {INT, FLOAT, BYTES}:
        pairs = zip(python_values(base), python_values(test), strict=True)
        same: Mask = empty | np.fromiter((left == right for left, right in pairs), np.bool_, len(base))
        return same
    equal: Mask = _lengths(one) == _lengths(other)
    left, right = _leaves_of(one, equal), _leaves_of(other, equal)
    differs = _differs(one, left, other, right, ndigits)
    equal[one.rows[left[differs]]] = False
    return equal


def _lengths(column: BatchColumn) -> NDArray[np.int64]:
    lengths = np.zeros(column.num_rows, np.int64)
    lengths[column.levels[0].rows] = column.levels[0].lengths
    return lengths


def _leaves_of(column: BatchColumn, rows: Mask) -> NDArray[np.intp]:
    """Return the positions of the innermost values of some rows; a flat column has a place for a missing value too."""
    chosen = rows[column.rows]
    return np.flatnonzero(chosen & column.present_leaves if column.flat else chosen)


def _differs(
    one: BatchColumn, left: NDArray[np.intp], other: BatchColumn, right: NDArray[np.intp], ndigits: int | None
) -> Mask:
    differs: Mask = one.present_leaves[left] != other.present_leaves[right]
    if one.family == BYTES:
        differs |= _texts_differ(one, left, other, right)
    elif one.family == INT:
        differs |= one.numbers[left] != other.numbers[right]
    else:
        single = one.is_single or other.is_single
        differs |= _numbers_differ(one.numbers[left], other.numbers[right], ndigits, single=single)
    return differs


def _numbers_differ(numbers: NDArray[Any], others: NDArray[Any], ndigits: int | None, *, single: bool) -> Mask:
    differs = _bits_differ(numbers, others, single=single)
    if ndigits is not None:
        at = np.flatnonzero(differs)
        differs[at] = _bits_differ(rounded(numbers[at], ndigits), rounded(others[at], ndigits), single=single)
    return differs


def _texts_differ(one: BatchColumn, left: NDArray[np.intp], other: BatchColumn, right: NDArray[np.intp]) -> Mask:
    texts, codes = one.texts
    other_texts, other_codes = other.texts
    places = {text: place for place, text in enumerate(texts)}
    translation = np.array([*(places.get(text, -2) for text in other_texts), -1], np.int64)
    differs: Mask = codes[left] != translation[other_codes[right]]
    return differs


def _bits_differ(numbers: NDArray[Any], others: NDArray[Any], *, single: bool) -> Mask:
    """Compare bits, by which 0.0 is not -0.0 and every NaN is NaN."""
    kind, word = (np.float32, np.int32) if single else (np.float64, np.int64)
    with np.errstate(over="ignore"):
        one, other = numbers.astype(kind), others.astype(kind)
    differs: Mask = (one.view(word) != other.view(word)) & ~(np.isnan(one) & np.isnan(other))
    return differs


def rounded(numbers: NDArray[Any], ndigits: int) -> NDArray[np.float64]:
    """Round as Python does, by the exact decimal; numpy scales first, so its last bit can be wrong."""
    return np.array([round(number, ndigits) for number in numbers.tolist()], np.float64)


def round_column(column: pa.Array, ndigits: int | None) -> pa.Array:
    """Return a column with its numbers with decimals rounded, flat or in lists."""
    if ndigits is None or BatchColumn(len(column), column).family != FLOAT:
        return column
    return pa.array([_round(value, ndigits) for value in column.to_pylist()], column.type)


def _round(value: Any, ndigits: int) -> Any:
    if isinstance(value, list):
        return [_round(each, ndigits) for each in value]
    return value if value is None else round(value, ndigits)
