"""Validates a dataset's rows: an accumulator over batches, and the passes that keys of the whole dataset need."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from assay.kernels.identity import key_column
from assay.kernels.python_values import python_values
from assay.kernels.row_hash import row_hashes
from assay.kernels.rows.batch_columns import BatchColumns
from assay.kernels.rows.duplicate_keys import CandidateKeys, DuplicateKeys, KeyHashes
from assay.kernels.rows.row_report import RowReport, RuleOutcome, SampleRow
from assay.kernels.rows.rule import ShareRule, UniqueRule
from assay.kernels.rows.structure_rules import KnownColumnsRule
from assay.kernels.rows.value_tests import shortest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from assay.kernels.rows.batch_columns import BatchColumn, Mask, ValueTest
    from assay.kernels.rows.rule import DatasetRule, RowRule
    from assay.kernels.rows.rule_set import RuleSet

_MOST_PENDING = 1 << 20
R = TypeVar("R")
SAMPLE_ROWS = 5


class Reduce(Protocol):
    """Feeds every batch of a dataset to an accumulator: `partial(engine.reduce, source)`."""

    def __call__(self, accumulator: Any, /) -> Any:
        """Return what the accumulator extracts."""
        ...


@dataclass(slots=True)
class ValidationState:
    """The rows so far; it can be pickled.

    Attributes:
        num_rows: Rows.
        num_rejected: Rows that break a rule of severity `error`.
        num_broken: For each rule that names rows, how many break it.
        samples: For each of these, the first rows that do.
        counters: For each rule about the whole dataset, what it counts.
        columns: Columns that some batch has.
    """

    num_rows: int
    num_rejected: int
    num_broken: NDArray[np.int64]
    samples: list[list[SampleRow]]
    counters: list[DistinctValues | FailingValues]
    columns: set[str] = field(default_factory=set)


class RowValidation:
    """An accumulator that counts the rows that break each rule and keeps the first of them.

    The result depends on the rows and their order only, not on how they are cut into batches and states.

    Args:
        rules: The rules.
        duplicates: What `find_duplicates` gave, for each of `rules.unique_rules`.
        sample_rows: How many rows to keep for each rule.
    """

    def __init__(
        self,
        rules: RuleSet,
        duplicates: Mapping[str, DuplicateKeys] | None = None,
        sample_rows: int = SAMPLE_ROWS,
    ) -> None:
        self._rules = rules
        self._duplicates = duplicates or {}
        self._sample_rows = sample_rows

    def create(self) -> ValidationState:
        """Return the state of no rows."""
        naming = len(self._rules.naming_rules)
        return ValidationState(
            0,
            0,
            np.zeros(naming, np.int64),
            [[] for _ in range(naming)],
            list(map(counter_of, self._rules.dataset_rules)),
        )

    def add_batch(self, state: ValidationState, batch: pa.RecordBatch) -> ValidationState:
        """Add the rows of one batch to `state`, in place.

        Raises:
            UserCodeError: A user's function raised.
            UsageError: A user's function did not give one boolean a row.
        """
        outcome = judge(self._rules, batch, self._duplicates)
        for at, mask in enumerate(outcome.masks):
            if mask is not None:
                state.num_broken[at] += int(np.count_nonzero(mask))
                self._sample(state, at, outcome, np.flatnonzero(mask))
        for rule, values in zip(self._rules.dataset_rules, state.counters, strict=True):
            values.add(outcome.columns[rule.columns[0]])
        state.num_rejected += int(np.count_nonzero(outcome.rejected))
        state.num_rows += batch.num_rows
        state.columns.update(outcome.columns.names)
        return state

    def merge(self, states: Sequence[ValidationState]) -> ValidationState:
        """Return the state of all rows, in the first of `states`; the others must not be used afterwards."""
        result, *others = states
        for other in others:
            for kept, samples in zip(result.samples, other.samples, strict=True):
                room = self._sample_rows - len(kept)
                kept += [
                    SampleRow(row=result.num_rows + sample.row, found=sample.found, record=sample.record)
                    for sample in samples[:room]
                ]
            for values, other_values in zip(result.counters, other.counters, strict=True):
                values.merge(other_values)  # type: ignore[arg-type]  # both are what one rule counts
            result.num_broken += other.num_broken
            result.num_rejected += other.num_rejected
            result.num_rows += other.num_rows
            result.columns |= other.columns
        return result

    def extract(self, state: ValidationState) -> RowReport:
        """Return the report; `state` can be added to after.

        Raises:
            UsageError: A rule reads a column that neither the data nor the schema has.
        """
        if state.num_rows:
            self._rules.check_columns(state.columns)
        outcomes = [
            _outcome(rule, state, ok=not broken, num_broken=int(broken), samples=tuple(samples))
            for rule, broken, samples in zip(self._rules.naming_rules, state.num_broken, state.samples, strict=True)
        ]
        for rule, values in zip(self._rules.dataset_rules, state.counters, strict=True):
            observed = values.figure()
            outcomes.append(_outcome(rule, state, ok=rule.accepts(observed), observed=observed))
        return RowReport(
            num_rows=state.num_rows,
            num_rejected=state.num_rejected,
            outcomes=tuple(outcomes),
            unchecked=self._rules.unchecked,
        )

    def _sample(self, state: ValidationState, at: int, outcome: BatchOutcome, rows: NDArray[np.intp]) -> None:
        kept = state.samples[at]
        chosen = rows[: self._sample_rows - len(kept)]
        if len(chosen):
            found = outcome.found(self._rules.naming_rules[at], chosen)
            kept += [
                SampleRow(row=state.num_rows + row, found=value, record=record)
                for row, value, record in zip(chosen.tolist(), found, outcome.records(chosen), strict=True)
            ]


def find_duplicates(reduce: Reduce, rules: RuleSet) -> dict[str, DuplicateKeys]:
    """Find repeated keys in a dataset for each rule that needs them, in at most two passes over the rows."""
    if not rules.unique_rules:
        return {}
    candidates = reduce(KeyHashes(rules.unique_rules))
    if not any(map(len, candidates.values())):
        return {rule_id: DuplicateKeys(hashes) for rule_id, hashes in candidates.items()}
    duplicates: dict[str, DuplicateKeys] = reduce(CandidateKeys(rules.unique_rules, candidates))
    return duplicates


def validate_rows(reduce: Reduce, rules: RuleSet, sample_rows: int = SAMPLE_ROWS) -> RowReport:
    """Check the rows of a dataset against rules.

    Args:
        reduce: Reads the dataset, once for each pass: `partial(engine.reduce, source)`.
        rules: The rules.
        sample_rows: How many of the rows that break a rule to show.
    """
    report: RowReport = reduce(RowValidation(rules, find_duplicates(reduce, rules), sample_rows))
    return report


def _outcome(
    rule: RowRule | UniqueRule | DatasetRule,
    state: ValidationState,
    *,
    ok: bool,
    num_broken: int | None = None,
    observed: float | None = None,
    samples: tuple[SampleRow, ...] = (),
) -> RuleOutcome:
    return RuleOutcome(
        rule_id=rule.id,
        reason=rule.reason,
        columns=rule.columns,
        severity=rule.severity,
        expectation=rule.expectation,
        num_rows=state.num_rows,
        num_broken=num_broken,
        observed=observed,
        ok=ok,
        samples=samples,
    )


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
        """Return the offending values of some rows: of the rule's column, or a dict where it reads several."""
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
        """Return some rows as dicts of Python values."""
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
    """Check a batch against rules.

    Args:
        rules: The rules.
        batch: The rows.
        duplicates: For each of `rules.unique_rules` the keys that occur twice in the whole dataset.
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


@dataclass(slots=True)
class DistinctValues:
    """Hashes of the values so far, 8 bytes for each distinct one.

    Attributes:
        hashes: Sorted and distinct.
        pending: Not yet merged into `hashes`.
    """

    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    pending: list[NDArray[np.uint64]] = field(default_factory=list)

    def add(self, column: BatchColumn) -> None:
        """Add the innermost values of a column; null and NaN are none."""
        leaf = column.distinct_leaves()
        if len(leaf):
            self._take(row_hashes(pa.RecordBatch.from_arrays([leaf], ["value"])))

    def merge(self, other: DistinctValues) -> None:
        """Add the values of another state."""
        for hashes in (other.hashes, *other.pending):
            self._take(hashes)

    def figure(self) -> int:
        """Return how many distinct values there are; exact but for collisions of 64-bit hashes."""
        self._settle()
        return len(self.hashes)

    def _take(self, hashes: NDArray[np.uint64]) -> None:
        self.pending.append(hashes)
        if sum(map(len, self.pending)) > max(_MOST_PENDING, len(self.hashes)):
            self._settle()

    def _settle(self) -> None:
        self.hashes = np.unique(np.concatenate([self.hashes, *self.pending]))
        self.pending = []


@dataclass(slots=True)
class FailingValues:
    """How many of the values so far fail a test.

    Attributes:
        test: The test.
        failing: Values that fail it.
        total: All values, as statistics count them: a null inside a list is one.
    """

    test: ValueTest
    failing: int = 0
    total: int = 0

    def add(self, column: BatchColumn) -> None:
        """Add the innermost values of a column."""
        leaves = column.broken_leaves(self.test)
        self.failing += 0 if leaves is None else int(np.count_nonzero(leaves))
        self.total += int(column.levels[-1].lengths.sum())

    def merge(self, other: FailingValues) -> None:
        """Add the values of another state."""
        self.failing += other.failing
        self.total += other.total

    def figure(self) -> float:
        """Return the share of values that fail; 0 of no values."""
        return self.failing / self.total if self.total else 0.0


def counter_of(rule: DatasetRule) -> DistinctValues | FailingValues:
    """Return what counts the values that a rule is about, of no values yet."""
    return FailingValues(rule.test) if isinstance(rule, ShareRule) else DistinctValues()
