"""What one pass over the rows computes, and what it adds up on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from assay.kernels.metrics.metric import AverageMetric, CurveMetric, CustomMetric, SumsMetric, Term
from assay.kernels.metrics.moments import Moments
from assay.kernels.metrics.multiclass_matrix import ClassMatrix, ClassMatrixMetric
from assay.kernels.metrics.ranking import Queries, RankingMetric
from assay.kernels.metrics.scores import ScoreTable
from assay.kernels.metrics.slices import CellIndex
from assay.kernels.metrics.view import View

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats, Ints
    from assay.kernels.metrics.slices import SliceKey

AnyMetric: TypeAlias = SumsMetric | CurveMetric | AverageMetric | ClassMatrixMetric | RankingMetric | CustomMetric[Any]
SumKey: TypeAlias = tuple[str, View, Term]
ScoreKey: TypeAlias = tuple[str, View, bool]


@dataclass(slots=True)
class MetricsState:
    """What was added up so far; it can be pickled.

    Attributes:
        cells: The cells met; all arrays are by their numbers.
        examples: The number of rows in each cell.
        sums: By model, view and term, the sum in each cell.
        moments: By model and view, what centred terms are read from.
        scores: By model, view and exactness, the weights by score.
        matrices: By model and metric, the confusion matrices of classes.
        queries: The rows of rankings, by model.
        custom: The states of users' own metrics, by position among the metrics, model and slice.
    """

    cells: CellIndex = field(default_factory=CellIndex)
    examples: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sums: dict[SumKey, Floats] = field(default_factory=dict)
    moments: dict[tuple[str, View], Moments] = field(default_factory=dict)
    scores: dict[ScoreKey, ScoreTable] = field(default_factory=dict)
    matrices: dict[tuple[str, ClassMatrixMetric], ClassMatrix] = field(default_factory=dict)
    queries: dict[str, Queries] = field(default_factory=dict)
    custom: dict[tuple[int, str, SliceKey], Any] = field(default_factory=dict)
