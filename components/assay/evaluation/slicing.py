"""The slices of a configuration: TFMA's, and bins and periods by the notation that statistics take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.gating.slicing import Slicing, feature_of
from assay.kernels.metrics.slices import SlicingSpec
from assay.kernels.statistics.slices.text import slicing_of_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.gating.metric_values import SliceKey
    from assay.gating.thresholds import EvalConfig


def slicing_of(config: EvalConfig) -> tuple[SlicingSpec, ...]:
    """Return the slices to compute; the whole data where the configuration names none, as TFMA.

    Among `feature_keys`, `fare[10,20]` cuts numbers into bins, which are slices named `fare=[10.0,20.0)`, and
    `start:month` cuts times into periods, named `start=2024-03`.

    Raises:
        UsageError: The edges of bins do not ascend.
    """
    return tuple(dict.fromkeys(map(_spec, specs_of(config)))) or (SlicingSpec(),)


def specs_of(config: EvalConfig) -> list[Any]:
    """Return every `SlicingSpec` whose slices are computed: the named ones, and those compared with each other."""
    compared = [spec for pair in config.cross_slicing_specs for spec in (pair.baseline_spec, *pair.slicing_specs)]
    return [*config.slicing_specs, *compared]


def absent_slices(config: EvalConfig, computed: Iterable[SliceKey]) -> tuple[Slicing, ...]:
    """Return the slices that `slicing_specs` asks for and that no row is in: a value misspelt, for example.

    Args:
        config: The configuration.
        computed: The slices that rows are in.
    """
    slices = tuple(computed)
    wanted = (
        Slicing(feature_keys=tuple(spec.feature_keys), feature_values=tuple(sorted(spec.feature_values.items())))
        for spec in config.slicing_specs
    )
    return tuple(dict.fromkeys(one for one in wanted if not any(one.matches(key) for key in slices)))


def is_cut(key: str) -> bool:
    """Return whether a key cuts its feature into bins or periods, which TFMA does not support."""
    return feature_of(key) != key


def _spec(spec: Any) -> SlicingSpec:
    bins: dict[str, tuple[float, ...]] = {}
    periods: dict[str, Any] = {}
    for key in filter(is_cut, spec.feature_keys):
        # The feature may have any name; what follows it is read as it is for statistics.
        feature = feature_of(key)
        cut = slicing_of_text(f"`{feature}`{key.removeprefix(feature)}")
        bins |= cut.bins
        periods |= cut.periods
    return SlicingSpec(
        feature_keys=tuple(key for key in spec.feature_keys if not is_cut(key)),
        feature_values=tuple(sorted(spec.feature_values.items())),
        bins=tuple(sorted(bins.items())),
        periods=tuple(sorted(periods.items())),
    )
