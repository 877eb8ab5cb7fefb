"""A user's own statistics: an accumulator, whose results become custom statistics."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import pyarrow as pa
from google.protobuf.message import Message
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.errors import UserCodeError
from assay.kernels.statistics.generators.generator import feature_statistics

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tensorflow_metadata.proto.v0.statistics_pb2 import CustomStatistic, DatasetFeatureStatistics

    from assay.kernels.statistics.generators.generator import BatchRows

S = TypeVar("S")

Result = float | str | Message
"""A number, text, a `Histogram` or a `RankHistogram`; any other message is packed."""


@runtime_checkable
class CustomAccumulator(Protocol[S]):
    """What computes custom statistics.

    States must survive pickling, and any split of the rows into batches and states must give the same result:

    >>> import pyarrow.compute as pc
    >>> class NegativeFares:
    ...     def create(self) -> int:
    ...         return 0
    ...     def add_batch(self, state: int, batch: pa.RecordBatch) -> int:
    ...         return state + (pc.sum(pc.less(batch["fare"], 0)).as_py() or 0)
    ...     def merge(self, state: int, other: int) -> int:
    ...         return state + other
    ...     def extract(self, state: int) -> dict[str, dict[str, float]]:
    ...         return {"fare": {"num_negative": state}}
    >>> isinstance(NegativeFares(), CustomAccumulator)
    True
    """

    def create(self) -> S:
        """Return the state of no rows."""
        ...

    def add_batch(self, state: S, batch: pa.RecordBatch) -> S:
        """Return the state after more rows; may change `state`."""
        ...

    def merge(self, state: S, other: S) -> S:
        """Return the state of both; may change `state`."""
        ...

    def extract(self, state: S) -> Mapping[str | tuple[str, ...], Mapping[str, Result]]:
        """For features, by column or path, the results by name."""
        ...


@dataclass(frozen=True, slots=True)
class CustomStatistics:
    """Runs a user's accumulator beside the others.

    Attributes:
        accumulator: The user's.
    """

    accumulator: CustomAccumulator[Any]

    def create(self) -> Any:
        """Return the state of no rows."""
        return self._run(self.accumulator.create)

    def add(self, state: Any, rows: BatchRows) -> Any:
        """Return the state after more rows."""
        return self._run(self.accumulator.add_batch, state, rows.batch)

    def merge(self, state: Any, other: Any) -> Any:
        """Return the state of both."""
        return self._run(self.accumulator.merge, state, other)

    def contribute(self, state: Any, dataset: DatasetFeatureStatistics) -> None:
        """Add the results to the features' custom statistics.

        Raises:
            UserCodeError: The user's code fails, or gives something else.
        """
        results = self._run(self.accumulator.extract, state)
        if not isinstance(results, Mapping):
            raise self._error(f"extract() returned {type(results).__name__}, not a mapping from features.")
        for path, by_name in results.items():
            feature = feature_statistics(dataset, (path,) if isinstance(path, str) else tuple(path))
            for name, value in by_name.items():
                if not _set(feature.custom_stats.add(name=name), value):
                    raise self._error(f"'{name}' of feature {path!r} is {type(value).__name__}.")

    def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            trace = "".join(traceback.format_exception(error.with_traceback(_below(error.__traceback__))))
            message = f"{function.__name__}() failed: {type(error).__name__}: {error}"
            raise self._error(message, trace) from error

    def _error(self, message: str, trace: str = "") -> UserCodeError:
        return UserCodeError(
            "statistics.custom",
            f"The custom statistics {type(self.accumulator).__name__}: {message}",
            "Return numbers, text or protos, by feature and name.",
            user_traceback=trace,
        )


def _below(trace: TracebackType | None) -> TracebackType | None:
    return None if trace is None else trace.tb_next


def _set(custom: CustomStatistic, value: object) -> bool:
    if isinstance(value, str):
        custom.str = value
    elif isinstance(value, statistics_pb2.Histogram):
        custom.histogram.CopyFrom(value)
    elif isinstance(value, statistics_pb2.RankHistogram):
        custom.rank_histogram.CopyFrom(value)
    elif isinstance(value, Message):
        custom.any.Pack(value)
    else:
        try:
            custom.num = float(value)  # type: ignore[arg-type]  # numpy's numbers, too; what is none raises
        except (TypeError, ValueError):
            return False
    return True
