"""Looks at a dataset and its label: everything that a plan is made from, and the schema."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.cli.scaffold.plan import MOST_CLASSES, Label, check_label_name
from assay.data.csv_remarks import remarks_of
from assay.data.sources import rows_of
from assay.engines.embedded import EmbeddedEngine
from assay.errors import DataError, UsageError
from assay.kernels.default_slice import default_dataset
from assay.kernels.feature_path import split_path
from assay.kernels.feature_summary import FeatureSummary, summarise
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from assay.schema.inference import infer_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.data.csv_remarks import CsvRemark
    from assay.data.csv_types import CsvOptions
    from assay.engines.base import Source

_CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What a dataset holds.

    Attributes:
        rows: How many.
        features: A summary of each column.
        unfit_types: The types of columns that are not one number or text a row.
        label: The label's column.
        schema: Inferred from all rows.
        is_csv: Whether the data is CSV; else it is Parquet.
        remarks: Text columns of a CSV that look like numbers, amounts or dates.
    """

    rows: int
    features: tuple[FeatureSummary, ...]
    unfit_types: Mapping[str, str]
    label: Label
    schema: Schema
    is_csv: bool
    remarks: tuple[CsvRemark, ...] = ()


def examine(data: Path, label: str, csv: CsvOptions) -> DatasetSummary:
    """Read a file, or a folder of files of one format.

    Raises:
        UsageError: If there is no such data, it is of another format, or has no such label.
        DataError: If it cannot be read, has no rows, or the label is neither a number nor text.
    """
    is_csv = _is_csv(data)
    rows = rows_of(data, csv=csv)
    statistics = EmbeddedEngine().reduce(rows, DatasetStatistics(StatisticsOptions()))
    dataset = default_dataset(statistics)
    if not dataset.num_examples:
        raise DataError("init.no_rows", f"{data} has no rows.", "A model needs examples to learn from.")
    # Statistics name a column by its path; here it is looked up in the data.
    features = tuple(replace(each, feature=".".join(split_path(each.feature))) for each in summarise(dataset))
    check_label_name(label, tuple(feature.feature for feature in features))
    return DatasetSummary(
        rows=int(dataset.num_examples),
        features=features,
        unfit_types=_not_flat(rows),
        label=_label(rows, next(feature for feature in features if feature.feature == label)),
        schema=infer_schema(statistics),
        is_csv=is_csv,
        remarks=remarks_of(rows),
    )


def _is_csv(data: Path) -> bool:
    if not data.exists():
        raise UsageError("init.no_data", f"{data} does not exist.", "Give a CSV or Parquet file, or a folder of them.")
    files = sorted(data.iterdir()) if data.is_dir() else [data]
    kinds = {file.name.endswith(_CSV) for file in files if file.name.endswith((*_CSV, *_PARQUET))}
    if len(kinds) != 1:
        found = "files of both formats" if kinds else "neither CSV nor Parquet"
        raise UsageError(
            "init.format", f"{data} holds {found}.", "Give a CSV or Parquet file, or a folder of files of one format."
        )
    return kinds.pop()


def _not_flat(rows: Source) -> dict[str, str]:
    """Return the columns whose values are neither numbers nor text, and their types."""
    for shard in rows.shards:
        for batch in shard.batches():
            return {field.name: str(field.type) for field in batch.schema if not _is_flat(field.type)}
    return {}


def _is_flat(type_: pa.DataType) -> bool:
    text = pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_dictionary(type_)
    return bool(text or _is_number(type_) or pa.types.is_null(type_))


def _label(rows: Source, summary: FeatureSummary) -> Label:
    name = summary.feature
    counts: Counter[Any] = Counter()
    missing, is_text = 0, False
    for shard in rows.shards:
        for batch in shard.batches([name]):
            column = batch.column(0)
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            if not _is_flat(column.type):
                raise DataError(
                    "init.label_type",
                    f"The label '{name}' is of type {column.type}; expected numbers or text.",
                    "Choose another column, or convert this one.",
                )
            if pa.types.is_boolean(column.type):
                column = column.cast(pa.int64())
            is_text |= not pa.types.is_null(column.type) and not _is_number(column.type)
            if pa.types.is_floating(column.type):
                column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
            missing += column.null_count
            if len(counts) <= MOST_CLASSES:
                found = pc.value_counts(column.drop_null()) if column.null_count else pc.value_counts(column)
                counts.update({item["values"]: item["counts"] for item in found.to_pylist()})
    return Label(
        name=name,
        counts=counts,
        is_text=is_text,
        missing=missing,
        variance=math.pow(summary.std_dev or 0.0, 2),
    )


def _is_number(type_: pa.DataType) -> bool:
    # A boolean is an integer, 0 or 1, in every schema and tf.Example.
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_boolean(type_))
