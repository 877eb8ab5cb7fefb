"""The StatisticsGen component."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import pyarrow as pa

from assay.artifacts.examples import Examples
from assay.artifacts.schema import Schema
from assay.artifacts.statistics import ExampleStatistics
from assay.artifacts.store import file_sha256
from assay.data.splits import chosen_splits
from assay.data.vocabulary import read_vocabularies
from assay.engines.base import Accumulator
from assay.errors import EngineError
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from assay.kernels.statistics.options import is_tfdv_options, options_of_tfdv
from assay.spec import ExecutionContext, Input, Output, component
from assay.spec.annotations import ParsedBy
from assay.spec.channel import foresee_splits

S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class CountedRows(Generic[S, R]):
    """Another accumulator, and the number of rows, which a sample's statistics do not contain."""

    inner: Accumulator[S, R]

    def create(self) -> tuple[int, S]:
        """Return the state of no rows."""
        return 0, self.inner.create()

    def add_batch(self, state: tuple[int, S], batch: pa.RecordBatch) -> tuple[int, S]:
        """Return the state after one more batch."""
        return state[0] + batch.num_rows, self.inner.add_batch(state[1], batch)

    def merge(self, states: Sequence[tuple[int, S]]) -> tuple[int, S]:
        """Return the state of all rows."""
        return sum(count for count, _ in states), self.inner.merge([state for _, state in states])

    def extract(self, state: tuple[int, S]) -> tuple[int, R]:
        """Return the number of rows, and the result."""
        return state[0], self.inner.extract(state[1])


def _options(given: Any) -> Any:
    return options_of_tfdv(given) if is_tfdv_options(given) else given


def _vocabularies(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return digests of the files whose words are counted: the options name their paths alone.

    A missing file is reported by the step, which reads it, and not when a pipeline is compiled.
    """
    options = parameters.get("stats_options")
    paths = options.get("vocab_paths", {}) if isinstance(options, Mapping) else getattr(options, "vocab_paths", {})
    files = {str(path): Path(path) for path in paths.values()}
    return {name: file_sha256(path) if path.is_file() else "absent" for name, path in files.items()}


def _with_vocabularies(options: Any, place: Callable[[str], str]) -> Any:
    if not isinstance(options, Mapping) or not isinstance(options.get("vocab_paths"), Mapping):
        return options
    return {**options, "vocab_paths": {name: place(path) for name, path in options["vocab_paths"].items()}}


@component(
    libraries=("tfx-bsl",),
    depends_on=_vocabularies,
    foresee=foresee_splits("examples", "statistics"),
    positional=("examples", "schema", "stats_options", "exclude_splits"),
)
def StatisticsGen(
    context: ExecutionContext,
    examples: Input[Examples],
    statistics: Output[ExampleStatistics],
    *,
    schema: Input[Schema] | None = None,
    stats_options: Annotated[StatisticsOptions | None, ParsedBy(_options, _with_vocabularies)] = None,
    exclude_splits: list[str] | None = None,
) -> None:
    """Compute the statistics of each split: counts, presence, quantiles, histograms, top values.

    Every row of every split is read; the numbers of rows must agree with what ExampleGen wrote.

    Args:
        context: The run that the step is part of.
        examples: The rows.
        statistics: A statistics proto of tensorflow-metadata for each split, as TFDV writes it.
        schema: Tells which integers are categories and which text is of a known domain.
        stats_options: Options with the names and defaults of `tfdv.StatsOptions`, or such an object itself.
        exclude_splits: Names of splits that are left out.
    """
    splits = chosen_splits(str(examples.path), examples.split_names, exclude_splits)
    options = stats_options or StatisticsOptions()
    vocabularies = read_vocabularies(options.vocab_paths)
    accumulator = CountedRows(DatasetStatistics(options, schema.read() if schema else None, vocabularies=vocabularies))
    for split in splits:
        counted, result = context.engine.reduce(examples.source(split), accumulator)
        expected = examples.rows.get(split, counted)
        if counted != expected:
            raise EngineError(
                "rows.do_not_add_up",
                f"Split '{split}' of {examples.path} holds {expected} rows, but statistics saw {counted}.",
            )
        context.count_rows(split, read=expected, written=counted)
        statistics.write(split, result)
        statistics.rows[split] = counted
    statistics.properties["span"] = examples.span
    statistics.properties["split_names"] = splits
