"""What a metric is: a formula over sums of rows, or over the confusion matrices of a score.

A formula takes arrays of any shape and gives one of that shape, so the same formula serves all slices at once, and all
replicates of a bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

from assay.kernels.metrics.matrices import Matrices
from assay.kernels.metrics.rows import Floats
from assay.kernels.metrics.view import View

S = TypeVar("S")
BINARY = View()
"""The view of a model with one output."""

Aggregation: TypeAlias = Literal["", "micro", "macro", "weighted_macro"]


@dataclass(frozen=True, slots=True)
class Term:
    """A quantity of each row (or pair of a view), of which a metric needs the sum.

    Attributes:
        function: Gives the quantity from labels and predictions (and, in a paired metric, the baseline's predictions);
            a module's function, so that metrics can be sent to other processes.
        params: Further arguments of `function`.
        weighted: Whether the quantity counts by the row's weight.
        centred: Whether labels and predictions are taken less their means over the slice; for the terms of
            [`CENTRED`][assay.kernels.metrics.moments.CENTRED] only.
    """

    function: Callable[..., Floats]
    params: tuple[Any, ...] = ()
    weighted: bool = True
    centred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SumsMetric:
    """A metric that is a formula over sums: exact, in memory that depends on slices only.

    Attributes:
        name: TFMA's name.
        terms: What is summed.
        formula: Takes the sums in the order of `terms`. With several thresholds it gives one array each, stacked on a
            new first axis.
        view: How labels and predictions are paired.
        aggregation: How classes were brought together, for the metric's key.
        paired: Whether the terms compare a candidate with the baseline.
    """

    name: str
    terms: tuple[Term, ...]
    formula: Callable[..., Floats]
    view: View = BINARY
    aggregation: Aggregation = ""
    paired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveMetric:
    """A metric that needs the confusion matrices at many thresholds.

    Attributes:
        name: TFMA's name.
        formula: Takes the matrices of one slice.
        params: Further arguments of `formula`.
        num_thresholds: None for the exact value, from all distinct scores; a number for TFMA's value, from this many
            thresholds and a histogram of 10,000 buckets, in bounded memory.
        thresholds: The matrices are taken at these thresholds only, from the same histogram.
        view: How labels and predictions are paired.
        aggregation: How classes were brought together, for the metric's key.
    """

    name: str
    formula: Callable[..., Any]
    params: tuple[Any, ...] = ()
    num_thresholds: int | None = None
    thresholds: tuple[float, ...] | None = None
    view: View = BINARY
    aggregation: Aggregation = ""

    @property
    def exact(self) -> bool:
        """Whether every distinct score is kept."""
        return self.num_thresholds is None and self.thresholds is None

    def value(self, matrices: Matrices) -> Any:
        """Return the metric's value for one slice (a number, or plot data)."""
        return self.formula(matrices, *self.params)


@dataclass(frozen=True, slots=True, kw_only=True)
class AverageMetric:
    """A weighted average of other metrics' values: TFMA's macro averages over classes.

    Attributes:
        name: TFMA's name.
        parts: The metric of each class.
        weights: What each part counts by.
        by_labels: For an average weighted by labels: the sum by which each part's weight is multiplied.
        aggregation: `macro` or `weighted_macro`.
        view: The key of the average itself, such as `topK`.
    """

    name: str
    parts: tuple[SumsMetric | CurveMetric, ...]
    weights: tuple[float, ...]
    by_labels: tuple[SumsMetric, ...] = ()
    aggregation: Aggregation = "macro"
    view: View = BINARY


@runtime_checkable
class CustomMetric(Protocol[S]):
    """A user's own metric: an accumulator over the rows of one slice and one model.

    States must be picklable for engines with several processes.

    Example:
        >>> class Cost:
        ...     name = "cost"
        ...     def create(self) -> float:
        ...         return 0.0
        ...     def add(self, state: float, labels: Floats, predictions: Floats, weights: Floats) -> float:
        ...         return state + float((weights * (predictions > 0.5) * (labels == 0)).sum())
        ...     def merge(self, states: list[float]) -> float:
        ...         return sum(states)
        ...     def extract(self, state: float) -> float:
        ...         return state
        >>> isinstance(Cost(), CustomMetric)
        True
    """

    @property
    def name(self) -> str:
        """The metric's name in results and thresholds."""
        ...

    def create(self) -> S:
        """Return the state of no rows."""
        ...

    def add(self, state: S, labels: Floats, predictions: Floats, weights: Floats) -> S:
        """Return the state after more rows; may change `state` in place."""
        ...

    def merge(self, states: list[S]) -> S:
        """Return the state of all rows of `states`, in order; must leave them unchanged."""
        ...

    def extract(self, state: S) -> float:
        """Return the metric's value; NaN where there is none."""
        ...
