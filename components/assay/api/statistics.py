"""`assay.statistics`: what a dataset holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.artifacts.outputs import refuse_ending
from assay.artifacts.statistics import ExampleStatistics
from assay.data.csv_remarks import remarks_of
from assay.data.csv_types import CsvOptions
from assay.data.sources import rows_of
from assay.data.vocabulary import read_vocabularies
from assay.documents import parse_text_proto, read_bytes
from assay.engines.base import Source
from assay.engines.embedded import EmbeddedEngine
from assay.errors import DataError, UsageError, in_python
from assay.files import write_durably
from assay.kernels.default_slice import default_dataset
from assay.kernels.feature_summary import FeatureSummary, summarise
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from assay.kernels.statistics.merging import MergeableStatistics, statistics_of_mergeable
from assay.kernels.statistics.options import is_tfdv_options, options_of_tfdv

if TYPE_CHECKING:
    import pandas as pd
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from typing_extensions import Unpack

    from assay.api.inputs import DataLike, StatisticsLike
    from assay.data.csv_remarks import CsvRemark
    from assay.data.csv_types import CsvKeywords

STATE_ENDING = ".state"
"""Of files that statistics of other rows can be merged with."""

_ENDINGS = (".pb", ".pbtxt", STATE_ENDING)


@dataclass(frozen=True, slots=True, repr=False)
class Statistics:
    """Statistics of a dataset.

    Attributes:
        proto: The `DatasetFeatureStatisticsList` of tensorflow-metadata, as TFDV computes it.
        state: What merges with the statistics of other rows, where it was asked for (see `merge_statistics`).
        csv_remarks: Text columns of a CSV that are nearly all numbers, amounts or dates, each with the option that
            reads it so.
    """

    proto: statistics_pb2.DatasetFeatureStatisticsList
    state: bytes | None = field(default=None, repr=False, compare=False)
    csv_remarks: tuple[CsvRemark, ...] = field(default=(), repr=False, compare=False)

    @property
    def num_examples(self) -> int:
        """Rows of the dataset."""
        return int(default_dataset(self.proto).num_examples)

    @property
    def features(self) -> tuple[FeatureSummary, ...]:
        """Each feature in figures that a table can show."""
        return summarise(default_dataset(self.proto))

    @property
    def slices(self) -> dict[str, Statistics]:
        """The statistics of each slice, by its name."""
        whole = default_dataset(self.proto)
        return {
            dataset.name: Statistics(statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset]))
            for dataset in self.proto.datasets
            if dataset.name != whole.name
        }

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on text columns of a CSV that look like numbers, amounts or dates, with the argument to give."""
        return tuple(in_python(remark.text) for remark in self.csv_remarks)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per feature: type, counts, mean, deviation, quantiles, distinct and most frequent values."""
        import pandas as pd  # noqa: PLC0415 (a slow import that most callers do not need)

        return pd.DataFrame([feature.as_dict() for feature in self.features]).set_index("feature")

    def save(self, path: str | Path) -> None:
        """Write the proto: binary, as `tfdv.load_stats_binary` reads it, or text for `.pbtxt`; for `.state` the state.

        Raises:
            UsageError: The ending is not `.pb`, `.pbtxt` or `.state`; or the state is to be written, and was
                not asked for when the statistics were computed.
        """
        path = Path(path)
        if path.suffix == STATE_ENDING:
            if self.state is None:
                raise UsageError(
                    "statistics.no_state",
                    f"Expected statistics that can be merged to write {path}, got a finished proto.",
                    "Compute them with mergeable=True, or with `assay stats DATA -o FILE.state`.",
                )
            write_durably(path, self.state)
        elif path.suffix == ".pbtxt":
            write_durably(path, text_format.MessageToString(self.proto).encode())
        else:
            refuse_ending(path, "Statistics.save", (".pb", ".pbtxt", STATE_ENDING))
            write_durably(path, self.proto.SerializeToString(deterministic=True))

    def _repr_html_(self) -> str:
        """Return a table of the features with their histograms, which a notebook shows by itself."""
        from assay.reports.notebook import statistics_fragment  # noqa: PLC0415 (templates, for notebooks only)

        return statistics_fragment(self.proto)

    def __str__(self) -> str:
        """Return one line per feature."""
        lines = [f"{self.num_examples:,} examples, {len(self.features)} features"]
        lines += [str(feature) for feature in self.features]
        lines += [f"Remark: {remark}" for remark in self.remarks]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the printed form, which a prompt and a failed assertion show instead of the protos."""
        return str(self)


def statistics(
    data: DataLike,
    *,
    schema: Schema | None = None,
    options: StatisticsOptions | None = None,
    split: str | None = None,
    threads: int | None = None,
    mergeable: bool = False,
    **csv: Unpack[CsvKeywords],
) -> Statistics:
    """Compute the statistics of a dataset.

    Args:
        data: A path or glob (CSV, Parquet, TFRecord; plain or gzip), a folder, a pandas or polars data frame, an Arrow
            table, an Examples artifact, or a Source of batches.
        schema: Tells which integers are categories, and the types of a CSV's columns.
        options: Options with the names and defaults of `tfdv.StatsOptions`, or such an object itself.
        split: The split of Examples that have several.
        threads: Worker threads; all cores by default. The result does not depend on it.
        mergeable: Also keep the state that allows statistics of parts to be merged.
        **csv: How the cells of a CSV are read: `delimiter`, `missing_values`, `decimal`, `thousands`, `types` and
            `max_record_bytes`, as in `assay.CsvOptions`.

    Raises:
        DataError: If the data cannot be read; the message names file, row and column.
        UsageError: If the kind of data is not known.

    Example:
        ```python
        stats = assay.statistics("train.csv")
        print(stats)
        stats.save("FeatureStats.pb")
        ```
    """
    engine = EmbeddedEngine() if threads is None else EmbeddedEngine(threads)
    options = _options(options)
    vocabularies = read_vocabularies(options.vocab_paths)
    rows = opened_rows(data, split, CsvOptions(**csv), schema)
    if mergeable:
        found = engine.reduce(rows, MergeableStatistics(options, schema, vocabularies))
        return Statistics(found.proto, found.state, _remarks(rows, schema))
    proto = engine.reduce(rows, DatasetStatistics(options, schema, vocabularies=vocabularies))
    return Statistics(proto, csv_remarks=_remarks(rows, schema))


def _remarks(rows: Source, schema: Schema | None) -> tuple[CsvRemark, ...]:
    """Return the remarks on columns that the schema does not describe as text with times."""
    described = {feature.name for feature in schema.feature if feature.HasField("time_domain")} if schema else set()
    return tuple(remark for remark in remarks_of(rows) if remark.column not in described)


def _options(given: Any) -> StatisticsOptions:
    if given is None:
        return StatisticsOptions()
    if is_tfdv_options(given):
        return options_of_tfdv(given)
    if isinstance(given, StatisticsOptions):
        return given
    raise UsageError(
        "statistics.options",
        f"Expected StatisticsOptions as options, got {type(given).__name__}.",
        "Create them, for example assay.StatisticsOptions(num_top_values=3).",
    )


def opened_rows(
    data: DataLike | StatisticsLike,
    split: str | None = None,
    csv: CsvOptions | None = None,
    schema: Schema | None = None,
) -> Source:
    """Return a Source as it is, or open any other data."""
    # A data frame has its columns as attributes: with columns named `shards` and `bounded` it would pass for a Source.
    if isinstance(data, Source) and hasattr(type(data), "shards"):
        return data
    rows: Source = rows_of(data, split=split, csv=csv, schema=schema)
    return rows


def types_of(rows: Source, schema: Schema | None = None) -> statistics_pb2.DatasetFeatureStatistics:
    """Return statistics of no rows: the features and their types, as far as the first batch tells.

    What cannot apply to a type is refused by them before all rows are read.
    """
    accumulator = DatasetStatistics(schema=schema)
    state = accumulator.create()
    batch = next((batch for shard in rows.shards for batch in shard.batches()), None)
    if batch is not None:
        typed = [at for at, type_ in enumerate(batch.schema.types) if "null" not in str(type_)]  # nulls have any type
        all_names = batch.schema.names  # a new list each time
        names = [all_names[at] for at in typed]
        columns = [batch.column(at).slice(0, 0) for at in typed]
        state = accumulator.add_batch(state, pa.RecordBatch.from_arrays(columns, names))
    return default_dataset(accumulator.extract(state))


def is_statistics(data: object) -> bool:
    """Return whether `data` is statistics, or the path of a statistics file, rather than data."""
    if isinstance(data, (Statistics, statistics_pb2.DatasetFeatureStatisticsList, ExampleStatistics)):
        return True
    return isinstance(data, (str, Path)) and str(data).endswith(_ENDINGS)


def statistics_of(
    data: DataLike | StatisticsLike,
    *,
    split: str | None = None,
    schema: Schema | None = None,
    options: StatisticsOptions | None = None,
    csv: CsvOptions | None = None,
) -> Statistics:
    """Return statistics as they are, reads them from a `.pb`, `.pbtxt` or `.state` file, or computes them from data.

    Raises:
        DataError: If a statistics file cannot be read.
        UsageError: If an artifact has several splits and none is named.
    """
    if isinstance(data, Statistics):
        return data
    if isinstance(data, statistics_pb2.DatasetFeatureStatisticsList):
        return Statistics(data)
    if isinstance(data, ExampleStatistics):
        names = data.split_names
        if split is None and len(names) != 1:
            one = f"Name the file of one, for example {data.path}/Split-{names[0]}/FeatureStats.pb."
            raise UsageError("data.split", f"{data.path} has the splits {', '.join(names)}.", one)
        return Statistics(data.read(split or names[0]))
    if isinstance(data, (str, Path)) and str(data).endswith(_ENDINGS):
        return _read(Path(data))
    return statistics(opened_rows(data, split, csv, schema), schema=schema, options=options)


def _read(path: Path) -> Statistics:
    message = statistics_pb2.DatasetFeatureStatisticsList()
    content = read_bytes(path, "statistics", code="statistics.unreadable", refusal=DataError)
    try:
        if path.suffix == STATE_ENDING:
            return Statistics(statistics_of_mergeable(content), content)
        if path.suffix == ".pbtxt":
            parse_text_proto(content.decode(), message, str(path), code="statistics.malformed", refusal=DataError)
        else:
            message.ParseFromString(content)
    except (DecodeError, UnicodeDecodeError):
        raise DataError(
            "statistics.malformed",
            f"{path} is not a DatasetFeatureStatisticsList.",
            "Name a file that `assay stats -o`, StatisticsGen or TFDV wrote.",
        ) from None
    if not message.datasets:
        raise DataError(
            "statistics.empty", f"{path} contains no statistics.", "Compute them again: `assay stats DATA -o FILE`."
        )
    return Statistics(message)
