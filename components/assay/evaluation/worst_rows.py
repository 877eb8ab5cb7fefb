"""The rows by which a failing slice became worse: where candidate and baseline differ most."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.display import slices_named, visible
from assay.evaluation.accumulation import BASELINE, CANDIDATE, row_columns
from assay.gating.metric_values import SliceKey, number, slice_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assay.evaluation.tables import Predictions
    from assay.gating.verdict import Check, Verdict
    from assay.kernels.metrics.rows import EvaluatedRows, Floats
    from assay.kernels.metrics.slices import SlicingSpec

FLIPS_TABLE: Final = "flips.parquet"
MOST_SLICES: Final = 20
MOST_ROWS: Final = 20
_THRESHOLDS: Final = frozenset({"value_threshold", "change_threshold"})
_OWN: Final = ("slice", "rank", "row", "worse_by")
_TOLD = 3  # rows of a slice that a verdict names; the table has the rest


def failing_slices(verdict: Verdict, slices: Iterable[SliceKey]) -> tuple[SliceKey, ...]:
    """Return the slices of failed thresholds, in the verdict's order: at most 20. A pair of slices gives both."""
    by_name = {slice_name(key): key for key in slices}
    names: dict[str, None] = {}
    for check in verdict.failed:
        if check.kind in _THRESHOLDS:
            names.update(dict.fromkeys(slices_named(check.slice)))
    return tuple(by_name[name] for name in names if name in by_name)[:MOST_SLICES]


def flips_of(predictions: Predictions, slicing: tuple[SlicingSpec, ...], slices: Sequence[SliceKey]) -> pa.Table:
    """Return the rows of each slice where the candidate is worst compared with the baseline: at most 20 each.

    A row is worse by as much as its prediction is farther from its label (for classes: by as much as the label's class
    lost; for lists of labels: by half the sum over them, which of one label is the same), and by infinity where the
    candidate alone gave no number. Rows where it did no worse are none.

    Args:
        predictions: The rows, with a baseline.
        slicing: The slices that the rows are cut into.
        slices: Those to look at.

    Returns:
        `slice`, `rank` (from 1), `row` (from 0) and `worse_by` before the columns of the data; an underscore is put
        after the name of a column of these names.
    """
    keys = predictions.keys
    columns = row_columns(keys.label, keys.weight, keys.candidate, keys.baseline, slicing)
    best: dict[SliceKey, list[tuple[Floats, Floats, pa.RecordBatch]]] = {key: [] for key in slices}
    start = 0
    for shard in (predictions.whole or predictions.source).shards:
        for batch in shard.batches():
            rows = columns.rows(batch)
            worse = _worse(rows)
            for key in slices:
                chosen = _most(worse, _in_slice(rows, key) & (worse > 0) & (rows.weights != 0))
                best[key].append((worse[chosen], chosen + start, batch.take(pa.array(chosen))))
            start += batch.num_rows
    return _plain(pa.concat_tables([_table(key, parts) for key, parts in best.items()]))


def tell(verdict: Verdict, flips: pa.Table, predictions: Predictions, join_on: str | None) -> Verdict:
    """Return the verdict with the first rows of each failing slice in the details of its failed checks."""
    told: dict[str, list[str]] = {}
    for row in flips.to_pylist():
        if row["rank"] <= _TOLD:
            told.setdefault(row["slice"], []).append(_said(row, predictions, join_on))

    def with_rows(check: Check) -> Check:
        lines = told.get(check.slice)
        if check.ok or lines is None or check.kind not in _THRESHOLDS:
            return check
        return replace(check, details=check.details | {"flips": list(lines)})

    return replace(verdict, checks=tuple(with_rows(check) for check in verdict.checks))


def _said(row: dict[str, Any], predictions: Predictions, join_on: str | None) -> str:
    keys, naming = predictions.keys, predictions.naming
    which = f"row {row['row']}" if join_on is None else f"{join_on}={row[_column(join_on)]}"
    label, ours, theirs = (row[_column(name or "")] for name in (keys.label, keys.candidate, keys.baseline))
    if naming is not None:
        label = label if isinstance(label, list) else naming.classes.own([label], naming.way)[0].as_py()
        ours, theirs = (naming.by_name(one) if isinstance(one, list) else one for one in (ours, theirs))
    return visible(f"{which}: label {_shown(label)}, candidate {_shown(ours)}, baseline {_shown(theirs)}")


def own_rows(flips: pa.Table, predictions: Predictions) -> pa.Table:
    """Return the rows with labels and predictions by the names that the data has for classes."""
    keys = predictions.keys
    models = [_column(name) for name in (keys.candidate, keys.baseline) if name is not None]
    return flips if predictions.naming is None else predictions.naming.own(flips, models)


def _column(name: str) -> str:
    return f"{name}_" if name in _OWN else name


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "[" + ", ".join(f"{name} {_shown(item)}" for name, item in value.items()) + "]"
    return number(value) if isinstance(value, float) else str(value)


def _worse(rows: EvaluatedRows) -> Floats:
    """Return how much worse the candidate did on each row; 0 where nothing tells."""
    ours, theirs = rows.predictions[CANDIDATE], rows.predictions[BASELINE]
    with np.errstate(invalid="ignore"):
        if ours.ndim == 2 and ours.shape == theirs.shape:
            worse = _lost(rows.labels, ours, theirs)
        elif ours.ndim == theirs.ndim == rows.labels.ndim == 1:
            worse = np.abs(ours - rows.labels) - np.abs(theirs - rows.labels)
            worse = np.where(np.isnan(rows.labels), np.abs(ours - theirs), worse)
        else:
            return np.zeros(len(rows))
    broken = np.isnan(ours).reshape(len(rows), -1).any(axis=1) & ~np.isnan(theirs).reshape(len(rows), -1).any(axis=1)
    return np.where(broken, np.inf, np.where(np.isnan(worse), 0.0, worse))


def _lost(labels: Floats, ours: Floats, theirs: Floats) -> Floats:
    if labels.shape == ours.shape:
        return np.asarray((np.abs(ours - labels) - np.abs(theirs - labels)).sum(axis=1) / 2)
    if labels.ndim == 2:
        return np.full(len(labels), np.nan)
    known = (labels >= 0) & (labels < ours.shape[1])
    classes = np.where(known, labels, 0).astype(np.int64)[:, None]
    lost = np.take_along_axis(theirs - ours, classes, axis=1)[:, 0]
    return np.where(known, lost, np.nan)


def _in_slice(rows: EvaluatedRows, key: SliceKey) -> Any:
    holds = np.array([key in cell for cell in rows.cells.keys], dtype=np.bool_)
    return holds[rows.cells.codes] if len(holds) else np.zeros(len(rows), dtype=np.bool_)


def _most(worse: Floats, allowed: Any) -> Any:
    places = np.flatnonzero(allowed)
    return places[np.argsort(-worse[places], kind="stable")[:MOST_ROWS]]


def _plain(table: pa.Table) -> pa.Table:
    """Unwrap lists of one value, and decode bytes that are text, as `tf.Example` files contain them."""
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if (pa.types.is_list(field.type) or pa.types.is_large_list(field.type)) and len(column):
            lengths = pc.fill_null(pc.list_value_length(column), 0)
            if pc.min(lengths).as_py() == pc.max(lengths).as_py() == 1:
                column = pc.list_flatten(column)
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            try:
                column = column.cast(pa.string())
            except pa.ArrowInvalid:
                continue  # bytes that are not text, such as an image
        table = table.set_column(index, field.name, column)
    return table


def _table(key: SliceKey, parts: list[tuple[Floats, Floats, pa.RecordBatch]]) -> pa.Table:
    worse, row = (np.concatenate([part[column] for part in parts]) for column in (0, 1))
    data = pa.Table.from_batches([part[2] for part in parts])
    order = np.argsort(-worse, kind="stable")[:MOST_ROWS]
    own = [
        pa.array([slice_name(key)] * len(order), pa.string()),
        pa.array(np.arange(1, len(order) + 1), pa.int64()),
        pa.array(row[order], pa.int64()),
        pa.array(worse[order], pa.float64()),
    ]
    names = [*_OWN, *(_column(name) for name in data.column_names)]
    return pa.Table.from_arrays([*own, *data.take(pa.array(order)).columns], names=names)
