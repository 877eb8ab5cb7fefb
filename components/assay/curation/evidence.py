"""One feature as it was observed, and as the schema has it so far."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.curation.patch import Entry, Evidence

_UNCHECKED: Final = {"PLANNED", "ALPHA", "DEPRECATED", "DEBUG_ONLY", "DISABLED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One feature as it was observed.

    Attributes:
        name: Its path.
        statistics: Its statistics.
        feature: Its entry in the schema.
        schema: The schema, for shared domains.
        num_examples: Rows of the data set.
        ascending: Whether its values never fall from one row to the next; None where nobody looked.
        date: The date of suggestions.
        is_category: Whether it was just suggested to take its numbers as categories.
    """

    name: str
    statistics: statistics_pb2.FeatureNameStatistics
    feature: Any
    schema: Any
    num_examples: int
    ascending: bool | None = None
    date: dt.date | None = None
    is_category: bool = False

    @property
    def type(self) -> str:
        """The type that the schema gives it."""
        return str(schema_pb2.FeatureType.Name(self.feature.type))

    @property
    def domain(self) -> str | None:
        """The field of the schema that holds its domain."""
        name: str | None = self.feature.WhichOneof("domain_info")
        return name

    @property
    def is_validated(self) -> bool:
        """Whether its lifecycle stage lets it be validated."""
        stage = schema_pb2.LifecycleStage.Name(self.feature.lifecycle_stage)
        return stage not in _UNCHECKED and not self.feature.deprecated

    @property
    def numbers(self) -> Any:
        """Its numeric statistics; None where it is not counted as a number."""
        return self.statistics.num_stats if self.statistics.WhichOneof("stats") == "num_stats" else None

    @property
    def strings(self) -> Any:
        """Its statistics as a string or a category; None where it is counted as something else."""
        return self.statistics.string_stats if self.statistics.WhichOneof("stats") == "string_stats" else None

    @property
    def common(self) -> Any:
        """Counts of presence and values."""
        stats = self.statistics.WhichOneof("stats")
        return getattr(self.statistics, stats).common_stats if stats else statistics_pb2.CommonStatistics()

    @property
    def num_values(self) -> int:
        """All its values, in all rows."""
        return int(self.common.tot_num_values)

    def entry(self, reason: str, plain: dict[str, Any], **evidence: Evidence) -> Entry:
        """Gives a suggestion about it."""
        return Entry(
            feature=self.name, set=plain, reason=reason, date=self.date, suggested=True, evidence=dict(evidence)
        )
