"""Distances from every value: of every type that statistics summarise, and equal whatever the type."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

import assay

NOW, BEFORE = [0, 1, 1, 3, 9] * 40, [0, 0, 1, 5, 7] * 40
DAY = dt.date(2024, 1, 1)
KINDS = {
    "int8": lambda n: pa.array(n, pa.int8()),
    "float16": lambda n: pa.array(np.array(n, np.float16)),
    "decimal": lambda n: pa.array([Decimal(each) for each in n], pa.decimal128(4, 1)),
    "date": lambda n: pa.array([DAY + dt.timedelta(each) for each in n]),
    "timestamp": lambda n: pa.array(n, pa.timestamp("s", "Europe/Rome")),
    "duration": lambda n: pa.array(n, pa.duration("ms")),
    "dictionary": lambda n: pa.array(n).dictionary_encode(),
    "lists": lambda n: pa.array([[each] for each in n]),
}


def distances(now: pa.Array, before: pa.Array) -> dict[str, float]:
    (feature,) = assay.drift(pa.table({"x": before}), pa.table({"x": now})).features
    assert {each.basis.partition(",")[0] for each in feature.distances} <= {"every value", "every example"}
    return {each.measure: each.value for each in feature.distances}


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_any_type_lie_as_far_apart_as_integers(kind: str) -> None:
    """None falls back to the histograms, which spread a value over its bucket and so give another distance."""
    of_integers = distances(pa.array(NOW), pa.array(BEFORE))
    assert distances(KINDS[kind](NOW), KINDS[kind](BEFORE)) == pytest.approx(of_integers)


def test_truths_are_the_integers_that_they_are() -> None:
    now, before = ([each > bound for each in NOW] for bound in (0, 1))
    assert distances(pa.array(now), pa.array(before)) == distances(
        pa.array(now).cast(pa.int64()), pa.array(before).cast(pa.int64())
    )


def test_words_of_any_type_are_counted_alike() -> None:
    of_text = distances(*(pa.array([str(each) for each in values]) for values in (NOW, BEFORE)))
    for kind in (pa.binary(), pa.large_binary(), pa.binary(1)):
        now, before = (pa.array([str(each).encode() for each in values], kind) for values in (NOW, BEFORE))
        assert distances(now, before) == of_text
