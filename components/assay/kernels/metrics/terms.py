"""Quantities of single rows, whose sums metrics are made of.

A row with NaN where a number is needed, or a label outside [0, 1] where a class is, makes the sum of its slice NaN: a
gate then sees no value, instead of one that leaves rows out in silence.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats

EPSILON: Final = sys.float_info.epsilon
"""How far scikit-learn's `log_loss` moves probabilities from 0 and 1: the resolution of doubles at 1."""


def one(labels: Floats, predictions: Floats) -> Floats:  # noqa: ARG001 - every term takes both
    """1 for each row."""
    return np.ones(len(predictions))


def label(labels: Floats, predictions: Floats) -> Floats:  # noqa: ARG001
    """Return the label."""
    return labels


def prediction(labels: Floats, predictions: Floats) -> Floats:  # noqa: ARG001
    """Return the prediction."""
    return predictions


def label_squared(labels: Floats, predictions: Floats) -> Floats:  # noqa: ARG001
    """Return the square of the label."""
    return labels * labels


def prediction_squared(labels: Floats, predictions: Floats) -> Floats:  # noqa: ARG001
    """Return the square of the prediction."""
    return predictions * predictions


def product(labels: Floats, predictions: Floats) -> Floats:
    """Label times prediction."""
    return labels * predictions


def true_positive(labels: Floats, predictions: Floats, threshold: float) -> Floats:
    """Return how much of the row is a positive predicted as one: above the threshold."""
    return _known(predictions, probability(labels) * (predictions > threshold))


def false_positive(labels: Floats, predictions: Floats, threshold: float) -> Floats:
    """Return how much of the row is a negative predicted as positive."""
    return _known(predictions, (1 - probability(labels)) * (predictions > threshold))


def true_negative(labels: Floats, predictions: Floats, threshold: float) -> Floats:
    """Return how much of the row is a negative predicted as one: at or below the threshold."""
    return _known(predictions, (1 - probability(labels)) * (predictions <= threshold))


def false_negative(labels: Floats, predictions: Floats, threshold: float) -> Floats:
    """Return how much of the row is a positive predicted as negative."""
    return _known(predictions, probability(labels) * (predictions <= threshold))


def log_loss(labels: Floats, predictions: Floats, clip: float = 0.0, label_smoothing: float = 0.0) -> Floats:
    """Binary cross entropy in nats.

    Args:
        labels: In [0, 1].
        predictions: Probabilities; others have no loss (NaN).
        clip: Probabilities are moved this far from 0 and 1 first; Keras takes 1e-7. Without it a certain error costs
            infinity, and a certain hit nothing (where TFMA's own metric gives NaN).
        label_smoothing: Labels are moved this share of the way to one half.
    """
    label = probability(labels) * (1 - label_smoothing) + 0.5 * label_smoothing
    score = np.clip(probability(predictions), clip, 1 - clip)
    return -_times_log(label, score) - _times_log(1 - label, 1 - score)


def log_loss_of_logits(labels: Floats, predictions: Floats, label_smoothing: float = 0.0) -> Floats:
    """Binary cross entropy of logits."""
    label = probability(labels) * (1 - label_smoothing) + 0.5 * label_smoothing
    loss: Floats = np.maximum(predictions, 0) - predictions * label + np.log1p(np.exp(-np.abs(predictions)))
    return loss


def positive_prediction(labels: Floats, predictions: Floats) -> Floats:
    """Return the prediction, as far as the row is positive."""
    return labels * predictions


def negative_prediction(labels: Floats, predictions: Floats) -> Floats:
    """Return the prediction, as far as the row is negative."""
    return (1 - labels) * predictions


def squared_error(labels: Floats, predictions: Floats) -> Floats:
    """Return the squared difference; summed over the outputs of a row."""
    with np.errstate(over="ignore", invalid="ignore"):
        difference: Floats = (labels - predictions) ** 2
    return difference if difference.ndim == 1 else np.asarray(difference.sum(axis=1))


def absolute_error(labels: Floats, predictions: Floats) -> Floats:
    """Return the absolute difference."""
    return np.asarray(np.abs(labels - predictions))


def absolute_percentage_error(labels: Floats, predictions: Floats) -> Floats:
    """Return the absolute difference in percent of the label; 0 for a label of 0, which `has_percentage` leaves out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(labels == 0, 0.0, 100 * np.abs((labels - predictions) / labels))


def has_percentage(labels: Floats, predictions: Floats) -> Floats:  # noqa: ARG001
    """1 for a row whose label is not 0."""
    return np.where(np.isnan(labels), np.nan, labels != 0)


def has_no_percentage(labels: Floats, predictions: Floats) -> Floats:  # noqa: ARG001
    """1 for a row whose label is 0."""
    return np.asarray(labels == 0, dtype=np.float64)


def squared_logarithmic_error(labels: Floats, predictions: Floats) -> Floats:
    """Return the squared difference of log(1 + x); NaN below -1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error: Floats = np.square(np.log1p(labels) - np.log1p(predictions))
    return error


def probability(values: Floats) -> Floats:
    """Return the values in [0, 1]; NaN for any other."""
    inside = (values >= 0) & (values <= 1)
    return values if inside.all() else np.where(inside, values, np.nan)


def _known(predictions: Floats, values: Floats) -> Floats:
    missing = np.isnan(predictions)
    return np.where(missing, np.nan, values) if missing.any() else values


def _times_log(factor: Floats, value: Floats) -> Floats:
    """Return factor * log(value), and 0 where the factor is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(factor == 0, np.where(np.isnan(value), np.nan, 0.0), factor * np.log(value))
