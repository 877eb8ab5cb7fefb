"""One batch held against rules: which rows break which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.kernels.identity import key_column
from assay.kernels.python_values import python_values
from assay.kernels.rows.batch_columns import BatchColumns
from assay.kernels.rows.key_rules import UniqueRule
from assay.kernels.rows.structure_rules import KnownColumnsRule
from assay.kernels.rows.value_tests import shortest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from assay.kernels.rows.batch_columns import Mask
    from assay.kernels.rows.duplicate_keys import DuplicateKeys
    from assay.kernels.rows.rule import RowRule
    from assay.kernels.rows.rule_set import RuleSet


@dataclass(frozen=True)
class BatchOutcome:
    """Which rows of a batch break which rules.

    Attributes:
        rules: The rules.
        columns: The batch.
        masks: For each of `rules.naming_rules` the rows that break it; None where none does.
    """

    rules: RuleSet
    columns: BatchColumns
    masks: tuple[Mask | None, ...]

    @cached_property
    def rejected(self) -> Mask:
        """Rows that break a rule of severity `error`."""
        rejected = np.zeros(self.columns.num_rows, np.bool_)
        for rule, mask in zip(self.rules.naming_rules, self.masks, strict=True):
            if mask is not None and rule.severity == "error":
                rejected |= mask
        return rejected

    def found(self, rule: RowRule | UniqueRule, rows: NDArray[np.intp]) -> list[Any]:
        """The offending values of some rows: of the rule's column, or a dict where it reads several."""
        names = rule.columns
        if isinstance(rule, KnownColumnsRule):
            names = tuple(name for name in self.columns.names if name not in rule.known)
        elif len(names) == 1:
            return self._values(names[0], rows)
        values = [self._values(name, rows) for name in names]
        keep_missing = not isinstance(rule, KnownColumnsRule)
        return [
            {name: value for name, value in zip(names, row, strict=True) if keep_missing or value is not None}
            for row in zip(*values, strict=True)
        ]

    def records(self, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
        """Some rows as dicts of Python values."""
        names = self.columns.names
        return [
            dict(zip(names, row, strict=True))
            for row in zip(*(self._values(name, rows) for name in names), strict=True)
        ]

    def _values(self, name: str, rows: NDArray[np.intp]) -> list[Any]:
        array = key_column(self.columns.batch, name)
        values = python_values(array.take(pa.array(rows)))
        if not pa.types.is_float32(array.type):
            return values
        # What was written into the file: 14.23, and not 14.229999542236328.
        return [value if value is None or not math.isfinite(value) else shortest(value) for value in values]


def judge(rules: RuleSet, batch: pa.RecordBatch, duplicates: Mapping[str, DuplicateKeys]) -> BatchOutcome:
    """Holds a batch against rules.

    Args:
        rules: The rules.
        batch: The rows.
        duplicates: For each of `rules.unique_rules` the keys that occur twice in the whole data set.
    """
    columns = BatchColumns(batch)
    last_use = {name: at for at, rule in enumerate(rules.row_rules) for name in rule.columns}
    masks: list[Mask | None] = []
    with np.errstate(all="ignore"):  # numbers of the data may overflow: infinity and NaN are what the rules compare
        for at, rule in enumerate(rules.row_rules):
            masks.append(_unless_empty(rule.mask(columns)))
            # Wide data: at no time are all columns taken apart, nor is there a mask for each rule.
            columns.forget(name for name in rule.columns if last_use[name] == at)
    masks += [_unless_empty(duplicates[rule.id].mask(rule, batch)) for rule in rules.unique_rules]
    return BatchOutcome(rules, columns, tuple(masks))


def _unless_empty(mask: Mask | None) -> Mask | None:
    return mask if mask is not None and mask.any() else None
