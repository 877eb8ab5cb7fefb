"""A user's own function as a rule: its parameters name columns, and it says which rows are good.

```python
def tips_are_modest(tips: np.ndarray, fare: np.ndarray) -> np.ndarray:
    '''Tips are at most the fare.'''
    return tips <= fare
```
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np
import pyarrow as pa

from assay.errors import UsageError, UserCodeError
from assay.kernels.rows.rule import Rule

if TYPE_CHECKING:
    from assay.kernels.rows.batch_columns import BatchColumns, Mask
    from assay.kernels.rows.record import Record
    from assay.kernels.rows.rule import Severity

_EXAMPLE = "Annotate it as: def check(fare: np.ndarray, tips: pa.Array) -> np.ndarray."


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRule(Rule):
    """A function over columns gives True for each good row; null or None is as good as True.

    A parameter annotated `pa.Array` gets the column as Arrow holds it; one annotated `np.ndarray` gets numbers as
    doubles with NaN for missing ones, and other values as objects with None.

    Attributes:
        function: The user's function; a module-level one where the rule is to be pickled.
        wants_arrow: For each column, whether the function asks for an Arrow array.
    """

    function: Callable[..., Any]
    wants_arrow: tuple[bool, ...]

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows for which the function gives False."""
        arrays = [batch.array(name) for name in self.columns]
        return self._ask([pa.nulls(batch.num_rows) if array is None else array for array in arrays], batch.num_rows)

    def breaks(self, record: Record) -> bool:
        """Return whether the function, asked about this one row, gives False."""
        return bool(self._ask([pa.array([record.values.get(name)]) for name in self.columns], 1)[0])

    def _ask(self, arrays: list[pa.Array], num_rows: int) -> Mask:
        arguments = [
            array if arrow else _for_numpy(array) for array, arrow in zip(arrays, self.wants_arrow, strict=True)
        ]
        try:
            answer = self.function(*arguments)
        except Exception as error:
            raise UserCodeError(
                "rows.function_raised", f"The row rule '{self.id}' raised {type(error).__name__}: {error}"
            ) from error
        return ~_good_rows(self.id, answer, num_rows)


def function_rule(function: Callable[..., Any], *, severity: Severity = "error", id: str = "") -> FunctionRule:  # noqa: A002
    """Make a rule of an annotated function: parameters name columns, the docstring's first line the expectation.

    Args:
        function: Takes arrays of equal length, gives one boolean a row.
        severity: See `Rule`.
        id: See `Rule`; the function's name by default.

    Raises:
        UsageError: The function has no parameters, or one without an annotation that says which array it takes.
    """
    name = getattr(function, "__name__", type(function).__name__)
    try:
        hints = get_type_hints(function)
    except (NameError, TypeError) as error:
        raise UsageError("rows.function_signature", f"The annotations of {name} cannot be read: {error}.") from error
    columns = tuple(inspect.signature(function).parameters)
    if not columns:
        raise UsageError("rows.function_signature", f"The row rule {name} has no parameter to name a column.", _EXAMPLE)
    wants_arrow = []
    for column in columns:
        hint = str(hints.get(column, ""))
        if "ndarray" not in hint and "pyarrow" not in hint:
            raise UsageError(
                "rows.function_signature", f"The parameter '{column}' of {name} does not say what it takes.", _EXAMPLE
            )
        wants_arrow.append("ndarray" not in hint)
    summary = (inspect.getdoc(function) or name).splitlines()[0].rstrip(".")
    return FunctionRule(
        id=id or name,
        reason="FUNCTION_FALSE",
        columns=columns,
        expectation=summary,
        severity=severity,
        function=function,
        wants_arrow=tuple(wants_arrow),
    )


def _for_numpy(array: pa.Array) -> Any:
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_boolean(array.type):
        return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    return array.to_numpy(zero_copy_only=False)


def _good_rows(rule_id: str, answer: Any, num_rows: int) -> Mask:
    if isinstance(answer, pa.Array | pa.ChunkedArray):
        answer = answer.to_pylist()
    good = np.asarray(answer)
    if good.dtype == object:
        good = np.array([each is None or each for each in good])
    if good.dtype != np.bool_ or good.shape != (num_rows,):
        raise UsageError(
            "rows.function_result",
            f"The row rule '{rule_id}' gave {good.dtype} of shape {good.shape} for {num_rows} rows; "
            "expected one boolean a row.",
        )
    return good
