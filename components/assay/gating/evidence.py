"""What the rows at hand can show of the figures: replicates, closed forms, and of how many rows each figure is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from assay.gating.figures import SlicePair

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.gating.figures import Figures, MetricKey, SliceKey
    from assay.gating.held import Held
    from assay.gating.limits import Limit
    from assay.gating.policy import EvidencePolicy, Significant
    from assay.kernels.metrics.rows import Floats
    from assay.kernels.uncertainty.paired_shares import PairedShares
    from assay.kernels.uncertainty.row_means import ClosedForm

Changes: TypeAlias = "Mapping[SliceKey, Mapping[MetricKey, Floats]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Replicates of the figures on other samples of the same rows, and the policy to judge them by.

    Attributes:
        policy: How sure the gate must be.
        candidate: What each replicate adds to each of the candidate's metrics.
        baseline: The same of the baseline's, replicate by replicate on the same samples.
        trials: For the candidate's rates over rows of equal weight: of how many rows each is a share.
        closed: Areas under ROC curves, and means of losses, in closed form.
        shares: For rates that are shares of the same rows for both models: on which of them the models differ; None
            where that is not known.
    """

    policy: EvidencePolicy
    candidate: Changes
    baseline: Changes = field(default_factory=dict)
    trials: Mapping[SliceKey, Mapping[MetricKey, float]] = field(default_factory=dict)
    closed: Mapping[SliceKey, Mapping[MetricKey, ClosedForm]] = field(default_factory=dict)
    shares: Mapping[SliceKey, Mapping[MetricKey, PairedShares | None]] = field(default_factory=dict)

    def rule(self, limit: Limit) -> Significant:
        """What must be significant of a limit."""
        return limit.significant or self.policy.significant

    def rows(self, one: Held, figures: Figures) -> float | None:
        """The number of rows that a figure is made of, where it is known: the smaller class's for an AUC."""
        if one.key is None:
            return None
        slices = (one.key.first, one.key.second) if isinstance(one.key, SlicePair) else (one.key,)
        metric = one.limit.metric
        known: list[float] = []
        for key in slices:
            known += [figures.examples[key]] if key in figures.examples else []
            known += [self.trials[key][metric]] if metric in self.trials.get(key, {}) else []
            known += [self.closed[key][metric].rows] if metric in self.closed.get(key, {}) else []
        return min(known, default=None)
