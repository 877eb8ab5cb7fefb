"""Whether labels are numbers or names of classes, whose names, and what to write where that cannot be known."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from assay.errors import DataError
from assay.evaluation.labels import ClassNames, is_list, is_text, listed, texts_of
from assay.evaluation.named_columns import NamedPrediction, Naming, aligned, check_same_classes, find_named, ordered
from assay.evaluation.plan import plan_of
from assay.evaluation.slicing import specs_of
from assay.gating.slicing import feature_of
from assay.gating.verdict import Check, Verdict
from assay.kernels.metrics.rows import booleans_of
from assay.models.inputs import ExampleBatch
from assay.models.predictor import ALL_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from assay.engines.base import Source
    from assay.evaluation.tables import Keys
    from assay.gating.thresholds import EvalConfig
    from assay.models.predictor import JudgedModel

_SHOWN_NAMES = 3  # names in an example of what to write
_NAME_THEM = (
    "Return names from a function, as in pandas.DataFrame(model.predict_proba(rows), columns=model.classes_), or a "
    f"SavedModel an output '{ALL_CLASSES}'."
)
CLASSES: Final = "classes"
"""The kind of check that says which number is which class."""

_CLASS_ID = re.compile(r"classId:(\d+)")
_TRIED_ROWS = 2  # rows that tell what a model gives; of one row some models give no array of rows


def naming_of(
    config: EvalConfig,
    label: str,
    labels: pa.Array,
    found: Mapping[str, tuple[str | None, NamedPrediction | ClassNames | None]],
    columns: Sequence[str],
) -> Naming | None:
    """Return how names of classes become numbers; None where nothing is named.

    Args:
        config: The configuration.
        label: The column of labels.
        labels: Some of them.
        found: By whose they are, the candidate's first, the columns of predictions (None where a model makes them) and
            how they name their classes; a `ClassNames` where they are lists already, in this order.
        columns: The names of all columns.

    Raises:
        DataError: Labels are names and nothing says which prediction is of which class; or the models' classes are not
            the same.
    """
    named = {whose: one for whose, (_, one) in found.items() if one is not None}
    if not named:
        return None
    first, leading = next(iter(named.items()))
    classes = leading.classes if isinstance(leading, NamedPrediction) else leading
    way = classes.way_of(labels.type, label)
    for whose, (column, one) in found.items():
        if one is None and way != "numbers" and not classes.are_numbers:
            raise DataError(
                "evaluator.class_names",
                f"The classes of {first} have names ({listed(classes.names)}), and {whose} do not say which class each "
                "number is of.",
                _NAME_THEM if column is None else f"{_what_to_write(column, classes.names)}.",
            )
    return Naming(
        classes=classes,
        label=label,
        numbered=label if label not in _read_besides(config) else free_name(f"{label} as class number", columns),
        way=way,
        predictions=tuple(
            one if one is leading else aligned(one, classes.names, whose, first)
            for whose, one in named.items()
            if isinstance(one, NamedPrediction)
        ),
    )


def refuse_names(label: str, labels: pa.Array, column: str, predictions: pa.DataType | None) -> None:
    """Refuses labels that are names where predictions have none, and says what to write.

    Args:
        label: The column of labels.
        labels: Some of them.
        column: The column of predictions, for the message.
        predictions: Its type; None where a model gives an array.

    Raises:
        DataError: The labels are names.
    """
    kind = labels.type
    if not is_text(kind.value_type if is_list(kind) else kind):
        return
    texts = texts_of(labels, label)
    if texts.null_count == len(texts) or pa.types.is_boolean(booleans_of(texts).type):
        return
    names = sorted(set(texts.drop_null().to_pylist()))[:_SHOWN_NAMES]
    if predictions is None:
        hint = f"Write labels as class numbers from 0, or name the classes. {_NAME_THEM}"
    elif is_list(predictions):
        hint = f"Write labels as class numbers from 0, or name the classes. {_what_to_write(column, names)}."
    elif is_text(predictions):
        hint = (
            f"Column '{column}' holds names, too: metrics need a prediction of each class. Write a column for each "
            f"({_columns(column, names)}), with 1 for the class that is predicted and 0 for the others if need be."
        )
    else:
        hint = (
            "Write labels as 0 and 1, or a column of predictions for each class "
            f"({_columns(column, names)}): a single number per row does not identify its class."
        )
    raise DataError("metrics.not_numeric", f"Column '{label}' should contain numbers, but contains {kind}.", hint)


def free_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that no column has."""
    while name in taken:
        name += "'"
    return name


def _what_to_write(column: str, names: Sequence[str]) -> str:
    return (
        f"Write a column of predictions for each class ({_columns(column, names)}), a struct of the classes, or beside "
        f"the lists a column '{ALL_CLASSES}' with the list of their names"
    )


def _columns(column: str, names: Sequence[str]) -> str:
    return ", ".join(f"{column}.{name}" for name in names[:_SHOWN_NAMES])


def _read_besides(config: EvalConfig) -> Iterator[Any]:
    """Name the columns that slices and ranking metrics read."""
    for spec in specs_of(config):
        yield from map(feature_of, (*spec.feature_keys, *spec.feature_values))
    for metric in plan_of(config).metrics:
        yield from (metric.query, metric.gain)


def told_by_name(verdict: Verdict, naming: Naming | None) -> Verdict:
    """Return the verdict; where classes have names, with these in sentences and a check that lists them by number.

    What names a check stays as it is: waivers and histories know checks by that.
    """
    sentence = classes_told(naming)
    if naming is None or sentence is None:
        return verdict
    line = Check(
        id=f"{CLASSES}:{naming.label}",
        kind=CLASSES,
        ok=True,
        applied=False,
        severity="info",
        subject=naming.label or "",
        sentence=sentence,
        details={"classes": list(naming.classes.names)},
    )
    named = [_named(check, naming) for check in verdict.checks]
    summary = verdict.summary  # which quotes the sentence that tells most
    for before, after in zip(verdict.checks, named, strict=True):
        summary = summary.replace(before.sentence, after.sentence)
    return replace(verdict, summary=summary, checks=(*named, line))


def classes_told(naming: Naming | None) -> str | None:
    """Return a sentence with the numbers of classes; None if they have no other names."""
    if naming is None or naming.classes.are_numbers:
        return None
    return f"The classes of '{naming.label}' by number: {naming.classes.told()}."


def _named(check: Check, naming: Naming) -> Check:
    names = naming.classes.names

    def with_name(found: re.Match[str]) -> str:
        number = int(found[1])
        return f"{found[0]} ({names[number]})" if number < len(names) else found[0]

    return replace(check, sentence=check.sentence.replace(check.subject, _CLASS_ID.sub(with_name, check.subject)))


def name_classes(
    config: EvalConfig, source: Source, keys: Keys, judged: Sequence[JudgedModel]
) -> tuple[Naming | None, tuple[JudgedModel, ...]]:
    """Return how classes become numbers, None where nothing is named, and the models that hand predictions on in order.

    A function is called with two rows to see; a SavedModel only where labels are text, and it has `all_classes`.

    Args:
        config: The configuration.
        source: The examples.
        keys: Which columns are what.
        judged: The models.

    Raises:
        DataError: Labels are names and nothing says which prediction is of which class; or the models' classes are not
            the same.
    """
    models = {one.column: one for one in judged}
    columns = {"the model's predictions": keys.candidate, "the baseline's predictions": keys.baseline}
    told = any(callable(one.model) or one.has_vocabulary for one in judged)
    first = _first(source) if told or {*columns.values()} - {None, *models} else None
    if first is None or keys.label not in first.schema.names:
        return None, tuple(judged)
    labels = first.column(first.schema.get_field_index(keys.label))
    others = [name for name in (keys.label, keys.weight, keys.candidate, keys.baseline) if name is not None]
    found: dict[str, tuple[str | None, NamedPrediction | ClassNames | None]] = {}
    for whose, column in columns.items():
        if column is not None:
            one = models.get(column)
            classes = find_named(source, first.schema, column, others) if one is None else _classes(one, first, labels)
            found[whose] = (column if one is None else None, classes)
    naming = naming_of(config, keys.label, labels, found, first.schema.names)
    if naming is None:
        kinds = {field.name: field.type for field in first.schema}
        if told or keys.candidate in kinds:
            refuse_names(keys.label, labels, keys.candidate, kinds.get(keys.candidate))
        return None, tuple(judged)
    in_order = {}
    for whose, (_, classes) in found.items():
        column = columns[whose]
        if column is not None and isinstance(classes, ClassNames):
            check_same_classes(classes.names, naming.classes.names, whose, next(iter(found)))
            in_order[column] = replace(models[column], names=classes.names, order=naming.classes.names)
    agree = all(one.names == one.order for one in in_order.values())
    return replace(naming, models_agree=agree), tuple(in_order.get(one.column, one) for one in judged)


def _classes(model: JudgedModel, first: pa.RecordBatch, labels: pa.Array) -> ClassNames | None:
    few = ExampleBatch(first.slice(0, _TRIED_ROWS))
    if callable(model.model):
        names = model.class_names(few)
        return ClassNames(names=ordered(names)) if names else None
    kind = labels.type.value_type if is_list(labels.type) else labels.type
    names = model.class_names(few) if is_text(kind) and model.has_vocabulary else ()
    return ClassNames(names=names, order="vocabulary") if names else None


def _first(source: Source) -> pa.RecordBatch | None:
    """Return the first batch that has rows."""
    batches = (batch for shard in source.shards for batch in shard.batches())
    return next((batch for batch in batches if batch.num_rows), None)
