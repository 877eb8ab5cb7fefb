"""The statistics of a dataset as schemas are inferred from them and validated with them.

A view reads a field of the proto when it is first asked for, and once. Where every feature has weighted statistics,
they are the ones that count.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.schema.literals import float32_of, wrapped_int32

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tensorflow_metadata.proto.v0.statistics_pb2 import (
        CommonStatistics,
        CustomStatistic,
        DatasetFeatureStatistics,
        FeatureNameStatistics,
        Histogram,
        RankHistogram,
    )

Path: TypeAlias = tuple[str, ...]

_Kind = statistics_pb2.FeatureNameStatistics
_TYPES = {
    _Kind.INT: schema_pb2.INT,
    _Kind.FLOAT: schema_pb2.FLOAT,
    _Kind.STRING: schema_pb2.BYTES,
    _Kind.BYTES: schema_pb2.BYTES,
    _Kind.STRUCT: schema_pb2.STRUCT,
}


_NO_COUNTS = statistics_pb2.CommonStatistics()


class FeatureView:
    """One feature.

    Attributes:
        dataset: The dataset that it belongs to.
        message: Its statistics.
        path: Its steps, from the outermost struct.
        type: A `FeatureNameStatistics.Type`.
        kind: Which statistics there are: `num_stats`, `string_stats`, `bytes_stats`, `struct_stats` or none.
        common: Counts of examples and values; empty where there are only custom statistics.
        children: The fields of a struct, ordered by path.
    """

    def __init__(self, dataset: StatisticsView, message: FeatureNameStatistics, path: Path) -> None:
        self.dataset = dataset
        self.message = message
        self.path = path
        self.type: int = message.type
        self.kind: str | None = message.WhichOneof("stats")
        self.common: CommonStatistics = getattr(message, self.kind).common_stats if self.kind else _NO_COUNTS
        self.children: list[FeatureView] = []

    @property
    def feature_type(self) -> int:
        """The schema's type of such data."""
        return int(_TYPES.get(self.type, schema_pb2.TYPE_UNKNOWN))

    @property
    def num_present(self) -> float:
        """In how many examples the feature has values."""
        common = self.common
        return float((common.weighted_common_stats if self.dataset.by_weight else common).num_non_missing)

    @property
    def num_missing(self) -> float:
        """In how many examples the feature has no values."""
        common = self.common
        return float((common.weighted_common_stats if self.dataset.by_weight else common).num_missing)

    @property
    def num_missing_by_level(self) -> list[float]:
        """The same for each level of nested values, from the outermost."""
        common = self.common
        levels = common.weighted_presence_and_valency_stats if self.dataset.by_weight else None
        if levels is None:
            levels = common.presence_and_valency_stats
        return [float(level.num_missing) for level in levels] or [self.num_missing]

    @property
    def fraction_present(self) -> float | None:
        """The share of examples that have values; None where there are no examples."""
        if self.dataset.num_examples <= 0:
            return None
        return 1.0 if self.num_missing == 0 else self.num_present / self.dataset.num_examples

    @property
    def has_nested_values(self) -> bool:
        """Whether values are lists of lists."""
        return len(self.common.presence_and_valency_stats) > 1

    @property
    def num_values_by_level(self) -> list[tuple[int, int]]:
        """The fewest and the most values of an example, for each level of nested values."""
        levels = self.common.presence_and_valency_stats or (self.common,)
        return [(max(wrapped_int32(level.min_num_values), 0), wrapped_int32(level.max_num_values)) for level in levels]

    @property
    def total_values(self) -> float:
        """The number of values in all examples."""
        common = self.common
        if self.dataset.by_weight:
            return float(common.weighted_common_stats.tot_num_values)
        # Old statistics lack the total. The core multiplies in 32 bits.
        return float(common.tot_num_values or float32_of(float32_of(common.num_non_missing) * common.avg_num_values))

    @cached_property
    def string_counts(self) -> Mapping[str, float]:
        """Occurrences of each value that the rank histogram lists, ordered by value."""
        if self.kind != "string_stats":
            return {}
        strings = self.message.string_stats
        histogram: RankHistogram = (
            strings.weighted_string_stats.rank_histogram if self.dataset.by_weight else strings.rank_histogram
        )
        pairs = [(bucket.label, bucket.sample_count) for bucket in histogram.buckets]
        counts = dict(reversed(pairs))  # of buckets with one label, the first counts
        return {label: counts[label] for label in sorted(counts)}

    @property
    def has_invalid_utf8(self) -> bool:
        """Whether some strings are not text."""
        return self.kind == "string_stats" and self.message.string_stats.invalid_utf8_count > 0

    @property
    def num_unique(self) -> int | None:
        """The number of distinct values; None where they are not counted."""
        return wrapped_int32(self.message.string_stats.unique) if self.kind == "string_stats" else None

    def histogram(self, kind: int) -> Histogram | None:
        """Return the first histogram of a kind."""
        if self.kind != "num_stats":
            return None
        numbers = self.message.num_stats
        histograms: Iterable[Histogram] = (
            numbers.weighted_numeric_stats.histograms if self.dataset.by_weight else numbers.histograms
        )
        return next((found for found in histograms if found.type == kind), None)

    def custom_statistic(self, name: str) -> CustomStatistic | None:
        """Return the first custom statistic of a name."""
        return next((found for found in self.message.custom_stats if found.name == name), None)


class StatisticsView:
    """The features of a dataset by path, and their structs.

    Attributes:
        features: All features that have statistics, in the order of the proto.
        roots: Those of them that are not fields of another.
        by_path: What a control is looked up in.
        num_examples: By weight where `by_weight`.
    """

    def __init__(self, dataset: DatasetFeatureStatistics, *, by_weight: bool | None = None) -> None:
        """Create a view.

        Args:
            dataset: The statistics.
            by_weight: Whether weighted statistics count; by default, whether all features have them.
        """
        self.by_weight = False
        with_paths = any(message.HasField("path") for message in dataset.features)
        found = self._by_paths(dataset) if with_paths else self._by_names(dataset)
        self.by_path: dict[Path, FeatureView] = {view.path: view for view in found}
        self.features = [view for view in found if not _is_empty(view)]
        fields = {id(child) for view in found for child in view.children}
        self.roots = [view for view in self.features if id(view) not in fields]
        if by_weight is None:
            by_weight = dataset.weighted_num_examples != 0 and all(map(_has_weights, self.features))
        self.by_weight = by_weight
        self.num_examples = float(dataset.weighted_num_examples if by_weight else dataset.num_examples)

    def _by_paths(self, dataset: DatasetFeatureStatistics) -> list[FeatureView]:
        paths = [tuple(each.path.step) or (each.name,) for each in dataset.features]
        views = {path: FeatureView(self, each, path) for path, each in zip(paths, dataset.features, strict=True)}
        for path in sorted(views):
            parent = views.get(path[:-1])
            if parent is not None:
                parent.children.append(views[path])
        return list(views.values())

    def _by_names(self, dataset: DatasetFeatureStatistics) -> list[FeatureView]:
        """Read statistics of old versions, in which the name of a struct begins the names of its fields."""
        views = {
            view.message.name: view for each in dataset.features if not _is_empty(view := FeatureView(self, each, ()))
        }
        structs: list[FeatureView] = []
        for name in sorted(views):
            view = views[name]
            while structs and not _begins(name, structs[-1].message.name):
                structs.pop()
            if structs:
                parent = structs[-1]
                view.path = (*parent.path, name[len(parent.message.name) + 1 :])
                parent.children.append(view)
            else:
                view.path = (name,)
            if view.type == _Kind.STRUCT:
                structs.append(view)
        return list(views.values())


def _begins(name: str, struct: str) -> bool:
    return len(struct) < len(name) and name.startswith(struct)


def _is_empty(view: FeatureView) -> bool:
    return view.kind is None and not view.message.custom_stats


def _has_weights(view: FeatureView) -> bool:
    common = view.common
    return common.HasField("weighted_common_stats") and (
        len(common.presence_and_valency_stats) == len(common.weighted_presence_and_valency_stats)
    )
