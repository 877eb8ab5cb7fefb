"""From examples and a model to rows that metrics are computed of: labels, predictions, weights and slicing features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.data.sources import rows_of
from assay.errors import ArtifactError, DataError, UsageError, argument, did_you_mean
from assay.kernels.metrics.rows import numbers
from assay.models.inputs import ExampleBatch, chosen
from assay.models.saved_model import SERVING_DEFAULT, open_model
from assay.spec.user_code import run_user_code

if TYPE_CHECKING:
    from assay.engines.base import Shard, Source
    from assay.models.saved_model import ServedModel

ALL_CLASSES: Final = "all_classes"
"""TFMA's name (`ALL_CLASSES_KEY`) for the classes of a list of predictions, in the list's order."""
# Rows of one call: with fewer the calls cost, with more the tensors between the layers leave the processor's caches.
_CALL_ROWS = 8192
# Rows of each call on which the judged signature is compared with the one that is served.
_COMPARED_ROWS = 256
# Where a model has several outputs and no prediction_key says which: TFMA's names, in its order.
_PREDICTIONS = ("scores", "outputs", "predictions", "logistic", "probabilities", "logits")
# Preprocessing that TFMA calls where a model spec names none, and the model has it.
_DEFAULT_PREPROCESSING = ("transformed_features", "transformed_labels")

Predict: TypeAlias = Callable[[pa.RecordBatch], Any]
"""A Python model: an array of predictions, a number or a row of numbers each, for the rows of a batch; or a data frame,
an Arrow table or a dict with a column of predictions for each class, named for it."""


def names_in(made: Any) -> tuple[str, ...]:
    """Return the names of classes; none where what was made is an array, or has a single column."""
    names = tuple(name for name, _ in _columns(made))
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError("evaluator.class_names", f"The function's predictions name the class '{doubled[0]}' twice.")
    return names if len(names) > 1 else ()


def array_of_output(made: Any, order: Sequence[str], who: str) -> npt.NDArray[Any]:
    """Return a function's result as an array: of named columns those of `order`, one per class.

    Args:
        made: What the function gave for a batch.
        order: The names of the classes that it gave for the first rows; empty where it gave none.
        who: The model, for messages.

    Raises:
        DataError: It does not name the same classes for all rows, or a column holds no numbers.
    """
    names = names_in(made)
    if {*names} != {*order} and (order or names):
        raise DataError(
            "evaluator.other_classes",
            f"The {who} gives predictions of {', '.join(order) or 'classes without names'} for the first rows, and of "
            f"{', '.join(names) or 'classes without names'} for others.",
            "Give a column for each class in every call: for example columns=model.classes_.",
        )
    columns = _columns(made)
    if not columns:
        return np.asarray(made)
    by_name = dict(columns)
    found = [_numbers(by_name[name], name, who) for name in order or by_name]
    return np.stack(found, axis=1)


def _columns(made: Any) -> list[tuple[str, Any]]:
    """Return named columns; nothing of what has none."""
    if isinstance(made, Mapping):
        return [(str(name), column) for name, column in made.items()]
    if isinstance(made, pa.StructArray):
        return list(zip([field.name for field in made.type], made.flatten(), strict=True))
    is_frame = isinstance(made, pa.Table | pa.RecordBatch) or (
        hasattr(made, "columns") and (hasattr(made, "__arrow_c_stream__") or hasattr(made, "__dataframe__"))
    )
    if not is_frame:
        return []
    table = rows_of(made).table
    return list(zip(table.column_names, table.columns, strict=True))


def _numbers(column: Any, name: str, who: str) -> npt.NDArray[np.float64]:
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if not isinstance(column, pa.Array):
        values = np.asarray(column)
        if values.ndim != 1:
            raise DataError(
                "evaluator.shape",
                f"The {who} gives a dict whose '{name}' has shape {list(values.shape)}; expected one number per row, "
                "the prediction of a class.",
                "Give the array itself, or a dict with a column for each class.",
            )
        column = pa.array(values)
    what = f"{name} (a prediction of the {who})"
    return numbers(pa.RecordBatch.from_arrays([column], [what]), what)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedModel:
    """A model and what is asked of it.

    Attributes:
        role: `model` or `baseline model`, for messages.
        column: The name that its predictions get.
        model: The folder of a SavedModel, a Keras file or a function.
        signature_name: The signature of predictions; empty for the default one.
        preprocessing: Signatures that transform features; empty for TFMA's default ones.
        prediction_key: The output, of several.
        names: The classes as the model names them; empty where it names none.
        order: The classes in the order in which their predictions are handed on.
    """

    role: str
    column: str
    model: Path | Predict
    signature_name: str = ""
    preprocessing: tuple[str, ...] = ()
    prediction_key: str = ""
    names: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def check(self) -> None:
        """Load the model and look for its signatures.

        Raises:
            ArtifactError: It cannot be loaded.
            UsageError: It lacks a signature.
        """
        if not isinstance(self.model, Path):
            return
        try:
            served = open_model(self.model)
        except ArtifactError as error:
            # A baseline that cannot be loaded does not make this a first run.
            code = "evaluator.model_unloadable" if self.role == "model" else "evaluator.baseline_unloadable"
            raise ArtifactError(code, f"The {self.role} at {self.model} cannot be loaded: {error.message}") from error
        served.signature_name(self.signature_name)
        for name in self.preprocessing:
            if name not in served.signatures:
                raise UsageError(
                    "eval_config.signature",
                    f"eval_config's preprocessing_function_names '{name}' is not a signature of the {self.role}.",
                    did_you_mean(name, served.signatures),
                )

    def predict(self, batch: ExampleBatch) -> npt.NDArray[Any]:
        """Return a prediction, or a row of them, for each row."""
        if not isinstance(self.model, Path):
            return array_of_output(self._called(self.model, batch), self.order, self.role)
        served = open_model(self.model)
        name = served.signature_name(self.signature_name)
        signature = served.signatures[name]
        key = self._output(list(signature.outputs))
        values = served.call(name, batch.inputs(signature.inputs), [key])[key]
        if name not in {self.signature_name, SERVING_DEFAULT} and SERVING_DEFAULT in served.signatures:
            self._check_served(served, batch, name, values)
        return self._in_order(values, key)

    def _check_served(self, served: ServedModel, batch: ExampleBatch, judged: str, values: npt.NDArray[Any]) -> None:
        """Check that the signature that servers use by default predicts what the judged one does.

        Raises:
            UsageError: It does not, on one of the first rows of a batch, or its predictions cannot be compared.
        """
        few = ExampleBatch(batch.rows.slice(0, _COMPARED_ROWS))
        signature = served.signatures[SERVING_DEFAULT]
        try:
            key = self._output(list(signature.outputs))
            other = served.call(SERVING_DEFAULT, few.inputs(signature.inputs), [key])[key]
        except (DataError, UsageError) as error:
            why = f"cannot be compared: {error.message}"
        else:
            mine = values[: len(other)]
            if mine.size == other.size and _same_predictions(mine.reshape(-1), other.reshape(-1)):
                return
            why = "do not predict the same"
        raise UsageError(
            "eval_config.signature",
            f"The {self.role} at {served.path} has the signatures '{judged}', which would be judged, and "
            f"'{SERVING_DEFAULT}', which servers use by default; they {why}.",
            f"Set signature_name in model_specs to the signature that is served, such as '{SERVING_DEFAULT}'.",
        )

    def _in_order(self, values: npt.NDArray[Any], key: str) -> npt.NDArray[Any]:
        """Return a SavedModel's predictions in the order of classes that all models share."""
        if not self.names or values.ndim > 2:
            return values
        width = values.shape[1] if values.ndim == 2 else 1
        if width == len(self.names):
            return values[:, [self.names.index(name) for name in self.order]]
        if (width, len(self.names)) == (1, 2) and self.names == self.order:
            return values  # of the second class, as TensorFlow's estimators give it
        raise DataError(
            "evaluator.other_classes",
            f"The {self.role} names {len(self.names)} classes in '{ALL_CLASSES}' ({', '.join(self.names)}), and its "
            f"output '{key}' has {width} values per row, but does not name their classes.",
            "Set prediction_key in model_specs to an output with a prediction for each class.",
        )

    def class_names(self, batch: ExampleBatch) -> tuple[str, ...]:
        """Return the names of classes from a function's result, or from a SavedModel's `all_classes`."""
        if not isinstance(self.model, Path):
            return names_in(self._called(self.model, batch))
        if not self.has_vocabulary:
            return ()
        served = open_model(self.model)
        name = served.signature_name(self.signature_name)
        found = served.call(name, batch.inputs(served.signatures[name].inputs), [ALL_CLASSES])[ALL_CLASSES]
        first = found.reshape(-1, found.shape[-1])[0]  # as TFMA, which leaves the dimensions of batches out
        return tuple(one.decode() if isinstance(one, bytes) else str(one) for one in first)

    @property
    def has_vocabulary(self) -> bool:
        """Whether it is a SavedModel with an output that names its classes."""
        if not isinstance(self.model, Path):
            return False
        served = open_model(self.model)
        return ALL_CLASSES in served.signatures[served.signature_name(self.signature_name)].outputs

    def _called(self, model: Predict, batch: ExampleBatch) -> Any:
        with run_user_code(getattr(model, "__name__", "the model"), None):
            return model(batch.rows)

    def transform(self, batch: ExampleBatch, wanted: set[str]) -> dict[str, npt.NDArray[Any]]:
        """Return the features of `wanted` that the model's preprocessing makes."""
        if not isinstance(self.model, Path):
            return {}
        served = open_model(self.model)
        names = self.preprocessing or [name for name in _DEFAULT_PREPROCESSING if name in served.signatures]
        found: dict[str, npt.NDArray[Any]] = {}
        for name in names:
            signature = served.signatures[name]
            outputs = [key for key in signature.outputs if key in wanted]
            if outputs:
                found |= served.call(name, batch.inputs(signature.inputs), outputs)
        return found

    def _output(self, outputs: Sequence[str]) -> str:
        if len(outputs) == 1:
            return outputs[0]
        choices = [self.prediction_key] if self.prediction_key else _PREDICTIONS
        for name in choices:
            if name in outputs:
                return name
        raise UsageError(
            "eval_config.prediction_key",
            f"The {self.role} has several outputs, {', '.join(sorted(outputs))}; eval_config must say "
            "which one to evaluate.",
            did_you_mean(self.prediction_key, outputs) or "Set prediction_key in model_specs.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """Makes the rows of an evaluation; a worker that gets it loads each model once.

    Attributes:
        models: The candidate, then the baseline where there is one.
        features: The columns to keep by name, or to take from the models' preprocessing,
            with what eval_config calls each.
        labels: Of the features, what must be the same for all models: labels and weights.
        plain: Of the features, those that are left as they are read, where a `tf.Example` would hold numbers in place
            of times and booleans.
        whole: Whether all other columns of the examples are kept, too.
    """

    models: tuple[JudgedModel, ...]
    features: Mapping[str, str]
    labels: tuple[str, ...]
    plain: tuple[str, ...] = ()
    whole: bool = False

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with the features and a column of predictions for each model.

        Raises:
            DataError: A feature is missing; a model refuses the examples or loses rows; the models' preprocessing
                disagrees on the label.
        """
        made = [self._rows(batch.slice(start, _CALL_ROWS)) for start in range(0, batch.num_rows, _CALL_ROWS)]
        return pa.Table.from_batches(made).combine_chunks().to_batches()[0] if len(made) > 1 else made[0]

    def _rows(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        batch = ExampleBatch(rows)
        transformed = [one.transform(batch, set(self.features)) for one in self.models]
        for one, found in zip(self.models[1:], transformed[1:], strict=True):
            self._check_same(transformed[0], found, one)
        columns = {}
        for name, what in self.features.items():
            if name in self.plain and name in rows.schema.names:
                columns[name] = rows.column(rows.schema.get_field_index(name))
                continue
            made = next((found[name] for found in transformed if name in found), None)
            columns[name] = _feature(batch, name, what, transformed) if made is None else _column(made, len(rows), name)
        for one in self.models:
            columns[one.column] = _column(one.predict(batch), rows.num_rows, f"the predictions of the {one.role}")
        if self.whole:
            columns = {name: rows.column(at) for at, name in enumerate(rows.schema.names)} | columns
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def _check_same(self, ours: Mapping[str, Any], theirs: Mapping[str, Any], baseline: JudgedModel) -> None:
        for name in self.labels:
            if name in ours and name in theirs and not np.array_equal(ours[name], theirs[name]):
                raise DataError(
                    "evaluator.other_labels",
                    f"The preprocessing of the model and of the {baseline.role} give different values of '{name}' for "
                    "the same examples, so their metrics cannot be compared row by row.",
                    f"Use a label from the examples, or set {argument('engine', 'tfma')}, which compares each model "
                    "with its own.",
                )


@dataclass(frozen=True, slots=True)
class PredictedShard:
    """A shard of examples with the models' predictions."""

    shard: Shard
    predictor: Predictor

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read examples and predict, batch by batch."""
        for batch in self.shard.batches():
            if batch.num_rows:
                made = self.predictor(batch)
                yield made if columns is None else chosen(made, columns)


@dataclass(frozen=True, slots=True)
class PredictedRows:
    """Examples with the models' predictions: a Source, which any engine can read.

    Attributes:
        source: The examples.
        predictor: What predicts.
    """

    source: Source
    predictor: Predictor

    @property
    def shards(self) -> Sequence[PredictedShard]:
        """The parts, in order."""
        return [PredictedShard(shard, self.predictor) for shard in self.source.shards]

    @property
    def bounded(self) -> bool:
        """Whether the examples are bounded."""
        return self.source.bounded


def _feature(batch: ExampleBatch, name: str, what: str, transformed: Sequence[Mapping[str, Any]]) -> pa.Array:
    """Return a column as a `tf.Example` holds it, so that slices are named as TFMA names them."""
    index = batch.columns.schema.get_field_index(name)
    if index < 0:
        known = {*batch.columns.schema.names, *(key for found in transformed for key in found)}
        raise DataError(
            "evaluator.no_such_feature",
            f"eval_config names the {what}, which neither the examples nor the model's transformed features have.",
            did_you_mean(name, known),
        )
    return batch.columns.column(index)


def _same_predictions(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Return whether two signatures predict the same, apart from float32 rounding."""
    if np.issubdtype(one.dtype, np.floating) and np.issubdtype(other.dtype, np.floating):
        return bool(np.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True))
    return np.array_equal(one, other)


def _column(values: npt.NDArray[Any], rows: int, what: str) -> pa.Array:
    """Return one value per row for an output of shape `[n]` or `[n, 1]`, else one list per row."""
    if values.ndim == 0 or len(values) != rows:
        raise DataError("evaluator.rows_lost", f"{what} have shape {list(values.shape)} for {rows} examples.")
    if values.ndim > 2:
        raise DataError(
            "evaluator.shape",
            f"{what} have shape {list(values.shape)}; expected one number, or one list of numbers, per row.",
        )
    flat = values.reshape(-1)
    column = pa.array(flat.tolist() if flat.dtype == object else flat)
    if values.ndim == 1 or values.shape[1] == 1:
        return column
    width = values.shape[1]
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * width), column)
