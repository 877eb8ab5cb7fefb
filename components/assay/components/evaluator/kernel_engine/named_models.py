"""How models, and columns of predictions beside them, name their classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assay.components.evaluator.inference.example_batch import ExampleBatch
from assay.components.evaluator.kernel_engine.class_names import ClassNames, is_list, is_text
from assay.components.evaluator.kernel_engine.named_predictions import (
    NamedPrediction,
    check_same_classes,
    find_named,
    ordered,
)
from assay.components.evaluator.kernel_engine.naming import naming_of, refuse_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from assay.components.evaluator.inference.predicting import JudgedModel
    from assay.components.evaluator.kernel_engine.named_rows import Naming
    from assay.components.evaluator.kernel_engine.predictions import Keys
    from assay.engines.base import Source
    from assay.gating.limits import EvalConfig

_FEW = 2  # rows that tell what a model gives; of one row some models give no array of rows


def name_classes(
    config: EvalConfig, source: Source, keys: Keys, judged: Sequence[JudgedModel]
) -> tuple[Naming | None, tuple[JudgedModel, ...]]:
    """Gives how classes become numbers, None where nothing is named, and the models that hand predictions on in order.

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
    few = ExampleBatch(first.slice(0, _FEW))
    if callable(model.model):
        names = model.class_names(few)
        return ClassNames(names=ordered(names)) if names else None
    kind = labels.type.value_type if is_list(labels.type) else labels.type
    names = model.class_names(few) if is_text(kind) and model.has_vocabulary else ()
    return ClassNames(names=names, order="vocabulary") if names else None


def _first(source: Source) -> pa.RecordBatch | None:
    """Gives the first batch that has rows."""
    batches = (batch for shard in source.shards for batch in shard.batches())
    return next((batch for batch in batches if batch.num_rows), None)
