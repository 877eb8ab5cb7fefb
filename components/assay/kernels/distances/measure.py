"""The measures of distance: their names, the limits that they are held against, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.kernels.distances.bins import Bin

MeasureName = Literal[
    "l_infinity",
    "normalized_absolute_difference",
    "jensen_shannon",
    "psi",
    "kolmogorov_smirnov",
    "wasserstein",
    "missing",
]

ALL_FEATURES: Final = "*"
"""Stands for every feature whose limits are not named."""

OF_CATEGORIES: Final[tuple[MeasureName, ...]] = (
    "l_infinity",
    "normalized_absolute_difference",
    "jensen_shannon",
    "psi",
    "missing",
)
OF_NUMBERS: Final[tuple[MeasureName, ...]] = ("jensen_shannon", "psi", "kolmogorov_smirnov", "wasserstein", "missing")
BY_CHANCE: Final[frozenset[MeasureName]] = frozenset({*OF_CATEGORIES, *OF_NUMBERS} - {"normalized_absolute_difference"})
"""Measures for which it is known what equal distributions reach by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLimits:
    """Which distances matter, besides being more than chance; None leaves a measure out of the judgement.

    Attributes:
        l_infinity: Greatest difference of a category's shares.
        normalized_absolute_difference: Greatest difference of a category's counts over all counts.
        jensen_shannon: In bits, from 0 to 1.
        psi: Population stability index; 0.1 to 0.25 is commonly called a moderate shift (Siddiqi 2006).
        kolmogorov_smirnov: Greatest difference of the distribution functions, from 0 to 1.
        wasserstein: In standard deviations of both data sets together.
        missing: Difference of the shares of examples without the feature.
        significance: How often chance alone may exceed the limits of a feature, over all of its measures together. Each
            measure with a threshold gets an equal part of it.
    """

    l_infinity: float | None = None
    normalized_absolute_difference: float | None = None
    jensen_shannon: float | None = None
    psi: float | None = None
    kolmogorov_smirnov: float | None = None
    wasserstein: float | None = None
    missing: float | None = None
    significance: float = 0.001

    def __post_init__(self) -> None:
        """Refuses limits that no distance can be held against.

        Raises:
            UsageError: A limit is negative or no number, or the significance is not between 0 and 1.
        """
        if not 0 < self.significance < 1:
            raise UsageError("drift.significance", f"significance must lie between 0 and 1, not {self.significance}.")
        for name in {*OF_CATEGORIES, *OF_NUMBERS}:
            limit = self.threshold(name)
            if limit is not None and not limit >= 0:
                raise UsageError("drift.limit", f"The limit of {name} must not be negative: {limit}.")

    def threshold(self, measure: MeasureName) -> float | None:
        """The limit of a measure, by its name."""
        value: float | None = getattr(self, measure)
        return value


DEFAULT_LIMITS: Final = DriftLimits(
    l_infinity=0.1, jensen_shannon=0.1, psi=0.2, kolmogorov_smirnov=0.1, wasserstein=0.25, missing=0.05
)
"""What `assay drift` judges by when nothing else is said: rules of thumb, each shown beside what was observed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """One measure of one feature.

    Attributes:
        measure: Its name.
        value: The distance; the Wasserstein distance in standard deviations of both together.
        chance: What equal distributions stay below with samples of this size; None where there is no such bound.
        threshold: The limit that was asked for.
        where: The value or number at which the greatest difference is reached.
        basis: What it was computed from, and so how exact it is.
    """

    measure: MeasureName
    value: float
    chance: float | None
    threshold: float | None
    where: str = ""
    basis: str = ""

    @property
    def limit(self) -> float | None:
        """What the distance must not exceed: the threshold, or chance where that is more."""
        return None if self.threshold is None else max(self.threshold, self.chance or 0.0)

    @property
    def exceeded(self) -> bool:
        """Whether it counts as drift."""
        return self.limit is not None and self.value > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDrift:
    """One feature.

    Attributes:
        feature: Its name.
        kind: `numeric`, `categorical`, or `""` where the two cannot be compared.
        distances: Each measure that applies.
        bins: The bins of the PSI: intervals or categories with their counts.
        problem: Why the two cannot be compared; empty where they can.
        remark: Why values are not compared where that is no sign of drift, as for ids; empty where they are.
    """

    feature: str
    kind: str = ""
    distances: tuple[Distance, ...] = ()
    bins: tuple[Bin, ...] = ()
    problem: str = ""
    remark: str = ""

    @property
    def drifted(self) -> bool:
        """Whether a distance exceeds its limit, or the feature cannot be compared."""
        return bool(self.problem) or any(distance.exceeded for distance in self.distances)
