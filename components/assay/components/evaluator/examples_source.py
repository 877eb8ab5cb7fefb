"""The splits of Examples as one source of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.artifacts.examples import Examples
    from assay.engines.base import Shard


@dataclass(frozen=True, slots=True)
class SplitRows:
    """Several splits of several artifacts, one after another: a Source.

    Attributes:
        examples: The artifacts.
        splits: The splits of each.
    """

    examples: Sequence[Examples]
    splits: Sequence[str]

    @property
    def shards(self) -> Sequence[Shard]:
        """The parts, in order."""
        sources = [artifact.source(split) for artifact in self.examples for split in self.splits]
        return [shard for source in sources for shard in source.shards]

    @property
    def bounded(self) -> bool:
        """Whether each part of each split is small enough for a worker to hold."""
        return all(artifact.source(split).bounded for artifact in self.examples for split in self.splits)
