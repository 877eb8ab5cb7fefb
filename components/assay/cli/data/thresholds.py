"""Limits of distances as people type them: `psi=0.1`, `fare:wasserstein=0.5`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from assay.errors import UsageError, did_you_mean
from assay.kernels.distances import ALL_FEATURES, DEFAULT_THRESHOLDS, DriftThresholds

_MEASURES = tuple(field.name for field in fields(DriftThresholds) if field.name != "alpha")


def parse_thresholds(texts: Iterable[str], alpha: float) -> dict[str, DriftThresholds]:
    """Parse thresholds by feature, those of all others by `*`.

    A threshold without a feature replaces the default of its measure. A feature with thresholds of its own has no
    others.

    Raises:
        UsageError: A text is not a threshold; the message says which.
    """
    others, named = _parsed(texts)
    defaults = replace(DEFAULT_THRESHOLDS, alpha=alpha, **others)
    return {
        ALL_FEATURES: defaults,
        **{feature: DriftThresholds(alpha=alpha, **own) for feature, own in named.items()},
    }


def parse_own_thresholds(texts: Iterable[str]) -> dict[str, DriftThresholds]:
    """Return the given thresholds, by feature and `*`, and no defaults.

    Raises:
        UsageError: A text is not a threshold; the message says which.
    """
    others, named = _parsed(texts)
    for_all = {ALL_FEATURES: others} if others else {}
    return {feature: DriftThresholds(**own) for feature, own in {**for_all, **named}.items()}


def parse_severities(texts: Iterable[str]) -> dict[str, str]:
    """Return severities by anomaly type, from texts as `SCHEMA_NEW_COLUMN=WARNING`.

    Raises:
        UsageError: A text has no `=`; the names themselves are checked where they are used.
    """
    found = {}
    for text in texts:
        kind, equals, level = text.partition("=")
        if not equals:
            raise UsageError("validate.severity", f"Expected TYPE=LEVEL, got '{text}'.", "SCHEMA_NEW_COLUMN=WARNING")
        found[kind.strip().upper()] = level.strip().upper()
    return found


def _parsed(texts: Iterable[str]) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    others: dict[str, float] = {}
    named: dict[str, dict[str, float]] = {}
    for text in texts:
        place, _, number = text.rpartition("=")
        feature, _, measure = place.rpartition(":")
        if measure not in _MEASURES:
            hint = did_you_mean(measure, _MEASURES) or f"The measures are {', '.join(_MEASURES)}."
            raise UsageError(
                "drift.threshold", f"Expected MEASURE=NUMBER or FEATURE:MEASURE=NUMBER, got '{text}'.", hint
            )
        try:
            value = float(number)
        except ValueError:
            raise UsageError("drift.threshold", f"Expected a number after '=' in '{text}'.") from None
        (named.setdefault(feature, {}) if feature else others)[measure] = value
    return others, named
