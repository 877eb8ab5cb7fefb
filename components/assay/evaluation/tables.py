"""Tables of predictions: which columns hold what, and the candidate's and the baseline's rows side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from assay.data.csv import CsvTable
from assay.data.csv_types import CsvOptions
from assay.data.sources import TableRows, as_text, rows_of
from assay.errors import DataError, UsageError, did_you_mean
from assay.evaluation.joining import by_id, check_same_rows
from assay.evaluation.labels import ClassNames
from assay.evaluation.named_columns import NamedPrediction, NamedRows, Naming, aligned, find_named
from assay.evaluation.naming import free_name, naming_of, refuse_names
from assay.evaluation.plan import plan_of
from assay.evaluation.slicing import specs_of
from assay.gating.slicing import feature_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.engines.base import Source
    from assay.gating.thresholds import EvalConfig

Found: TypeAlias = tuple[str, NamedPrediction | ClassNames | None]
"""A column of predictions, and how it names its classes."""


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
        naming: How the data names its classes, which are numbers here; None where it does not.
        doubt: Why it is not sure that the baseline's rows are the candidate's; empty where it is.
    """

    source: Source
    keys: Keys
    columns: tuple[str, ...]
    whole: Source | None = None
    naming: Naming | None = None
    doubt: str = ""


def keys_of(config: EvalConfig) -> Keys:
    """Return the columns that the configuration's model specs name.

    Raises:
        UsageError: One is missing, or the models do not share label and weight.
    """
    candidates = [spec for spec in config.model_specs if not spec.is_baseline]
    if len(candidates) != 1:
        raise UsageError(
            "eval_config.models",
            f"A table of predictions requires one model spec that is not a baseline; eval_config has "
            f"{len(candidates)}.",
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
    """Return the model specs of the candidate and, where there is one, of the baseline, where models predict.

    Raises:
        UsageError: There is no candidate with a label, or the models do not share label and weight.
    """
    candidates = [spec for spec in config.model_specs if not spec.is_baseline]
    if len(candidates) != 1 or not candidates[0].label_key:
        raise UsageError(
            "eval_config.models",
            f"An evaluation requires one model spec with a label_key that is not a baseline; found {len(candidates)}"
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
    config: EvalConfig,
    predictions: Any,
    baseline_predictions: Any = None,
    *,
    join_on: str | None = None,
    csv: CsvOptions | None = None,
) -> Predictions:
    """Open one table with the predictions of both models, or two tables.

    One table: the baseline's model spec names a column of its own; without one there is no baseline. Two tables: the
    second holds the baseline's predictions under the baseline's `prediction_key`, else under the candidate's; rows
    belong together by their order, or by `join_on`.

    Args:
        config: The configuration.
        predictions: Anything that `assay.data.sources.rows_of` reads.
        baseline_predictions: The same.
        join_on: A column of distinct values that both tables have.
        csv: How the cells of a CSV are read.

    Raises:
        UsageError: The configuration does not say which columns to read, or nothing can be joined.
        DataError: A table cannot be read or lacks a column, or the tables do not have the same rows.
    """
    keys = keys_of(config)
    source, other = _opened(config, predictions, baseline_predictions, join_on, csv or CsvOptions())
    first = _first(source)
    columns = tuple(map(str, first.schema.names))
    named = (keys.label, keys.weight, keys.candidate, keys.baseline, join_on)
    ours = find_named(source, first.schema, keys.candidate, filter(None, named))
    if other is None:
        if join_on is not None:
            raise UsageError("predictions.join", "Joining requires a second table: give the baseline's predictions.")
        found: dict[str, Found] = {"the predictions": (keys.candidate, ours)}
        if keys.baseline is not None:
            theirs = find_named(source, first.schema, keys.baseline, filter(None, named))
            found["the baseline's predictions"] = (keys.baseline, theirs)
        known = (*columns, *(column for column, one in found.values() if one is not None))
        for name in filter(None, (keys.label, keys.weight, keys.candidate, keys.baseline)):
            _require(name, known, "the table of predictions")
        return _numbered(config, Predictions(source=source, keys=keys, columns=known), first, found)
    if keys.baseline is None and _is_same(predictions, baseline_predictions):
        raise UsageError(
            "predictions.same_table",
            f"The candidate's and the baseline's predictions are the same table and column ('{keys.candidate}'): "
            "a model cannot be compared with itself.",
            "Give the baseline's own table, or a model spec with is_baseline and the baseline's prediction_key.",
        )
    found = {"the candidate's predictions": (keys.candidate, ours)}
    known = columns if ours is None else (*columns, keys.candidate)
    for name in filter(None, (keys.label, keys.weight, keys.candidate)):
        _require(name, known, "the candidate's table")
    joined, name, classes, doubt = _joined(config, source, other, keys, ours, join_on)
    found["the baseline's predictions"] = (keys.baseline or keys.candidate, classes)
    keys = replace(keys, baseline=name)
    opened = Predictions(source=TableRows(joined), keys=keys, columns=known, doubt=doubt)
    return _numbered(config, opened, first, found)


def _opened(
    config: EvalConfig, predictions: Any, baseline_predictions: Any, join_on: str | None, csv: CsvOptions
) -> tuple[Source, Source | None]:
    """Open the tables; codes of a CSV that name slices or rows are text, so that 007 and 7 differ."""
    source = rows_of(predictions, csv=csv)
    other = None if baseline_predictions is None else rows_of(baseline_predictions, csv=replace(csv, optional=True))
    keys = (key for spec in specs_of(config) for key in (*spec.feature_keys, *spec.feature_values))
    naming = {key for key in keys if feature_of(key) == key}  # numbers that are cut into bins stay numbers
    naming |= {join_on} if join_on is not None else set()
    codes = {name for table in (source, other) if isinstance(table, CsvTable) for name in table.codes(naming)}
    return as_text(source, codes), None if other is None else as_text(other, codes)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, str | Path) and isinstance(other, str | Path):
        return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)
    return one is other


def _joined(
    config: EvalConfig, source: Source, other: Source, keys: Keys, named: NamedPrediction | None, join_on: str | None
) -> tuple[pa.Table, str, ClassNames | None, str]:
    """Return the candidate's rows with the baseline's predictions, their name, those of their classes, and a doubt."""
    ours, key = _table(source, None), keys.baseline or keys.candidate
    theirs = find_named(other, _first(other).schema, key, filter(None, (keys.label, keys.weight, join_on)))
    if theirs is not None and named is not None:
        theirs = aligned(theirs, named.order, "the baseline's predictions", "the candidate's")
    if theirs is not None:
        other = NamedRows(other, Naming(classes=theirs.classes, label=None, predictions=(theirs,)))
    columns = columns_of(other)
    _require(key, columns, "the baseline's table")
    if join_on is not None:
        _require(join_on, ours.column_names, "the candidate's table", "The tables are to be joined on")
        _require(join_on, columns, "the baseline's table", "The tables are to be joined on")
    of_models = {keys.candidate, key, *(reads for one in (named, theirs) if one is not None for reads in one.reads)}
    shared = [name for name in ours.column_names if name in columns and name not in of_models]
    used = [name for name in _read_columns(config, keys) if name in shared]
    kept = dict.fromkeys((*([join_on] if join_on is not None else []), *(shared if join_on is None else used)))
    table = _table(other, [key, *(name for name in kept if name != key)])
    table = table if join_on is None else by_id(ours, table, join_on)
    doubt = check_same_rows(ours, table, keys.label, used, join_on, shared if join_on is None else ())
    name = free_name(f"{key} of the baseline", ours.column_names)
    return ours.append_column(name, table.column(key)), name, None if theirs is None else theirs.classes, doubt


def _read_columns(config: EvalConfig, keys: Keys) -> list[str]:
    """Return the columns that figures and slices are made of, predictions aside."""
    sliced = [feature_of(name) for spec in specs_of(config) for name in (*spec.feature_keys, *spec.feature_values)]
    ranked = [name for one in plan_of(config).metrics for name in (one.query, one.gain)]
    return list(dict.fromkeys(filter(None, (keys.label, keys.weight, *sliced, *ranked))))


def _numbered(
    config: EvalConfig, opened: Predictions, first: pa.RecordBatch, found: Mapping[str, Found]
) -> Predictions:
    """Return the rows with class numbers in place of names, if there are names."""
    keys = opened.keys
    labels = first.column(first.schema.get_field_index(keys.label))
    naming = naming_of(config, keys.label, labels, found, opened.columns)
    if naming is None:
        kind = first.schema.field(first.schema.get_field_index(keys.candidate)).type
        refuse_names(keys.label, labels, keys.candidate, kind)
        return opened
    source = NamedRows(opened.source, naming)
    return replace(opened, source=source, keys=replace(keys, label=naming.numbered), naming=naming)


def _first(source: Source) -> pa.RecordBatch:
    """Return the first rows."""
    for shard in source.shards:
        for batch in shard.batches():
            if batch.num_columns:
                return batch
    raise DataError("evaluator.no_examples", "The table of predictions has no rows to evaluate.")


def columns_of(source: Source) -> list[str]:
    """Return the names of a source's columns, from its first rows."""
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
        raise DataError("evaluator.no_examples", "The table of predictions has no rows to evaluate.")
    return pa.Table.from_batches(batches).combine_chunks()
