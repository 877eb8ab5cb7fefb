"""Which rows of two tables belong together."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import DataError


def by_id(ours: pa.Table, theirs: pa.Table, key: str) -> pa.Table:
    """Gives the baseline's rows in the order of the candidate's.

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
        example = (absent if len(absent) else surplus)[0].as_py()
        raise DataError(
            "predictions.unmatched",
            f"The tables do not have the same rows: of {len(wanted)} values of '{key}' {len(absent)} are not in the "
            f"baseline's table, and {len(surplus)} of the baseline's are not in the candidate's ('{example}' for one).",
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
            f"Column '{key}' of the {whose}'s table has {what}, so it names no rows.",
            "Join on a column with a value of its own in each row, or leave the column out to join by row order.",
        )
    return ids


def check_same_rows(ours: pa.Table, theirs: pa.Table, label: str, join_on: str | None) -> None:
    """Refuses tables of different rows, as far as their numbers and labels tell.

    Raises:
        DataError: They differ.
    """
    if ours.num_rows != theirs.num_rows:
        raise DataError(
            "predictions.row_count",
            f"The candidate's table has {ours.num_rows} rows and the baseline's {theirs.num_rows}.",
            "Evaluate both models on the same rows, or join the tables by a column.",
        )
    if label not in theirs.column_names:
        return
    mine, other = ours.column(label).to_pylist(), theirs.column(label).to_pylist()
    different = next((row for row, pair in enumerate(zip(mine, other, strict=True)) if _differ(*pair)), None)
    if different is not None:
        by = "in the same order" if join_on is None else f"the same under '{join_on}'"
        raise DataError(
            "predictions.other_rows",
            f"The tables' rows are not {by}: the label '{label}' of row {different + 1} is {mine[different]} in the "
            f"candidate's table and {other[different]} in the baseline's.",
            "Join the tables by a column of row ids." if join_on is None else "",
        )


def _differ(one: Any, other: Any) -> bool:
    """Whether two labels differ; NaN, which is no number in either table, is the same in both."""
    return bool(one != other and (one == one or other == other))  # noqa: PLR0124 - only NaN is not itself
