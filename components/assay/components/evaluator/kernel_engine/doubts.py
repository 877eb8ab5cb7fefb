"""Where bounds may not hold what they promise, told by the rows alone: too few rows decide the figure.

The limits are from `benchmarks/bounds_coverage.py`; see decision 0124.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from assay.components.evaluator.kernel_engine.accumulation import BASELINE, CANDIDATE
from assay.components.evaluator.kernel_engine.evaluation import shares_of
from assay.gating.figures import number
from assay.kernels.uncertainty.row_means import RowMeans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.components.evaluator.kernel_engine.evaluation import TableEvaluation
    from assay.gating.figures import MetricKey, SliceKey
    from assay.kernels.uncertainty.row_means import ClosedForm

_FEWEST_OF_AREA: Final = 15  # effective rows; below, DeLong's bounds of 95 % hold in 57 to 97 %
_FEWEST_OF_RATE: Final = 5  # rows of either outcome, or on which models differ; below, counts are too coarse
CHANGE: Final = "change"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why bounds may not hold.

    Attributes:
        rows: How many rows decide the figure.
        reason: That in words, as the end of a sentence.
        hint: What to do.
    """

    rows: float
    reason: str
    hint: str


Doubts: TypeAlias = Mapping[tuple[str, "SliceKey", "MetricKey"], Doubt]


def doubts_of(evaluation: TableEvaluation, *, min_examples: int = 0) -> Doubts:
    """Return the doubts of bounds, by model (or `change`), slice and metric; none where no bounds are drawn.

    Args:
        evaluation: What was computed.
        min_examples: The rows that a figure must be made of, for a doubt of it to matter.
    """
    found: dict[tuple[str, SliceKey, MetricKey], Doubt] = {}
    models = [CANDIDATE] if evaluation.figures.baseline is None else [CANDIDATE, BASELINE]
    for key, of_slice in evaluation.closed.items():
        for metric, form in of_slice.items() if key in evaluation.figures.candidate else ():
            if form.rows < min_examples:
                continue
            for position, model in enumerate(models):
                doubt = _of_form(form, position)
                if doubt is not None:
                    found[model, key, metric] = doubt
            both = [found[model, key, metric] for model in models if (model, key, metric) in found]
            if both and len(models) > 1:
                found[CHANGE, key, metric] = min(both, key=lambda doubt: doubt.rows)
    for key, trials in evaluation.trials.items():
        for metric, count in trials.items() if key in evaluation.figures.candidate else ():
            if count < min_examples:
                continue
            found.update({(part, key, metric): doubt for part, doubt in _of_rate(evaluation, key, metric, count)})
    return found


def _of_form(form: ClosedForm, position: int) -> Doubt | None:
    effective = form.effective[position] if form.effective else math.nan
    if not isinstance(form, RowMeans):
        if not effective < _FEWEST_OF_AREA:
            return None
        reason = f"its errors are those of about {number(round(effective, 1))} rows of one class"
        return Doubt(effective, reason, "Evaluate more rows of the rarer class, and more rows that are hard.")
    if not math.isfinite(effective) or effective == 0:
        return None
    if not abs(form.estimate(position).skewness) > _largest_skewness(form.rows):
        return None
    reason = f"a few rows make most of the loss: {form.rows:,} rows vary as {effective:.0f} of one loss would"
    hint = "Evaluate more rows, look at the largest errors, or judge a metric that they weigh less in, such as "
    return Doubt(effective, reason, hint + "MeanAbsoluteError.")


def _largest_skewness(rows: int) -> float:
    """Return the skewness of a mean's error above which its bounds may not hold: it is told from a tail that has none.

    Of losses with a variance it falls as 1 over the root of the rows (2.8 over it for squares of normal residuals, 6.6
    for those of Laplace's). Without one, as for squares of t(3) residuals, it does not fall at all: it is about 0.4 of
    300 rows and of 50,000. Of few rows the skewness itself is not known well, so that they need more of it.
    """
    return max(0.15, min(0.25, 4 / math.sqrt(max(rows, 1))))


def _of_rate(
    evaluation: TableEvaluation, key: SliceKey, metric: MetricKey, trials: float
) -> Iterator[tuple[str, Doubt]]:
    figures = evaluation.figures
    hint = "Evaluate more rows."
    same = metric in evaluation.differing.get(key, {})
    for model, slices in ((CANDIDATE, figures.candidate), (BASELINE, (figures.baseline or {}) if same else {})):
        value = slices.get(key, {}).get(metric, math.nan)
        fewest = trials * min(value, 1 - value)
        if fewest < _FEWEST_OF_RATE:
            reason = f"only {number(round(fewest, 1))} of {number(trials)} rows are on one side of it"
            yield model, Doubt(fewest, reason, hint)
    shares = shares_of(evaluation, key, metric)
    if shares is not None and not shares.alike:
        apart = shares.first_only + shares.second_only
        if apart < _FEWEST_OF_RATE:
            yield CHANGE, Doubt(apart, f"the models differ in only {number(apart)} of its {number(trials)} rows", hint)
