"""Which splits of an artifact a step works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.artifacts.base import Artifact


def chosen_splits(artifact: Artifact, splits: Sequence[str], exclude: Sequence[str] | None) -> list[str]:
    """Gives the splits but the excluded ones.

    Raises:
        UsageError: If an excluded split does not exist (a typo would otherwise include it in silence), or none is left.
    """
    excluded = set(exclude or ())
    for name in sorted(excluded - set(splits)):
        raise UsageError(
            "splits.unknown",
            f"exclude_splits names '{name}', which {artifact.type_name} at {artifact.path} does not have.",
            did_you_mean(name, splits),
        )
    chosen = [split for split in splits if split not in excluded]
    if not chosen:
        raise UsageError(
            "splits.none_left",
            f"exclude_splits leaves no split of {artifact.path}.",
            f"Leave one of {', '.join(splits)} out of exclude_splits.",
        )
    return chosen
