"""Options of Transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OutputFormat = Literal["parquet", "tfrecord_gzip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitsConfig:
    """Which splits are analysed and which are transformed; `transform_pb2.SplitsConfig` in TFX.

    Attributes:
        analyze: Splits that the analyzers (vocabularies, means, quantiles) see.
        transform: Splits that are transformed; all splits of the examples where empty.
    """

    analyze: tuple[str, ...] = ("train",)
    transform: tuple[str, ...] = ()
