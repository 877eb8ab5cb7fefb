"""Distances between counts of categories: TFDV's three, each by its own normalisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.kernels.distances.distribution import Categories, Doubles
    from assay.kernels.distances.limits import Contribution


def l_infinity(treatment: Categories, control: Categories) -> tuple[float, str]:
    """The greatest difference between a value's shares, and that value.

    TFDV's `LInftyDistance` (anomalies/metrics.cc): shares of the listed values; of several values with the greatest
    difference, the last in the order of their bytes.
    """
    return _greatest(treatment.counts, control.counts, _total(treatment.counts), _total(control.counts))


def normalized_absolute_difference(treatment: Categories, control: Categories) -> tuple[float, str]:
    """The greatest difference between a value's counts, over all counts of both, and that value.

    TFDV's `NormalizedAbsoluteDifference` (anomalies/metrics.cc). It compares counts, not shares: twice the rows of one
    distribution differ from it.
    """
    scale = _total(treatment.counts) + _total(control.counts)
    return _greatest(treatment.counts, control.counts, scale, scale)


def jensen_shannon(treatment: Categories, control: Categories) -> float:
    """The Jensen-Shannon divergence of the listed values in bits, from 0 to 1 (Lin 1991, TFDV's anomalies/metrics.cc).

    Half of the Kullback-Leibler divergences of both from their mean.
    """
    divergence = 0.0
    for p, q in shares(treatment.counts, control.counts):
        middle = (p + q) / 2
        divergence += p * math.log2(p / middle) if p else 0.0
        divergence += q * math.log2(q / middle) if q else 0.0
    return min(divergence / 2, 1.0)


def jensen_shannon_contribution(n: float, m: float) -> Contribution:
    """What a value adds to the divergence in bits, by its counts on both sides, of `n` and `m` values."""

    def contribution(treatment: Doubles, control: Doubles) -> Doubles:
        p, q = treatment / n, control / m
        middle = np.maximum((p + q) / 2, 1e-300)
        parts = [share * np.log2(np.where(share > 0, share / middle, 1.0)) for share in (p, q)]
        return np.asarray((parts[0] + parts[1]) / 2)

    return contribution


def shares(treatment: Mapping[str, float], control: Mapping[str, float]) -> Iterator[tuple[float, float]]:
    """Each value's share on both sides, in the order of the values' bytes."""
    n, m = _total(treatment), _total(control)
    for value in _in_order({*treatment, *control}):
        yield treatment.get(value, 0.0) / n, control.get(value, 0.0) / m


def _total(counts: Mapping[str, float]) -> float:
    return float(sum(counts.values())) or 1.0


def _in_order(values: set[str]) -> list[str]:
    return sorted(values, key=lambda value: value.encode("utf-8", "surrogatepass"))


def _greatest(treatment: Mapping[str, float], control: Mapping[str, float], n: float, m: float) -> tuple[float, str]:
    greatest, where = 0.0, ""
    for value in _in_order({*treatment, *control}):
        difference = abs(treatment.get(value, 0.0) / n - control.get(value, 0.0) / m)
        if difference >= greatest:
            greatest, where = difference, value
    return greatest, where
