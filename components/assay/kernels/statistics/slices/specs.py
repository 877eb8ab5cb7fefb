"""How a dataset is cut into slices."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from assay.errors import UsageError

Period = Literal["year", "quarter", "month", "week", "day", "hour", "minute"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicingSpec:
    """One way to cut a dataset; all parts of it are crossed.

    A row belongs to a slice for each combination of its values, and to none where it lacks one of the features. Slices
    are named as TFDV names them: feature and value joined by `_`, crosses in the order of the features' names, such as
    `payment_type_Cash_trip_start_hour_3`; a bin as `fare_[10.0,20.0)`, a time as `start_2024-03`.

    Attributes:
        feature_keys: Columns each of whose values is a slice.
        feature_values: Columns with the values that are slices; others are left out.
        bins: Numeric columns with ascending boundaries. Bins are closed below; the first and the last reach to
            infinity.
        periods: Columns of times with the length of the slices. Integers are times where the schema has a time domain
            with their format.
        where: A condition that the rows must meet, such as `fare > 10 and company == 'Blue'`. A slice by nothing else
            is named by this text, and is there even if no row meets it; in a cross the text comes last.
        name: In the place of the text of `where`.
    """

    feature_keys: tuple[str, ...] = ()
    feature_values: dict[str, tuple[str | int, ...]] = field(default_factory=dict)
    bins: dict[str, tuple[float, ...]] = field(default_factory=dict)
    periods: dict[str, Period] = field(default_factory=dict)
    where: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        """Refuses what cannot cut anything.

        Raises:
            UsageError: Nothing is given, a column is named twice, or boundaries do not ascend.
        """
        columns = self.columns
        if not columns and self.where is None:
            raise UsageError("statistics.slice", "A slicing specification must name a column or a condition.")
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise UsageError("statistics.slice", f"A slicing specification names {', '.join(twice)} twice.")
        for column, boundaries in self.bins.items():
            if not boundaries or any(low >= high for low, high in pairwise(boundaries)):
                raise UsageError("statistics.slice", f"The boundaries of '{column}' must ascend: {boundaries}.")
        given: Any = self.feature_values
        for column, values in given.items():
            if isinstance(values, str):  # which would be taken for its letters
                raise UsageError("statistics.slice", f"The values of '{column}' must be a list: [{values!r}].")
        if self.name is not None and self.where is None:
            raise UsageError("statistics.slice", "Only a condition (`where`) can be given a name.")

    @property
    def columns(self) -> list[str]:
        """The columns that rows are sliced by, in addition to those in the condition."""
        return [*self.feature_keys, *self.feature_values, *self.bins, *self.periods]
