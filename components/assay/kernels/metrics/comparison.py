"""Metrics of how a candidate's predictions differ from the baseline's on the same rows."""

from __future__ import annotations

import numpy as np

from assay.kernels.metrics.matrices import ratio
from assay.kernels.metrics.metric import SumsMetric, Term
from assay.kernels.metrics.rows import Floats

_NEGLIGIBLE = 1e-7  # TFMA's _K_EPSILON


def boolean_flip_rates(threshold: float = 0.5) -> tuple[SumsMetric, ...]:
    """Return how often the two models' decisions differ, and each of the four pairs of decisions.

    A prediction above the threshold is positive. Names are TFMA's: `neg_to_pos_flip_rate` is the share of rows that
    the baseline holds for negative and the candidate for positive; `flip_rate` is the share of both kinds of flip.
    """
    kinds = {
        "flip_rate": ((False, True), (True, False)),
        "neg_to_neg_flip_rate": ((False, False),),
        "neg_to_pos_flip_rate": ((False, True),),
        "pos_to_neg_flip_rate": ((True, False),),
        "pos_to_pos_flip_rate": ((True, True),),
    }
    return tuple(
        SumsMetric(name=name, terms=(Term(_moved, (float(threshold), moves)), PAIR_WEIGHT), formula=ratio, paired=True)
        for name, moves in kinds.items()
    )


def symmetric_flip_rate(threshold: float = 0.5) -> SumsMetric:
    """Return the share of rows on which the two models' decisions differ."""
    moved = Term(_moved, (float(threshold), ((False, True), (True, False))))
    return SumsMetric(name="symmetric_flip_rate", terms=(moved, PAIR_WEIGHT), formula=ratio, paired=True)


def symmetric_prediction_difference() -> SumsMetric:
    """Return the mean of 2 |a - b| / |a + b|, which is 0 where both predictions are (nearly) 0."""
    return SumsMetric(
        name="symmetric_prediction_difference",
        terms=(Term(_symmetric_difference), PAIR_WEIGHT),
        formula=ratio,
        paired=True,
    )


def _one(labels: Floats, candidate: Floats, baseline: Floats) -> Floats:  # noqa: ARG001 - paired terms take all three
    return np.ones(len(candidate))


PAIR_WEIGHT = Term(_one)


def _moved(
    labels: Floats,  # noqa: ARG001
    candidate: Floats,
    baseline: Floats,
    threshold: float,
    moves: tuple[tuple[bool, bool], ...],
) -> Floats:
    was, now = baseline > threshold, candidate > threshold
    moved = np.logical_or.reduce([(was == before) & (now == after) for before, after in moves])
    return np.where(np.isnan(candidate) | np.isnan(baseline), np.nan, moved)


def _symmetric_difference(labels: Floats, candidate: Floats, baseline: Floats) -> Floats:  # noqa: ARG001
    numerator, denominator = 2 * np.abs(candidate - baseline), np.abs(candidate + baseline)
    nothing = (numerator < _NEGLIGIBLE) & (denominator < _NEGLIGIBLE)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(nothing, 0.0, numerator / denominator)
