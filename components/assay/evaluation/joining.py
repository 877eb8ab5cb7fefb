"""Which rows of two tables belong together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import DataError, argument
from assay.kernels.python_values import python_value, python_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_SHOWN: Final = 3  # rows in a message
_NEARLY_ALL: Final = 0.9  # an id with a few repeated values, or other ones, is still an id
_MOST: Final = 0.5
_UNLIKELY: Final = math.log(1e6)  # fewer orders of the rows than this are no proof


def by_id(ours: pa.Table, theirs: pa.Table, key: str) -> pa.Table:
    """Return the baseline's rows in the order of the candidate's.

    Raises:
        DataError: The tables do not have the same rows, or the column does not name them.
    """
    wanted, known = _ids(ours, key, "candidate"), _ids(theirs, key, "baseline")
    if wanted.type != known.type:
        try:
            known = known.cast(wanted.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # a value that does not fit; types without a cast
            raise DataError(
                "predictions.join_types",
                f"Column '{key}' holds {wanted.type} in the candidate's table and {known.type} in the baseline's.",
            ) from None
    places = pc.index_in(wanted, value_set=known)
    absent = pc.filter(wanted, pc.is_null(places))
    if len(absent) or len(known) != len(wanted):
        surplus = pc.filter(known, pc.invert(pc.is_in(known, value_set=wanted)))
        example = python_value((absent if len(absent) else surplus)[0])
        raise DataError(
            "predictions.unmatched",
            f"The tables do not have the same rows: of {len(wanted)} values of '{key}' {len(absent)} are not in the "
            f"baseline's table, and {len(surplus)} of the baseline's are not in the candidate's (for "
            f"example '{example}').",
            "Evaluate both models on the same rows.",
        )
    return theirs.take(places)


def _ids(table: pa.Table, key: str, whose: str) -> pa.Array:
    ids = table.column(key).combine_chunks()
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.chunk(0)
    if ids.null_count or len(pc.unique(ids)) != len(ids):
        what = "missing values" if ids.null_count else "repeated values"
        raise DataError(
            "predictions.ids",
            f"Column '{key}' of the {whose}'s table has {what}, so it does not identify rows.",
            "Join on a column with unique values, or omit the column to join by row order.",
        )
    return ids


def check_same_rows(
    ours: pa.Table, theirs: pa.Table, label: str, used: Sequence[str], join_on: str | None, shared: Sequence[str] = ()
) -> str:
    """Refuse tables of different rows, and return what is left to doubt: nothing where the pairing is confirmed.

    Joined by an id, rows belong together; what the evaluation reads of both tables must agree. Joined by their order,
    they belong together only as far as shared columns say so.

    Args:
        ours: The candidate's table.
        theirs: The baseline's rows that are to stand beside them.
        label: The label's column.
        used: The columns that both tables have and that figures or slices are made of.
        join_on: The column that they were joined by.
        shared: All columns that both tables have, predictions aside.

    Raises:
        DataError: The tables have different numbers of rows, or rows that do not belong together.
    """
    if ours.num_rows != theirs.num_rows:
        raise DataError(
            "predictions.row_count",
            f"The candidate's table has {ours.num_rows} rows and the baseline's {theirs.num_rows}.",
            "Evaluate both models on the same rows, or join the tables by a column.",
        )
    columns = {
        name: (_plain(ours.column(name)), _plain(theirs.column(name))) for name in dict.fromkeys((*used, *shared))
    }
    apart = {name: _differing(*pair) for name, pair in columns.items()}
    for name in used:
        if apart[name].any():
            raise _other_rows(name, label, columns, apart[name], join_on)
    return "" if join_on is not None else _doubt(columns, apart, label, [name for name in shared if name not in used])


def _doubt(
    columns: Mapping[str, tuple[pa.Array, pa.Array]],
    apart: Mapping[str, NDArray[np.bool_]],
    label: str,
    further: Sequence[str],
) -> str:
    """Return why columns that agree or differ do not show that rows in one order belong together.

    Raises:
        DataError: A further column, which nothing is read from, shows that they do not.
    """
    fresh = []
    for name in further:
        if apart[name].any():
            if _is_reordered(*columns[name], apart[name]):
                raise _other_rows(name, label, columns, apart[name], None)
            fresh += [name] if _is_id(columns[name][0]) and _is_id(columns[name][1]) else []
    agreeing = [columns[name][0] for name in columns if not apart[name].any()]
    if agreeing and _tells_order(agreeing, len(agreeing[0])):
        return ""
    why = "no shared column depends on the order" if columns else "the tables share no other column"
    if fresh:
        why = f"the values of '{fresh[0]}', one for each row, are others in each table"
    elif columns and not agreeing:
        why = "no column that they share has the same values"
    return (
        f"The tables were joined by the order of their rows, which cannot be verified: {why}. Rows in another order "
        "would compare the models on different examples. "
        + (
            _suggestion(columns, label)
            or f"Write a column of row ids to both tables, and name it with {argument('join_on')}."
        )
    )


def _other_rows(
    name: str,
    label: str,
    columns: Mapping[str, tuple[pa.Array, pa.Array]],
    apart: NDArray[np.bool_],
    join_on: str | None,
) -> DataError:
    ours, theirs = columns[name]
    rows = np.flatnonzero(apart)
    by = "in the same order" if join_on is None else f"the same under '{join_on}'"
    first = rows[:_SHOWN].tolist()
    examples = ", ".join(f"{python_value(ours[row])} and {python_value(theirs[row])} in row {row + 1}" for row in first)
    return DataError(
        "predictions.other_rows",
        f"The tables' rows are not {by}: '{name}' differs in {len(rows):,} of {len(apart):,} rows "
        f"({examples}; the candidate's first).",
        "Evaluate both models on the same rows."
        if join_on is not None
        else _suggestion(columns, label) or f"Join the tables by a column of row ids: {argument('join_on')}.",
    )


def _suggestion(columns: Mapping[str, tuple[pa.Array, pa.Array]], label: str) -> str:
    """Return which column to join by, where one has the same distinct values in both tables, in another order."""
    for name, (ours, theirs) in columns.items():
        alike = _is_id(ours) and _is_id(theirs) and ours.type == theirs.type
        if name != label and alike and not ours.equals(theirs) and pc.all(pc.is_in(ours, theirs)).as_py():
            return f"Join the tables by '{name}': {argument('join_on', name)}."
    return ""


def _is_id(values: pa.Array) -> bool:
    """Return whether each row has a unique value that is not a measurement."""
    return _is_named(values) and not values.null_count and len(pc.unique(values)) == len(values)


def _is_named(values: pa.Array) -> bool:
    return bool(pa.types.is_integer(values.type)) or _is_text(values.type)


def _is_reordered(ours: pa.Array, theirs: pa.Array, apart: NDArray[np.bool_]) -> bool:
    """Return whether a column that differs shows other rows or another order, rather than another prediction.

    That is an id of which both tables have most values; or the same values as often in both tables, where about as many
    rows differ as a shuffle leaves: two models' decisions are now and then as often positive, but on nearly the same
    rows.
    """
    if ours.type != theirs.type:
        return False
    if _is_named(ours) and _is_named(theirs) and len(pc.unique(ours)) >= _NEARLY_ALL * len(ours):
        return bool(pc.mean(pc.is_in(ours, theirs).cast(pa.float64())).as_py() >= _MOST)
    counts = [_counted(side) for side in (ours, theirs)]
    if counts[0] != counts[1]:
        return False
    shares = np.array(list(counts[0].values())) / len(ours)
    return bool(apart.mean() >= (1 - (shares**2).sum()) / 2)


def _tells_order(columns: Sequence[pa.Array], rows: int) -> bool:
    """Return whether rows in another order would show in columns that agree row by row.

    They show where the values name most rows, or change from row to row about as often as at random: then next to no
    shuffle leaves them as they are. In tables that are sorted by a label they are the same however rows with one label
    are ordered.
    """
    if rows <= 1:
        return True
    codes = np.zeros(rows, dtype=np.int64)
    for column in columns:
        own = pc.fill_null(pc.dictionary_encode(column).indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
        _, codes = np.unique(codes * (int(own.max(initial=0)) + 2) + own + 1, return_inverse=True)
        codes = codes.reshape(-1)
    counts = np.bincount(codes)
    orders = math.lgamma(rows + 1) - sum(math.lgamma(count + 1) for count in counts[counts > 1].tolist())
    if 2 * len(counts) >= rows:
        return len(counts) == rows or orders >= _UNLIKELY
    changes = 1 + np.count_nonzero(codes[1:] != codes[:-1])
    at_random = 1 + rows * (1 - ((counts / rows) ** 2).sum())
    return bool(orders >= _UNLIKELY and changes >= (len(counts) + at_random) / 2)


def _counted(values: pa.Array) -> dict[Any, int]:
    counted = pc.value_counts(values)
    return dict(zip(python_values(counted.field("values")), counted.field("counts").to_pylist(), strict=True))


def _differing(ours: pa.Array, theirs: pa.Array) -> NDArray[np.bool_]:
    """Return which rows differ; a missing value, or NaN, is the same in both tables."""
    if _is_number(ours.type) and _is_number(theirs.type) and ours.type != theirs.type:
        kind = pa.float32() if pa.float32() in {ours.type, theirs.type} else pa.float64()
        ours, theirs = ours.cast(kind, safe=False), theirs.cast(kind, safe=False)
    elif ours.type != theirs.type:
        ours, theirs = _alike(ours, theirs)
    if pa.types.is_floating(ours.type):
        one, other = (np.asarray(side.to_numpy(zero_copy_only=False)) for side in (ours, theirs))
        return np.asarray((one != other) & ~(np.isnan(one) & np.isnan(other)))
    if pa.types.is_null(ours.type):
        return np.zeros(len(ours), np.bool_)
    unequal = pc.fill_null(pc.not_equal(ours, theirs), False)
    missing = pc.xor(pc.is_null(ours), pc.is_null(theirs))
    return np.asarray(pc.or_(unequal, missing).to_numpy(zero_copy_only=False))


def _alike(ours: pa.Array, theirs: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return columns of two types as one: what a CSV has as text as the other table's type, if all of it can be."""
    try:
        if _is_text(ours.type) and not _is_text(theirs.type):
            return ours.cast(theirs.type), theirs
        if _is_text(theirs.type) and not _is_text(ours.type):
            return ours, theirs.cast(ours.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass  # "n/a" is not a number, so the columns differ there at least
    return _texts(ours), _texts(theirs)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array of values that can be compared: text for lists, maps and structs."""
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    is_nested = pa.types.is_nested(values.type) or pa.types.is_fixed_size_list(values.type)
    return _texts(values) if is_nested else values


def _texts(values: pa.Array) -> pa.Array:
    return pa.array([None if value is None else str(value) for value in python_values(values)], pa.string())


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))
