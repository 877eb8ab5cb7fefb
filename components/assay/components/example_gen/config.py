"""What ExampleGen reads and how it splits, with the names and fields of TFX's `example_gen.proto`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import IntEnum
from itertools import pairwise
from typing import Literal

from assay.data.csv_types import CsvOptions
from assay.errors import UsageError

FileFormat = Literal["parquet", "tfrecord_gzip"]
TimeUnit = Literal["s", "ms", "us", "ns"]


class PayloadFormat(IntEnum):
    """What the records of an input are; TFX's numbers."""

    FORMAT_UNSPECIFIED = 0
    FORMAT_TF_EXAMPLE = 6
    FORMAT_TF_SEQUENCE_EXAMPLE = 7
    FORMAT_PROTO = 11
    FORMAT_PARQUET = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """The splits of the input.

    Attributes:
        splits: One split is split further by `Output`; several are kept as they are.
    """

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Split:
        """Files that belong together.

        Attributes:
            name: The split's name.
            pattern: A glob pattern below the input base; may hold `{SPAN}` or `{YYYY}`, `{MM}` and `{DD}`, and
                `{VERSION}`.
        """

        name: str
        pattern: str

        def __post_init__(self) -> None:
            if not self.name or not self.pattern:
                raise UsageError("example_gen.input_split", "An input split needs a name and a pattern.")

    splits: tuple[Input.Split, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "splits", tuple(self.splits))  # TFX's code passes lists
        _check_names([split.name for split in self.splits])


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """How rows are divided: by hash buckets of the row or of one feature, or by time.

    Attributes:
        splits: In order; the order decides which hash buckets a split owns.
        partition_feature_name: An integer or text feature; rows with the same value are never divided.
        time_feature_name: The feature that holds a row's time: text in ISO 8601, a timestamp or date, or a number
            since 1970-01-01 UTC. Splits are then bounded by `before`.
        time_unit: The unit of a time feature that is a number.
    """

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Split:
        """One part of the rows.

        Attributes:
            name: The split's name.
            hash_buckets: How many of all splits' buckets fall to it.
            before: For a division by time: the split takes the rows before this time that no earlier split takes. ISO
                8601 (UTC where it names no zone), or a number in the feature's own unit. The last split has none and
                takes the rest.
        """

        name: str
        hash_buckets: int = 0
        before: str | int | float | None = None

    splits: tuple[SplitConfig.Split, ...] = ()
    partition_feature_name: str = ""
    time_feature_name: str = ""
    time_unit: TimeUnit = "s"

    def __post_init__(self) -> None:
        object.__setattr__(self, "splits", tuple(self.splits))
        _check_names([split.name for split in self.splits])
        if self.time_feature_name:
            self._check_times()
        else:
            self._check_buckets()

    def _check_buckets(self) -> None:
        for split in self.splits:
            if split.before is not None:
                raise UsageError(
                    "example_gen.before_without_time",
                    f"Output split '{split.name}' has `before`, but the split config names no `time_feature_name`.",
                )
            if split.hash_buckets < 1:
                raise UsageError(
                    "example_gen.hash_buckets",
                    f"Output split '{split.name}' needs a positive number of hash_buckets, got {split.hash_buckets}.",
                )

    def _check_times(self) -> None:
        if self.partition_feature_name:
            raise UsageError(
                "example_gen.two_ways_to_split",
                "A split config names either a `partition_feature_name` or a `time_feature_name`, not both.",
            )
        for position, split in enumerate(self.splits, 1):
            is_last = position == len(self.splits)
            if split.hash_buckets:
                raise UsageError(
                    "example_gen.two_ways_to_split",
                    f"Output split '{split.name}' has hash_buckets, but the rows are split by time.",
                )
            if (split.before is None) != is_last:
                raise UsageError(
                    "example_gen.before",
                    f"Output split '{split.name}' {'takes the rest and has no' if is_last else 'needs'} `before`.",
                )
        bounds = [split.before for split in self.splits[:-1]]
        kinds = {isinstance(bound, str) for bound in bounds}
        if len(kinds) > 1:
            raise UsageError("example_gen.before", "`before` is either a number or a date in every split.")
        seconds = [parse_time(bound).timestamp() if isinstance(bound, str) else bound or 0 for bound in bounds]
        if any(late <= early for early, late in pairwise(seconds)):
            raise UsageError("example_gen.before", "The splits' `before` must increase from split to split.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The splits of the output.

    Attributes:
        split_config: How a single input split is divided; `train` and `eval`, 2 to 1, where it has no splits.
    """

    split_config: SplitConfig = field(default_factory=SplitConfig)


DEFAULT_SPLITS = (SplitConfig.Split(name="train", hash_buckets=2), SplitConfig.Split(name="eval", hash_buckets=1))


def parse_time(text: str) -> datetime:
    """Read a time in ISO 8601; UTC where it names no zone.

    Raises:
        UsageError: For other text.
    """
    try:
        # Python 3.10 does not read the "Z".
        found = datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    except ValueError:
        raise UsageError(
            "example_gen.time", f"Expected a time in ISO 8601, such as 2015-01-31, found {text!r}."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def output_split_config(inputs: int, output: Output | None) -> SplitConfig | None:
    """Return the function that divides the rows, or None if the input's splits are kept.

    Args:
        inputs: The number of input splits.
        output: What the author gave.

    Raises:
        UsageError: If the author divides several input splits, which TFX does not allow either.
    """
    config = output.split_config if output else SplitConfig()
    if inputs > 1:
        if config.splits:
            raise UsageError(
                "example_gen.output_splits",
                f"The input has {inputs} splits, which are kept, but output_config names others.",
                "Remove the output's split_config, or read one input split.",
            )
        return None
    if config.splits:
        return config
    if config.time_feature_name:
        raise UsageError("example_gen.before", "A split by time needs `splits`, all but the last with `before`.")
    return SplitConfig(splits=DEFAULT_SPLITS, partition_feature_name=config.partition_feature_name)


def tokens_by_column(missing_values: Iterable[str] | Mapping[str, Iterable[str]] | None) -> dict[str, list[str]] | None:
    """Return missing-value tokens by column, where `*` stands for all columns that are not named."""
    if missing_values is None:
        return None
    options = CsvOptions(missing_values=missing_values)
    return {column: list(options.tokens_of(column)[1:]) for column in options.missing_values}


def _check_names(names: list[str]) -> None:
    for name in names:
        if not name or "/" in name or name.startswith("."):
            raise UsageError("example_gen.split_name", f"A split's name must be usable in a folder's, got {name!r}.")
        if names.count(name) > 1:
            raise UsageError("example_gen.duplicate_split", f"The split name '{name}' occurs twice.")
