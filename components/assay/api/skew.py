"""`assay.skew` and `assay.leakage`: datasets compared row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from assay.api.cells import with_cells
from assay.api.statistics import is_statistics, opened_rows
from assay.data.csv_types import CsvOptions
from assay.engines.embedded import EmbeddedEngine
from assay.errors import DataError, UsageError
from assay.validation.leakage import SplitPair, find_leakage
from assay.validation.skew import detect_feature_skew
from assay.validation.skew_report import FeatureSkewOptions, FeatureSkewReport

if TYPE_CHECKING:
    import pyarrow as pa
    from typing_extensions import Unpack

    from assay.api.inputs import DataLike
    from assay.data.csv_types import CsvKeywords


def skew(
    control: DataLike,
    data: DataLike,
    *,
    join_on: str | Sequence[str],
    ignore: Sequence[str] = (),
    num_pairs: int = 5,
    float_round_ndigits: int | None = None,
    allow_duplicates: bool = False,
    confusion: Sequence[str] = (),
    split: str | None = None,
    **csv: Unpack[CsvKeywords],
) -> FeatureSkewReport:
    """Join two datasets by an id, and compare the examples of each id feature by feature, as TFDV's feature skew.

    Args:
        control: The reference (TFDV's "base"), such as the training data: anything with rows that `assay.statistics`
            accepts.
        data: The data to compare with it (TFDV's "test"), such as what serving saw of the same examples.
        join_on: The features that together name an example.
        ignore: Features that are not compared.
        num_pairs: Maximum number of differing pairs to show.
        float_round_ndigits: Digits after the decimal point to which numbers are rounded where they differ, ids too.
        allow_duplicates: Whether examples that share an id are compared, each with each; else they are counted only.
        confusion: Features whose pairs of values are counted.
        split: The split of Examples that have several.
        **csv: How the cells of a CSV are read: `delimiter`, `missing_values`, `decimal`, `thousands`, `types` and
            `max_record_bytes`, as in `assay.CsvOptions`.

    Raises:
        DataError: If the data cannot be read, or a feature changes its type within one dataset.
        UsageError: If neither dataset has a feature that is named, or statistics were given, which have no rows.

    Example:
        ```python
        report = assay.skew("training.parquet", "serving.parquet", join_on="trip_id")
        for feature in report.skewed:
            print(feature.feature_name, feature.diff_count)
        ```
    """
    options = FeatureSkewOptions(
        identifier_features=(join_on,) if isinstance(join_on, str) else tuple(join_on),
        features_to_ignore=tuple(ignore),
        sample_size=num_pairs,
        float_round_ndigits=float_round_ndigits,
        allow_duplicate_identifiers=allow_duplicates,
        confusion_features=tuple(confusion),
    )
    reading = CsvOptions(**csv)
    rows = [_rows(data, split, reading), _rows(control, split, replace(reading, optional=True))]
    # Numbers that are to be rounded are read as numbers, ids too.
    keys = options.identifier_features
    test, base = map(_batches, with_cells(rows, keys, all_columns=True, floats=float_round_ndigits is None))
    return detect_feature_skew(base, test, options)


def leakage(
    datasets: Mapping[str, DataLike], *, by: Sequence[str] | None = None, **csv: Unpack[CsvKeywords]
) -> tuple[SplitPair, ...]:
    """Find the rows that each two datasets share: examples that leak from training into evaluation.

    Args:
        datasets: Data with rows, by a name for each.
        by: The columns that identify a row, such as an id; all by default.
        **csv: How the cells of a CSV are read: `delimiter`, `missing_values`, `decimal`, `thousands`, `types` and
            `max_record_bytes`, as in `assay.CsvOptions`.

    Raises:
        DataError: If the data cannot be read, has no rows, or could not share a row whatever it held.
        UsageError: If there are not two, none has one of the columns, or statistics were given, which have no rows.

    Example:
        ```python
        for pair in assay.leakage({"train": "train.csv", "eval": "eval.csv"}):
            print(pair.sentence)
        ```
    """
    engine = EmbeddedEngine()
    reading = CsvOptions(**csv)
    opened = {
        name: _rows(each, None, replace(reading, optional=at > 0)) for at, (name, each) in enumerate(datasets.items())
    }
    rows = with_cells(list(opened.values()), by or (), all_columns=by is None)
    pairs = find_leakage({name: partial(engine.reduce, each) for name, each in zip(opened, rows, strict=True)}, by)
    empty = {name for pair in pairs for name, rows in zip(pair.splits, pair.num_rows, strict=True) if not rows}
    if empty:
        raise DataError(
            "leakage.no_rows",
            f"Expected rows to compare, found none in {', '.join(sorted(empty))}.",
            "Check the export, or exclude it.",
        )
    return pairs


def _rows(data: DataLike, split: str | None, csv: CsvOptions) -> Any:
    if is_statistics(data):
        raise UsageError("rows.statistics", "Statistics were given, but row checks require rows.", "Give the data.")
    return opened_rows(data, split, csv)


def _batches(source: Any) -> Callable[[Sequence[str] | None], Iterable[pa.RecordBatch]]:
    def read(columns: Sequence[str] | None) -> Iterable[pa.RecordBatch]:
        for shard in source.shards:
            yield from shard.batches(columns)

    return read
