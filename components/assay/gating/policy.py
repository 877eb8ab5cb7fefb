"""What a gate does where the thresholds do not say, and how sure it must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from assay.gating.figures import number

FirstRun: TypeAlias = Literal["bless", "block", "values_only"]
NoThresholds: TypeAlias = Literal["bless", "block"]
Significant: TypeAlias = Literal["off", "regression", "not_worse"]
Correction: TypeAlias = Literal["none", "holm", "benjamini_hochberg"]
Insufficient: TypeAlias = Literal["block", "pass"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """What the gate does where the thresholds do not say.

    Attributes:
        first_run: When change thresholds have no baseline to compare with: `values_only` lets the value thresholds
            decide (and blesses, saying so, where there are none), `bless` blesses whatever they say, `block` blocks.
        no_thresholds: When the configuration has no threshold at all.
    """

    first_run: FirstRun = "values_only"
    no_thresholds: NoThresholds = "block"

    def as_dict(self) -> dict[str, str]:
        """The policy by name, as the verdict lists it."""
        return {"first_run": self.first_run, "no_thresholds": self.no_thresholds}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePolicy:
    """How sure the gate must be.

    Attributes:
        significant: `off` holds point estimates and only shows bounds; `regression` blocks only what a test shows to
            break its limit; `not_worse` blesses only what a test shows to keep it. A threshold may say otherwise.
        level: The one-sided chance of error; bounds are those of a two-sided interval at `1 - 2 * level`.
        correction: Of the p-values of all checks that are held by `regression`.
        min_examples: Fewer rows are insufficient evidence: of the slice, of those that a rate is a share of, or of the
            smaller class for an AUC. With few, a bootstrap is too sure: 10 right answers of 10 do not vary however they
            are drawn.
        insufficient: What a check with insufficient evidence does. Where every check lacks it, all block.
    """

    significant: Significant = "off"
    level: float = 0.05
    correction: Correction = "holm"
    min_examples: int = 30
    insufficient: Insufficient = "block"

    def as_dict(self) -> dict[str, str]:
        """The policy by name, as the verdict lists it."""
        return {
            "significant": self.significant,
            "level": number(self.level),
            "correction": self.correction,
            "min_examples": str(self.min_examples),
            "insufficient": self.insufficient,
        }
