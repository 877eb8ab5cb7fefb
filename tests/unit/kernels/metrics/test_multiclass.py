from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.kernels.metrics import multiclass
from assay.kernels.metrics.view import View


@pytest.mark.parametrize(
    ("label", "prediction"),
    [
        (3.0, [0.2, 0.3, 0.5]),  # classes that count from 1
        (-2.0, [0.2, 0.3, 0.5]),
        (0.5, [0.2, 0.3, 0.5]),
        (2.0, 0.4),  # one number is the probability of class 1, of two
        (1.0, 2.0),  # the class that is predicted, and no probability
    ],
)
def test_what_is_no_class_is_not_known_and_costs_no_less_than_a_miss(label: float, prediction: Any) -> None:
    labels, predictions = np.array([label]), np.array([prediction])
    for metric in (
        multiclass.categorical_accuracy(),
        multiclass.top_k_categorical_accuracy(2),
        multiclass.categorical_crossentropy(),
        multiclass.categorical_crossentropy(clip=1e-7),
    ):
        pairs = metric.view.pairs(labels, predictions)
        assert np.isnan(metric.terms[0].function(pairs.labels, pairs.predictions, *metric.terms[0].params))
    if isinstance(prediction, list):
        assert np.isnan(View(class_id=1).pairs(labels, predictions).labels)
        assert np.isnan(View().pairs(labels, predictions).labels).all()


def test_the_logit_of_two_classes() -> None:
    term = multiclass.categorical_crossentropy(from_logits=True).terms[0]
    found = term.function(np.array([1.0, 0.0]), np.array([2.0, 2.0]), *term.params)
    assert found == pytest.approx([np.log1p(np.exp(-2)), np.log1p(np.exp(2))])
