"""Tables of predictions: which columns hold what, and the candidate's and the baseline's rows side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.artifacts.sources import TableRows, rows_of
from assay.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engines.base import Source
    from assay.gating.limits import EvalConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The columns that a configuration names.

    Attributes:
        label: The label.
        weight: The weight of each row; None where all weigh 1.
        candidate: The candidate's predictions.
        baseline: The baseline's; None where the configuration names none of its own.
    """

    label: str
    weight: str | None
    candidate: str
    baseline: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Rows to evaluate.

    Attributes:
        source: The rows.
        keys: The columns; `baseline` is None where there is no baseline to compare with.
        columns: The names of the candidate's columns.
        whole: The same rows with all columns of the data, where `source` has only those that figures are made of.
    """

    source: Source
    keys: Keys
    columns: tuple[str, ...]
    whole: Source | None = None


def keys_of(config: EvalConfig) -> Keys:
    """Gives the columns that the configuration's model specs name.

    Raises:
        UsageError: One is missing, or the models do not share label and weight.
    """
    candidates = [spec for spec in config.model_specs if not spec.is_baseline]
    if len(candidates) != 1:
        raise UsageError(
            "eval_config.models",
            f"A table of predictions needs one model spec that is no baseline; eval_config has {len(candidates)}.",
            'Write model_specs { label_key: "label" prediction_key: "score" }.',
        )
    [candidate] = candidates
    for name in ("label_key", "prediction_key"):
        if not getattr(candidate, name):
            raise UsageError(
                f"eval_config.no_{name}",
                f"The model spec has no {name}; predictions from a table need it"
                + (f" ({name}s, for models with several outputs, is for models)." if getattr(candidate, f"{name}s")
                   else "."),
            )  # fmt: skip
    baseline = next((spec for spec in config.model_specs if spec.is_baseline), None)
    _check_shared(candidate, baseline)
    own = baseline.prediction_key if baseline is not None else ""
    return Keys(
        label=candidate.label_key,
        weight=candidate.example_weight_key or None,
        candidate=candidate.prediction_key,
        baseline=own if own and own != candidate.prediction_key else None,
    )


def model_specs_of(config: EvalConfig) -> tuple[Any, Any]:
    """Gives the model specs of the candidate and, where there is one, of the baseline, where models predict.

    Raises:
        UsageError: There is no candidate with a label, or the models do not share label and weight.
    """
    candidates = [spec for spec in config.model_specs if not spec.is_baseline]
    if len(candidates) != 1 or not candidates[0].label_key:
        raise UsageError(
            "eval_config.models",
            f"An evaluation needs one model spec with a label_key that is no baseline; there are {len(candidates)}"
            f"{' and it has none' if candidates else ''}.",
            'Write model_specs { label_key: "label" }.',
        )
    [candidate] = candidates
    baseline = next((spec for spec in config.model_specs if spec.is_baseline), None)
    _check_shared(candidate, baseline)
    return candidate, baseline


def _check_shared(candidate: Any, baseline: Any) -> None:
    for name in ("label_key", "example_weight_key"):
        if baseline is not None and getattr(baseline, name) not in {"", getattr(candidate, name)}:
            raise UsageError(
                "eval_config.models", f"Candidate and baseline must have the same {name} to be compared row by row."
            )


def open_predictions(
    config: EvalConfig, predictions: Any, baseline_predictions: Any = None, *, join_on: str | None = None
) -> Predictions:
    """Opens one table with the predictions of both models, or two tables.

    One table: the baseline's model spec names a column of its own; without one there is no baseline. Two tables: the
    second holds the baseline's predictions under the baseline's `prediction_key`, else under the candidate's; rows
    belong together by their order, or by `join_on`.

    Args:
        config: The configuration.
        predictions: Anything that `assay.artifacts.sources.rows_of` reads.
        baseline_predictions: The same.
        join_on: A column of distinct values that both tables have.

    Raises:
        UsageError: The configuration does not say which columns to read, or nothing can be joined.
        DataError: A table cannot be read or lacks a column, or the tables do not have the same rows.
    """
    keys = keys_of(config)
    source = rows_of(predictions)
    columns = columns_of(source)
    if not columns:
        raise DataError("evaluator.no_examples", "There is no row to evaluate in the table of predictions.")
    if baseline_predictions is None:
        if join_on is not None:
            raise UsageError("predictions.join", "Joining takes a second table: give the baseline's predictions.")
        for name in filter(None, (keys.label, keys.weight, keys.candidate, keys.baseline)):
            _require(name, columns, "the table of predictions")
        return Predictions(source=source, keys=keys, columns=tuple(columns))
    other = rows_of(baseline_predictions)
    ours = _table(source, None)
    theirs_key = keys.baseline or keys.candidate
    theirs_columns = columns_of(other)
    _require(theirs_key, theirs_columns, "the baseline's table")
    for name in filter(None, (keys.label, keys.weight, keys.candidate)):
        _require(name, columns, "the candidate's table")
    if join_on is not None:
        _require(join_on, columns, "the candidate's table", "The tables are to be joined on")
        _require(join_on, theirs_columns, "the baseline's table", "The tables are to be joined on")
    shared = [name for name in dict.fromkeys((join_on, keys.label)) if name is not None and name in theirs_columns]
    theirs = _table(other, [theirs_key, *(name for name in shared if name != theirs_key)])
    theirs = theirs if join_on is None else _by_id(ours, theirs, join_on)
    _check_same_rows(ours, theirs, keys.label, join_on)
    name = _free_name(theirs_key, ours.column_names)
    joined = ours.append_column(name, theirs.column(theirs_key))
    return Predictions(
        source=TableRows(joined),
        keys=Keys(label=keys.label, weight=keys.weight, candidate=keys.candidate, baseline=name),
        columns=tuple(columns),
    )


def columns_of(source: Source) -> list[str]:
    """Gives the names of a source's columns, from its first rows."""
    for shard in source.shards:
        for batch in shard.batches():
            return [str(name) for name in batch.schema.names]
    return []


def _require(name: str, columns: Sequence[str], where: str, who: str = "eval_config names") -> None:
    if name not in columns:
        raise DataError(
            "predictions.no_such_column",
            f"{who} the column '{name}', which {where} does not have.",
            did_you_mean(name, columns),
        )


def _table(source: Source, columns: list[str] | None) -> pa.Table:
    batches = [batch for shard in source.shards for batch in shard.batches(columns)]
    if not batches:
        raise DataError("evaluator.no_examples", "There is no row to evaluate in the table of predictions.")
    return pa.Table.from_batches(batches).combine_chunks()


def _by_id(ours: pa.Table, theirs: pa.Table, key: str) -> pa.Table:
    """Gives the baseline's rows in the order of the candidate's."""
    wanted, known = _ids(ours, key, "candidate"), _ids(theirs, key, "baseline")
    if wanted.type != known.type:
        try:
            known = known.cast(wanted.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
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


def _check_same_rows(ours: pa.Table, theirs: pa.Table, label: str, join_on: str | None) -> None:
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


def _free_name(name: str, taken: Sequence[str]) -> str:
    name = f"{name} of the baseline"
    while name in taken:
        name += "'"
    return name
