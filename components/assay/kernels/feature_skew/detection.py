"""Detects feature skew between two data sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.errors import DataError, UsageError, did_you_mean
from assay.kernels.feature_skew.identifiers import have_identifiers, identifiers, join
from assay.kernels.feature_skew.pair_comparison import PairComparison
from assay.kernels.feature_skew.report import ConfusionCount, FeatureSkewReport, MatchStats
from assay.kernels.identity import ColumnKind, Identity, form_between, identity_of, kinds_of
from assay.kernels.row_hash import row_hashes
from assay.kernels.rows.data_schema import DataSchema

if TYPE_CHECKING:
    from assay.kernels.feature_skew.identifiers import Join
    from assay.kernels.feature_skew.options import FeatureSkewOptions

ReadBatches = Callable[[Sequence[str] | None], Iterable[pa.RecordBatch]]
_PARTITION_ROWS = 1 << 20


@dataclass(frozen=True, slots=True)
class _Data:
    """A data set to compare: how to read it, its columns, and its number of rows."""

    read: ReadBatches
    schema: pa.Schema
    kinds: Mapping[str, set[ColumnKind]]
    num_rows: int


def detect_feature_skew(
    base: ReadBatches, test: ReadBatches, options: FeatureSkewOptions, *, partition_rows: int = _PARTITION_ROWS
) -> FeatureSkewReport:
    """Joins two data sets by their identifier features and compares the examples of each id.

    Both are read once to be counted, and then once for each part of the ids of about `partition_rows` rows, which is
    what memory holds. The result does not depend on batches, and but for the choice of sample pairs not on parts.

    Args:
        base: Reads the base data: takes the columns that are wanted (all where None) and gives batches, any number of
            times, such as `examples.source(split).batches`.
        test: Reads the data to compare with it.
        options: What to compare.
        partition_rows: Rows of either data set to hold in memory.

    Raises:
        UsageError: Neither data set has one of the features that the options name.
        DataError: A feature changes its type within one data set, has a type whose values cannot be compared, or has
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
                "Cast the column, or leave it out.",
            )


def _types_in(type_: pa.DataType) -> Iterator[pa.DataType]:
    """A type, and those that it holds."""
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
                "feature_skew.unknown_feature", f"Neither data set has the feature '{name}'.", did_you_mean(name, known)
            )


def _rows_of_part(
    data: _Data, options: FeatureSkewOptions, identity: Identity, part: int, num_parts: int
) -> tuple[pa.RecordBatch, int]:
    """Gives the rows whose id falls into a part, as one batch, and how many rows have no id."""
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
