"""Which closed form or bootstrap measures a check.

DeLong's form for areas, Hall's for means of losses, Wilson's for rates and Tango's for their changes; replicates for
the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from assay.gating.figures import SlicePair
from assay.gating.measured import Measured, Proportion, Resampled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.gating.evidence import Changes, Evidence
    from assay.gating.figures import MetricKey, Place, SliceKey
    from assay.gating.held import Held
    from assay.kernels.metrics.rows import Floats
    from assay.kernels.uncertainty.row_means import ClosedForm

T = TypeVar("T")


def measure(one: Held, evidence: Evidence) -> Measured | None:
    """Gives the checked value, or its change, with its uncertainty; None where that is not known.

    A value at its extreme has no spread over the rows at hand, which says nothing of other rows; a change that does not
    vary, as between identical models, is as it is seen.
    """
    key, metric, check = one.key, one.limit.metric, one.check
    if key is None or check.observed is None:
        return None
    baseline = check.baseline if one.limit.is_change else None
    if one.limit.is_change and baseline is None:
        return None
    closed = _of(evidence.closed, key, metric)
    if closed is not None:
        return _of_closed(closed, one)
    trials = _of(evidence.trials, key, metric)
    if trials and baseline is None:
        return Proportion(check.observed, trials)
    shares = _of(evidence.shares, key, metric)
    if shares is not None and one.limit.bound == "absolute":
        return shares
    ours = _replicates(evidence.candidate, key, metric)
    if baseline is None:
        return Resampled(check.observed, ours) if ours is not None and np.nan_to_num(ours).any() else None
    theirs = _replicates(evidence.baseline, key, metric)
    if ours is None or theirs is None:
        return None
    return _of_replicates(check.observed, baseline, ours, theirs, relative=one.limit.bound == "relative")


def _of_closed(closed: ClosedForm, one: Held) -> Measured | None:
    if one.limit.bound == "relative":
        return closed.relative_difference()
    found = closed.difference() if one.limit.is_change else closed.estimate()
    return None if not one.limit.is_change and found.standard_error == 0 else found


def _of_replicates(observed: float, baseline: float, ours: Floats, theirs: Floats, *, relative: bool) -> Resampled:
    value, changes = observed - baseline, ours - theirs
    if not relative:
        return Resampled(value, changes)
    if not changes.any() and value == 0:
        return Resampled(0.0, np.zeros_like(changes))
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = (value + changes) / np.abs(baseline + theirs)
    return Resampled(value / abs(baseline), replicates - value / abs(baseline))


def _of(by_slice: Mapping[SliceKey, Mapping[MetricKey, T]], key: Place, metric: MetricKey) -> T | None:
    return None if isinstance(key, SlicePair) else by_slice.get(key, {}).get(metric)


def _replicates(changes: Changes, key: Place, metric: MetricKey) -> Floats | None:
    if not isinstance(key, SlicePair):
        return changes.get(key, {}).get(metric)
    first, second = (changes.get(part, {}).get(metric) for part in (key.first, key.second))
    return None if first is None or second is None else first - second
