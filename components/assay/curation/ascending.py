"""Which columns never fall from one row to the next; statistics do not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(slots=True)
class AscendingState:
    """Of each column: its first and last value, and whether it rose or stood still all the way; it can be pickled.

    Attributes:
        columns: First and last value; None for a column that fell somewhere.
    """

    columns: dict[str, tuple[Any, Any] | None] = field(default_factory=dict)

    def follow(self, name: str, part: tuple[Any, Any] | None) -> None:
        """Adds what comes after."""
        known = self.columns.get(name, part)
        if known is None or part is None:
            self.columns[name] = None
        elif name not in self.columns:
            self.columns[name] = part
        else:
            self.columns[name] = (known[0], part[1]) if known[1] <= part[0] else None


class AscendingColumns:
    """Finds the columns of integers and times whose values never fall, as an accumulator over record batches.

    Missing values are passed over.

    Args:
        columns: The columns to look at; all by default.
    """

    def __init__(self, columns: Sequence[str] | None = None) -> None:
        self._columns = None if columns is None else frozenset(columns)

    def create(self) -> AscendingState:
        """Gives the state of no rows."""
        return AscendingState()

    def add_batch(self, state: AscendingState, batch: pa.RecordBatch) -> AscendingState:
        """Adds the rows of one batch to `state`, in place."""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if self._columns is not None and name not in self._columns:
                continue
            if not (pa.types.is_integer(column.type) or pa.types.is_temporal(column.type)):
                continue
            values = column.drop_null()
            if len(values):
                rises = pc.all(pc.less_equal(values[:-1], values[1:]), min_count=0).as_py()
                state.follow(name, (values[0].as_py(), values[-1].as_py()) if rises else None)
        return state

    def merge(self, states: Sequence[AscendingState]) -> AscendingState:
        """Gives the state of all rows, in order."""
        result, *others = states
        for other in others:
            for name, part in other.columns.items():
                result.follow(name, part)
        return result

    def extract(self, state: AscendingState) -> dict[str, bool]:
        """Gives, for each column of integers or times, whether its values never fall."""
        return {name: ends is not None for name, ends in state.columns.items()}
