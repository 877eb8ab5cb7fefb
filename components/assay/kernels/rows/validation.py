"""Validates a data set's rows: an accumulator over batches, and the passes that keys of the whole data set need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from assay.kernels.rows.batch_outcome import BatchOutcome, judge
from assay.kernels.rows.distinct_values import DistinctValues, FailingValues, counter_of
from assay.kernels.rows.duplicate_keys import CandidateKeys, DuplicateKeys, KeyHashes
from assay.kernels.rows.row_report import RowReport, RuleOutcome, SampleRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from assay.kernels.rows.key_rules import DatasetRule, UniqueRule
    from assay.kernels.rows.rule import RowRule
    from assay.kernels.rows.rule_set import RuleSet

R = TypeVar("R")
SAMPLE_ROWS = 5


class Reduce(Protocol):
    """Feeds every batch of a data set to an accumulator: `partial(engine.reduce, source)`."""

    def __call__(self, accumulator: Any, /) -> Any:
        """Gives what the accumulator extracts."""
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
        """Gives the state of no rows."""
        naming = len(self._rules.naming_rules)
        return ValidationState(
            0,
            0,
            np.zeros(naming, np.int64),
            [[] for _ in range(naming)],
            list(map(counter_of, self._rules.dataset_rules)),
        )

    def add_batch(self, state: ValidationState, batch: pa.RecordBatch) -> ValidationState:
        """Adds the rows of one batch to `state`, in place.

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
        """Gives the state of all rows, in the first of `states`; the others must not be used afterwards."""
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
        """Gives the report; `state` can be added to after.

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
    """Finds the keys that occur twice in a data set, for each rule that asks: no pass, one, or two where any does."""
    if not rules.unique_rules:
        return {}
    candidates = reduce(KeyHashes(rules.unique_rules))
    if not any(map(len, candidates.values())):
        return {rule_id: DuplicateKeys(hashes) for rule_id, hashes in candidates.items()}
    duplicates: dict[str, DuplicateKeys] = reduce(CandidateKeys(rules.unique_rules, candidates))
    return duplicates


def validate_rows(reduce: Reduce, rules: RuleSet, sample_rows: int = SAMPLE_ROWS) -> RowReport:
    """Holds the rows of a data set against rules.

    Args:
        reduce: Reads the data set, once for each pass: `partial(engine.reduce, source)`.
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
