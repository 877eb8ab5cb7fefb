"""Whether labels are numbers or names of classes, whose names, and what to write where that cannot be known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.components.evaluator.inference.named_output import ALL_CLASSES
from assay.components.evaluator.kernel_engine.class_names import is_list, is_text, listed, texts_of
from assay.components.evaluator.kernel_engine.named_predictions import NamedPrediction, aligned
from assay.components.evaluator.kernel_engine.named_rows import Naming
from assay.components.evaluator.kernel_engine.plan import plan_of
from assay.components.evaluator.kernel_engine.slicing import specs_of
from assay.errors import DataError
from assay.gating.slicing import feature_of
from assay.kernels.metrics.rows import booleans_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from assay.components.evaluator.kernel_engine.class_names import ClassNames
    from assay.gating.limits import EvalConfig

_FEW = 3  # names in an example of what to write
_NAME_THEM = (
    "Let a function give names, as in pandas.DataFrame(model.predict_proba(rows), columns=model.classes_), or a "
    f"SavedModel an output '{ALL_CLASSES}'."
)


def naming_of(
    config: EvalConfig,
    label: str,
    labels: pa.Array,
    found: Mapping[str, tuple[str | None, NamedPrediction | ClassNames | None]],
    columns: Sequence[str],
) -> Naming | None:
    """Gives how names of classes become numbers; None where nothing is named.

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
    names = sorted(set(texts.drop_null().to_pylist()))[:_FEW]
    if predictions is None:
        hint = f"Write labels as the numbers of classes from 0, or name the classes. {_NAME_THEM}"
    elif is_list(predictions):
        hint = f"Write labels as the numbers of classes from 0, or name the classes. {_what_to_write(column, names)}."
    elif is_text(predictions):
        hint = (
            f"Column '{column}' holds names, too: metrics need a prediction of each class. Write a column for each "
            f"({_columns(column, names)}), with 1 for the class that is predicted and 0 for the others if need be."
        )
    else:
        hint = (
            "Write labels as 0 and 1, or a column of predictions for each class "
            f"({_columns(column, names)}): one number a row does not say which class it is of."
        )
    raise DataError("metrics.not_numeric", f"Column '{label}' should hold numbers, but holds {kind}.", hint)


def free_name(name: str, taken: Sequence[str]) -> str:
    """Gives a name that no column has."""
    while name in taken:
        name += "'"
    return name


def _what_to_write(column: str, names: Sequence[str]) -> str:
    return (
        f"Write a column of predictions for each class ({_columns(column, names)}), a struct of the classes, or beside "
        f"the lists a column '{ALL_CLASSES}' with the list of their names"
    )


def _columns(column: str, names: Sequence[str]) -> str:
    return ", ".join(f"{column}.{name}" for name in names[:_FEW])


def _read_besides(config: EvalConfig) -> Iterator[Any]:
    """Names the columns that slices and ranking metrics read."""
    for spec in specs_of(config):
        yield from map(feature_of, (*spec.feature_keys, *spec.feature_values))
    for metric in plan_of(config).metrics:
        yield from (metric.query, metric.gain)
