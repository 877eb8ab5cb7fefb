"""How what a model gives names its classes.

A SavedModel has an output for it. A function gives an array; or a frame, a table or a dict with a column a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from assay.artifacts.sources import rows_of
from assay.errors import DataError
from assay.kernels.metrics.rows import numbers

if TYPE_CHECKING:
    import numpy.typing as npt


ALL_CLASSES: Final = "all_classes"
"""TFMA's name (`ALL_CLASSES_KEY`) for the classes of a list of predictions, in the list's order."""


def names_in(made: Any) -> tuple[str, ...]:
    """Gives the names of classes; none where what was made is an array, or has a single column."""
    names = tuple(name for name, _ in _columns(made))
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError("evaluator.class_names", f"The function's predictions name the class '{doubled[0]}' twice.")
    return names if len(names) > 1 else ()


def array_of_output(made: Any, order: Sequence[str], who: str) -> npt.NDArray[Any]:
    """Gives what a function made as an array: of named columns those of `order`, one a class.

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
            "Give a column for each class in every call: columns=model.classes_, for one.",
        )
    columns = _columns(made)
    if not columns:
        return np.asarray(made)
    by_name = dict(columns)
    found = [_numbers(by_name[name], name, who) for name in order or by_name]
    return np.stack(found, axis=1)


def _columns(made: Any) -> list[tuple[str, Any]]:
    """Gives named columns; nothing of what has none."""
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
                f"The {who} gives a dict whose '{name}' has shape {list(values.shape)}; a number a row is expected, "
                "the prediction of a class.",
                "Give the array itself, or a dict with a column for each class.",
            )
        column = pa.array(values)
    what = f"{name} (a prediction of the {who})"
    return numbers(pa.RecordBatch.from_arrays([column], [what]), what)
