"""Metrics of regressions, by TFMA's names, and R²."""

from __future__ import annotations

import numpy as np

from assay.kernels.metrics import terms
from assay.kernels.metrics.matrices import ratio
from assay.kernels.metrics.metric import SumsMetric, Term
from assay.kernels.metrics.rows import Floats
from assay.kernels.metrics.view import View

_WHOLE = View(whole=True)
_WEIGHT = Term(terms.one)
_LABEL, _LABEL_SQUARED = Term(terms.label, centred=True), Term(terms.label_squared, centred=True)
_MOMENTS = (
    _WEIGHT,
    _LABEL,
    Term(terms.prediction, centred=True),
    _LABEL_SQUARED,
    Term(terms.prediction_squared, centred=True),
    Term(terms.product, centred=True),
)


def mean_squared_error(*, name: str = "mean_squared_error") -> SumsMetric:
    """Return the mean squared error; of several outputs the sum of squares, as TFMA's norm."""
    return SumsMetric(name=name, terms=(Term(terms.squared_error), _WEIGHT), formula=ratio, view=_WHOLE)


def root_mean_squared_error(*, name: str = "root_mean_squared_error") -> SumsMetric:
    """Return the root of the mean squared error."""
    return SumsMetric(name=name, terms=(Term(terms.squared_error), _WEIGHT), formula=root_of_ratio, view=_WHOLE)


def mean_absolute_error(*, name: str = "mean_absolute_error") -> SumsMetric:
    """Return the mean absolute error."""
    return SumsMetric(name=name, terms=(Term(terms.absolute_error), _WEIGHT), formula=ratio)


def mean_absolute_percentage_error(*, name: str = "mean_absolute_percentage_error") -> SumsMetric:
    """Return the mean absolute error in percent of the label, over rows whose label is not 0 (as TFMA)."""
    needed = (Term(terms.absolute_percentage_error), Term(terms.has_percentage))
    return SumsMetric(name=name, terms=needed, formula=ratio)


def mean_squared_logarithmic_error(*, name: str = "mean_squared_logarithmic_error") -> SumsMetric:
    """Return the mean squared difference of log(1 + x)."""
    return SumsMetric(name=name, terms=(Term(terms.squared_logarithmic_error), _WEIGHT), formula=ratio)


def r2_score(*, name: str = "r2_score") -> SumsMetric:
    """Return the share of the labels' variance that predictions explain (not TFMA's Tjur coefficient).

    NaN where all labels are equal: there is no variance to explain.
    """
    needed = (Term(terms.squared_error), _WEIGHT, _LABEL, _LABEL_SQUARED)
    return SumsMetric(name=name, terms=needed, formula=_r2)


def pearson_correlation(*, name: str = "pearson_correlation") -> SumsMetric:
    """Return Pearson's correlation of labels and predictions."""
    return SumsMetric(name=name, terms=_MOMENTS, formula=_correlation)


def squared_pearson_correlation(*, name: str = "squared_pearson_correlation") -> SumsMetric:
    """Return the square of Pearson's correlation."""
    return SumsMetric(name=name, terms=_MOMENTS, formula=_squared_correlation)


def root_of_ratio(error: Floats, weight: Floats) -> Floats:
    """Return the root of a mean."""
    return np.sqrt(ratio(error, weight))


def _r2(error: Floats, weight: Floats, label: Floats, label_squared: Floats) -> Floats:
    return 1 - ratio(error, _squares(label_squared, label, weight))


def _correlation(weight: Floats, label: Floats, prediction: Floats, ll: Floats, pp: Floats, lp: Floats) -> Floats:
    covariance = lp - label * ratio(prediction, weight)
    found = ratio(covariance, np.sqrt(_squares(ll, label, weight)) * np.sqrt(_squares(pp, prediction, weight)))
    return np.clip(found, -1.0, 1.0)  # rounding can lead just beyond


def _squared_correlation(
    weight: Floats, label: Floats, prediction: Floats, ll: Floats, pp: Floats, lp: Floats
) -> Floats:
    return _correlation(weight, label, prediction, ll, pp, lp) ** 2


def _squares(squared: Floats, total: Floats, weight: Floats) -> Floats:
    """Return the sum of squared deviations from the mean, from sums about a point near it.

    Replicates of a bootstrap have means of their own. 0 where rounding drowns the sum, as where one value is drawn.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        deviations = squared - total * ratio(total, weight)
    return np.where(np.abs(deviations) <= 1e-14 * squared, 0.0, deviations)
