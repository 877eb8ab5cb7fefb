"""Options of Transform."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

OutputFormat = Literal["parquet", "tfrecord_gzip"]


class StatsType(enum.Enum):
    """Which statistics a `stats_options_updater_fn` is asked about; `stats_options_util.StatsType` in TFX."""

    UNKNOWN = 0
    PRE_TRANSFORM = 1
    POST_TRANSFORM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitsConfig:
    """Which splits are analysed and which are transformed; `transform_pb2.SplitsConfig` in TFX.

    Attributes:
        analyze: Splits that the analyzers (vocabularies, means, quantiles) see.
        transform: Splits that are transformed; all splits of the examples where empty.
    """

    analyze: tuple[str, ...] = ("train",)
    transform: tuple[str, ...] = ()
