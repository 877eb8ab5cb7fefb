"""What may be suggested of a schema, and how careful a suggestion is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from assay.errors import UsageError

Suggestion: TypeAlias = Literal["time", "categories", "ranges", "domains", "uniqueness", "presence", "drift"]

ALL: Final[tuple[Suggestion, ...]] = get_args(Suggestion)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestOptions:
    """What to suggest, and how carefully.

    Attributes:
        kinds: The kinds of suggestions, all by default.
        margin: How far a numeric range goes beyond what was observed, as a share of its width; and how far below what
            was observed a share or a count may fall.
        min_examples: Features with fewer values give no suggestion: they are no evidence.
        max_categories: An integer feature with a wider range of values is no category.
        confidence: How sure a limit that knows the sample size is to pass data that has not changed.
    """

    kinds: tuple[Suggestion, ...] = ALL
    margin: float = 0.1
    min_examples: int = 100
    max_categories: int = 32
    confidence: float = 0.999

    def __post_init__(self) -> None:
        """Refuses values that no suggestion could be made with."""
        if not 0 <= self.margin < float("inf"):
            raise UsageError("suggest.option", f"margin must not be negative, not {self.margin}.")
        if not 0.5 <= self.confidence < 1:
            raise UsageError("suggest.option", f"confidence must lie between 0.5 and 1, not {self.confidence}.")
        unknown = [kind for kind in self.kinds if kind not in ALL]
        if unknown:
            raise UsageError("suggest.option", f"There is no suggestion '{unknown[0]}'.", f"Known: {', '.join(ALL)}.")
