"""Statistics: one row per feature, datasets side by side, those that differ most first; slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.artifacts import ExampleStatistics
from assay.kernels.feature_summary import has_numbers, num_nan
from assay.reports.blocks import Column, DataTable, Detail, Facts, Section
from assay.reports.figures import plural
from assay.reports.views.differences import feature_differences
from assay.reports.views.histograms import data_sets, histogram_of, rounded, top_values
from assay.reports.views.shown import Shown
from assay.reports.views.slices import slices_section

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

    from assay.reports.views.histograms import DataSet

_MANY_FEATURES = 1000
_TOP_OF_MANY = 10
_DECILES = tuple(f"{10 * tenth} %" for tenth in range(1, 10))
_COMMON = ("examples with it", "examples without", "values", "values an example, least", "mean", "most")
_NUMERIC = ("mean", "std. deviation", "zeros", "not a number", "min", *_DECILES, "max", "median")
_TEXT = ("distinct values", "mean length", "invalid UTF-8", "most frequent value")


def statistics_sections(
    shown: Sequence[DataSet], slices: Mapping[str, Sequence[DataSet]] | None = None
) -> list[Section]:
    """Return the sections of a page on statistics.

    Args:
        shown: The datasets side by side.
        slices: The slices of each of them, by its name.
    """
    sections = [Section(title="Overview", blocks=[_overview(shown)]), features_section(shown)]
    if slices and any(slices.values()):
        sections.append(slices_section(shown, slices))
    return sections


def _overview(shown: Sequence[DataSet]) -> Facts:
    items: list[tuple[str, Any]] = [
        (f"examples, {each.name}" if len(shown) > 1 else "examples", int(each.statistics.num_examples))
        for each in shown
    ]
    names = dict.fromkeys(name for each in shown for name in each.features)
    types = [type_name(_first(shown, name)) for name in names]
    items.append(("features", len(names)))
    items += [(f"of type {kind}", types.count(kind)) for kind in sorted(set(types))]
    return Facts(items)


def features_section(shown: Sequence[DataSet]) -> Section:
    """Return the table of all features."""
    names = list(dict.fromkeys(name for each in shown for name in each.features))
    compared = len(shown) > 1
    differ = feature_differences(shown[0], shown[1]) if compared else {}
    most = _TOP_OF_MANY if len(names) > _MANY_FEATURES else 20
    rows = []
    for name in names:
        found = [each.features.get(name) for each in shown]
        rows.append(_row(name, found, shown, differ.get(name), most))
    columns = [
        Column(label="Feature", kind="name", search=True),
        Column(label="Type", kind="hidden"),
        Column(label="Distribution", kind="hist"),
        *([Column(label="", kind="series", hint="dataset")] if compared else []),
        *([Column(label="Differs", kind="num", hint="Jensen-Shannon divergence of the first two")] if compared else []),
        Column(label="Missing", kind="share"),
        Column(label="NaN", kind="share"),
        Column(label="Zeros", kind="share"),
        Column(label="Mean", kind="num"),
        Column(label="Min", kind="num"),
        Column(label="Max", kind="num"),
        Column(label="Distinct", kind="int"),
    ]
    details = [
        Detail(kind="bars", title="Distribution"),
        Detail(kind="values", title="Most frequent values"),
        Detail(kind="facts", title="Counts", labels=_COMMON),
        Detail(kind="facts", title="Quantiles", labels=_NUMERIC),
        Detail(kind="facts", title="Text", labels=_TEXT),
        Detail(kind="table", title="Further statistics", labels=("name", *(each.name for each in shown))),
        Detail(kind="table", title="Distances", labels=("measure", "distance", "limit", "verdict", "reached at")),
    ]
    note = "Open a feature for its quantiles and values."
    if compared:
        note = f"{shown[0].name} beside {shown[1].name}; the features that differ most come first. {note}"
    table = DataTable(
        name="features",
        caption="Features",
        columns=columns,
        rows=rows,
        details=details,
        sort=-5 if compared else None,
        filters=(1,),
        series=[each.name for each in shown],
        counted=("feature", "features"),
        empty="The data has no features.",
    )
    return Section(title="Features", blocks=[table], note=note)


def _row(
    name: str,
    found: Sequence[FeatureNameStatistics | None],
    shown: Sequence[DataSet],
    differs: tuple[float | None, list[list[Any]]] | None,
    most: int,
) -> list[Any]:
    examples = [int(each.statistics.num_examples) for each in shown]
    numbers = [each.num_stats if each is not None and each.HasField("num_stats") else None for each in found]
    numbers = [each if each is not None and each.common_stats.tot_num_values else None for each in numbers]
    nan = [rounded(num_nan(each) / each.common_stats.tot_num_values) if each is not None else None for each in numbers]
    figures = [each if each is not None and has_numbers(each) else None for each in numbers]
    texts = [each.string_stats if each is not None and each.HasField("string_stats") else None for each in found]
    common = [_common(each) for each in found]
    bars = histogram_of(found)
    kind = type_name(next((each for each in found if each is not None), None))
    of_numbers = [
        [_round(getattr(each, field)) if each is not None else None for each in figures]
        for field in ("mean", "min", "max")
    ]
    missing = [
        rounded(each.num_missing / count) if each is not None and count else (1.0 if each is None and count else None)
        for each, count in zip(common, examples, strict=True)
    ]
    zeros = [
        rounded(each.num_zeros / each.common_stats.tot_num_values) if each is not None else None for each in figures
    ]
    row: list[Any] = [
        [name, kind],
        kind,
        bars.paths if bars else None,
        *([[each.name for each in shown]] if len(shown) > 1 else []),
        *([differs[0] if differs else None] if len(shown) > 1 else []),
        missing,
        nan,
        zeros,
        *of_numbers,
        [int(each.unique) if each is not None and each.common_stats.tot_num_values else None for each in texts],
    ]
    row.append(
        [
            [bars.paths, bars.low, bars.high] if bars and bars.low is not None else None,
            top_values(found, most) or None,
            [list(values) for values in zip(*(_counts(each) for each in common), strict=True)],
            _facts([_quantiles(each) for each in numbers]),
            _facts([_text(each) for each in texts]),
            _custom(found),
            differs[1] if differs else None,
        ]
    )
    return row


def _facts(columns: list[list[Any] | None]) -> list[list[Any]] | None:
    length = next((len(column) for column in columns if column is not None), None)
    if length is None:
        return None
    filled = [column if column is not None else [None] * length for column in columns]
    return [list(values) for values in zip(*filled, strict=True)]


def _counts(common: Any) -> list[Any]:
    if common is None:
        return [None] * len(_COMMON)
    return [
        int(common.num_non_missing),
        int(common.num_missing),
        int(common.tot_num_values),
        int(common.min_num_values),
        _round(common.avg_num_values),
        int(common.max_num_values),
    ]


def _quantiles(numbers: Any) -> list[Any] | None:
    if numbers is None:
        return None
    wanted = statistics_pb2.Histogram.QUANTILES
    buckets = next((each.buckets for each in numbers.histograms if each.type == wanted), ())
    deciles: list[Any] = [_round(bucket.high_value) for bucket in buckets[:-1]] if len(buckets) == 10 else [None] * 9
    nan = num_nan(numbers)
    if not has_numbers(numbers):
        return [nan if label == "not a number" else None for label in _NUMERIC]
    start = [_round(numbers.mean), _round(numbers.std_dev), int(numbers.num_zeros), nan, _round(numbers.min)]
    return [*start, *deciles, _round(numbers.max), _round(numbers.median)]


def _text(texts: Any) -> list[Any] | None:
    if texts is None:
        return None
    top = texts.top_values[0].value[:80] if texts.top_values else None
    invalid = int(texts.invalid_utf8_count) if hasattr(texts, "invalid_utf8_count") else None
    return [int(texts.unique), _round(texts.avg_length), invalid, top]


def _custom(found: Sequence[FeatureNameStatistics | None]) -> list[list[Any]] | None:
    names = dict.fromkeys(each.name for feature in found if feature is not None for each in feature.custom_stats)
    tables = [{each.name: _custom_value(each) for each in feature.custom_stats} if feature else {} for feature in found]
    return [[name, *(table.get(name) for table in tables)] for name in names] or None


def _custom_value(statistic: Any) -> Any:
    kind = statistic.WhichOneof("val")
    return _round(statistic.num) if kind == "num" else str(getattr(statistic, kind))[:200] if kind else None


def _common(feature: FeatureNameStatistics | None) -> Any:
    kind = feature.WhichOneof("stats") if feature is not None else None
    return getattr(feature, kind).common_stats if kind else None


def _first(shown: Sequence[DataSet], name: str) -> FeatureNameStatistics | None:
    return next((each.features[name] for each in shown if name in each.features), None)


def type_name(feature: FeatureNameStatistics | None) -> str:
    """Return the type of a feature's values, in lower case; `none` if the dataset lacks it."""
    return "none" if feature is None else statistics_pb2.FeatureNameStatistics.Type.Name(feature.type).lower()


def _round(value: float) -> float:
    return rounded(float(value))


def show_statistics(artifact: ExampleStatistics) -> Shown:
    """Return the page of statistics: the splits side by side."""
    shown, slices = [], {}
    for split in artifact.split_names:
        whole, parts = data_sets(split, artifact.read(split))
        shown.append(whole)
        slices[split] = parts
    if not shown:
        return Shown(summary="There is no split.")
    examples = " and ".join(f"{int(each.statistics.num_examples):,} in {each.name}" for each in shown)
    summary = f"{plural(len({name for each in shown for name in each.features}), 'feature')}; examples: {examples}."
    return Shown(sections=statistics_sections(shown, slices), summary=summary)
