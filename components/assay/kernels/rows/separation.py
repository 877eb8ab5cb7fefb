"""Separates a batch's clean rows from the rejected ones, each rejected row with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from assay.errors import UsageError
from assay.kernels.identity import written_columns
from assay.kernels.rows.rule import breach_sentence
from assay.kernels.rows.validation import BatchOutcome, judge

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from assay.kernels.rows.duplicate_keys import DuplicateKeys
    from assay.kernels.rows.rule_set import RuleSet

ROW: Final = "assay_row"
RULES: Final = "assay_rules"
REASONS: Final = "assay_reasons"
SENTENCE: Final = "assay_sentence"

REASON_FIELDS: Final = (
    pa.field(ROW, pa.int64()),
    pa.field(RULES, pa.list_(pa.string())),
    pa.field(REASONS, pa.list_(pa.string())),
    pa.field(SENTENCE, pa.string()),
)
"""What a rejected row has in addition to its own columns: its number, the broken rules' ids and codes, a sentence."""


@dataclass(frozen=True, slots=True)
class SeparatedBatch:
    """A batch in two parts, which together hold each of its rows once.

    Attributes:
        num_rows: Rows of the batch.
        clean: Rows that break no rule of severity `error`, in their order.
        rejected: The others, with `REASON_FIELDS`; `assay_row` counts from the first row of the batch.
        broken: For each rule that some row breaks, how many do; warnings included.
    """

    num_rows: int
    clean: pa.RecordBatch
    rejected: pa.RecordBatch
    broken: dict[str, int]


class Separation:
    """A function of batches, for `engine.map`: separates each.

    Args:
        rules: The rules.
        duplicates: What `find_duplicates` gave, for each of `rules.unique_rules`.
        texts: The columns that are written as the text of their cells.
    """

    def __init__(
        self,
        rules: RuleSet,
        duplicates: Mapping[str, DuplicateKeys] | None = None,
        texts: Collection[str] = (),
    ) -> None:
        self._rules = rules
        self._duplicates = duplicates or {}
        self._texts = texts

    def __call__(self, batch: pa.RecordBatch) -> SeparatedBatch:
        """Separates a batch.

        Raises:
            UsageError: A column of the data has the name of one of `REASON_FIELDS`.
        """
        outcome = judge(self._rules, batch, self._duplicates)
        pairs = written_columns(batch.schema, self._texts)
        if pairs != [(name, name) for name in batch.schema.names]:
            columns = [batch.column(batch.schema.get_field_index(held)) for _, held in pairs]
            batch = pa.RecordBatch.from_arrays(columns, [name for name, _ in pairs])
        schema = rejected_schema(batch.schema)
        rows = np.flatnonzero(outcome.rejected)
        broken = {
            rule.id: int(np.count_nonzero(mask))
            for rule, mask in zip(self._rules.naming_rules, outcome.masks, strict=True)
            if mask is not None
        }
        columns = [column.take(pa.array(rows)) for column in batch.columns]
        reasons = _reasons(outcome)
        rejected = pa.RecordBatch.from_arrays([*columns, pa.array(rows), *reasons], schema=schema)
        clean = batch.filter(pa.array(~outcome.rejected)) if len(rows) else batch
        return SeparatedBatch(batch.num_rows, clean, rejected, broken)


def rejected_schema(schema: pa.Schema) -> pa.Schema:
    """Return the columns of rejected rows, for data of a schema.

    Raises:
        UsageError: A column of the data has the name of one of `REASON_FIELDS`.
    """
    taken = [field.name for field in REASON_FIELDS if field.name in schema.names]
    if taken:
        raise UsageError(
            "rows.reserved_column",
            f"The data has a column '{taken[0]}', which is reserved for the reasons of quarantined rows.",
            "Rename the column.",
        )
    return pa.schema([*schema, *REASON_FIELDS])


def _reasons(outcome: BatchOutcome) -> list[pa.Array]:
    """Ids, codes and sentence for each rejected row, in the rules' order; warnings of a rejected row are included."""
    rejected = outcome.rejected
    place = np.cumsum(rejected) - 1
    size = int(np.count_nonzero(rejected))
    ids: list[list[str]] = [[] for _ in range(size)]
    codes: list[list[str]] = [[] for _ in range(size)]
    sentences: list[list[str]] = [[] for _ in range(size)]
    for rule, mask in zip(outcome.rules.naming_rules, outcome.masks, strict=True):
        if mask is None:
            continue
        rows = np.flatnonzero(mask & rejected)
        for at, found in zip(place[rows].tolist(), outcome.found(rule, rows), strict=True):
            ids[at].append(rule.id)
            codes[at].append(rule.reason)
            sentences[at].append(breach_sentence(rule, found))
    texts = pa.list_(pa.string())
    return [
        pa.array(ids, texts),
        pa.array(codes, texts),
        pa.array([" ".join(several) for several in sentences], pa.string()),
    ]
