"""Which splits of an artifact a step works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence


def chosen_splits(owner: str, splits: Sequence[str], exclude: Sequence[str] | None) -> list[str]:
    """Return the splits but the excluded ones.

    Args:
        owner: What has the splits, for messages.
        splits: The names of all splits.
        exclude: Those that are left out.

    Raises:
        UsageError: If an excluded split does not exist (a typo would otherwise include it in silence), or none is left.
    """
    excluded = set(exclude or ())
    for name in sorted(excluded - set(splits)):
        raise UsageError(
            "splits.unknown",
            f"exclude_splits names '{name}', which is not a split of {owner}.",
            did_you_mean(name, splits),
        )
    chosen = [split for split in splits if split not in excluded]
    if not chosen:
        raise UsageError(
            "splits.none_left",
            f"exclude_splits leaves no split of {owner}.",
            f"Leave one of {', '.join(splits)} out of exclude_splits.",
        )
    return chosen
