"""A schema that is widened, feature by feature, until the data behind statistics fits it, and why it had to be.

Inference widens an empty schema, an update a written one. An anomaly of a feature is the reasons why a schema would
have to be widened for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay.kernels.expected_features import is_in_environment, is_validated
from assay.schema.comparison import widen_comparator
from assay.schema.constraints import (
    DROPPED,
    add_to_environment,
    deprecate,
    is_required,
    make_consistent,
    make_derived,
    mark_derived,
    set_presence_and_shape,
    unexpected_type,
    widen_presence,
    widen_shape,
    widen_unique_constraints,
)
from assay.schema.domains import Reason, Reasons, StringDomains, infer_domain, widen_domain
from assay.schema.literals import int32_of, message_text, six_digits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableSequence

    from tensorflow_metadata.proto.v0.anomalies_pb2 import DriftSkewInfo
    from tensorflow_metadata.proto.v0.schema_pb2 import (
        Feature,
        Schema,
        SparseFeature,
        StructDomain,
        WeightedFeature,
    )
    from tensorflow_metadata.proto.v0.statistics_pb2 import CustomStatistic

    from assay.schema.comparison import ComparatorName
    from assay.schema.statistics_view import FeatureView, Path, StatisticsView

    _Composite = TypeVar("_Composite", SparseFeature, WeightedFeature)

_Type = anomalies_pb2.AnomalyInfo.Type
_Kind = statistics_pb2.FeatureNameStatistics

_OF_BYTES: Final = {None, "natural_language_domain", "image_domain", "url_domain"}


def missing_paths(schema: Schema, statistics: StatisticsView, environment: str | None) -> list[Path]:
    """Return the paths of required features that data lacks, structs before their fields."""
    present = {view.path for view in statistics.features}
    required = _required_paths(schema.feature, environment, list(schema.default_environment), ())
    return [path for path in required if path not in present]


def _required_paths(
    features: Iterable[Feature], environment: str | None, default_environments: list[str], above: Path
) -> Iterator[Path]:
    for feature in features:
        path = (*above, feature.name)
        if is_required(feature, environment, default_environments):
            yield path
        if feature.WhichOneof("domain_info") == "struct_domain" and is_validated(feature):
            yield from _required_paths(feature.struct_domain.feature, environment, default_environments, path)


@dataclass(frozen=True, slots=True)
class Controls:
    """What features are compared with.

    Attributes:
        previous: Of the drift comparators.
        serving: Of the skew comparators.
    """

    previous: StatisticsView | None = None
    serving: StatisticsView | None = None


class SchemaDraft:
    """A schema that is widened in place.

    Attributes:
        schema: The schema.
        domains: Its string domains.
        environment: What the data is of.
        max_string_domain_size: A new feature with more distinct strings gets no domain.
        infer_feature_shape: Whether a new feature with a constant number of values gets a fixed shape.
    """

    def __init__(
        self,
        schema: Schema,
        domains: StringDomains | None = None,
        *,
        environment: str | None = None,
        controls: Controls = Controls(),
        max_string_domain_size: int = 400,
        infer_feature_shape: bool = False,
    ) -> None:
        self.schema = schema
        self.domains = domains or StringDomains(schema)
        self.environment = environment
        self.controls = controls
        self.max_string_domain_size = max_string_domain_size
        self.infer_feature_shape = infer_feature_shape
        self._fields: dict[Path, dict[str, Feature]] = {}

    def widen(self, statistics: StatisticsView) -> None:
        """Widen the schema until the data fits; features that the data lacks are deprecated."""
        for view in statistics.roots:
            self.widen_feature(view)
        for path in missing_paths(self.schema, statistics, self.environment):
            missing = self.feature(path)
            if missing is not None:
                deprecate(missing)

    def widen_feature(self, view: FeatureView) -> Reasons:
        """Widen a feature and, unless it is deprecated then, its fields; return the reasons of all of them."""
        reasons, _ = self.widen_one(view)
        if not self.is_deprecated(view.path):
            for child in view.children:
                reasons += self.widen_feature(child)
        return reasons

    def widen_one(self, view: FeatureView) -> tuple[Reasons, DriftSkewInfo | None]:
        """Widen a feature without its fields; return the reasons, and what comparators measured."""
        feature, sparse = self.feature(view.path), self._sparse_feature(view.path)
        weighted = self._weighted_feature(view.path)
        if weighted is not None:
            others = [each for each in (feature, sparse) if each is not None]
            if others and is_validated(weighted):
                return [_collision("Weighted", _Type.WEIGHTED_FEATURE_NAME_COLLISION, weighted, *others)], None
            return _widen_weighted_feature(view, weighted), None
        if sparse is not None and is_validated(sparse):
            if feature is not None and is_validated(feature):
                return [_collision("Sparse", _Type.SPARSE_FEATURE_NAME_COLLISION, sparse, feature)], None
            return _widen_sparse_feature(view, sparse), None
        if feature is None and view.kind is None:  # statistics of a composite that another schema declares
            return [], None
        if feature is None:
            self._create(view)
            title = "New column"
            return [Reason(_Type.SCHEMA_NEW_COLUMN, title, f"{title} (column in data but not in schema)")], None
        domain = feature.WhichOneof("domain_info")
        result = self._widen_existing(view, feature)
        if feature.WhichOneof("domain_info") != domain:
            self._fields.clear()
        return result

    def excerpt(self, path: Path) -> SchemaDraft:
        """Return a draft of what is named by a path: it can be widened, and this draft stays as it is."""
        schema = schema_pb2.Schema(default_environment=self.schema.default_environment)
        struct: Schema | StructDomain = schema
        for step in path[:-1]:
            struct = struct.feature.add(name=step, type=schema_pb2.STRUCT).struct_domain
        feature, sparse, weighted = self.feature(path), self._sparse_feature(path), self._weighted_feature(path)
        if feature is not None:
            struct.feature.append(feature)
        if sparse is not None:
            struct.sparse_feature.append(sparse)
        if weighted is not None:
            schema.weighted_feature.append(weighted)
        return SchemaDraft(
            schema, StringDomains(schema, self.domains), environment=self.environment, controls=self.controls
        )

    def feature(self, path: Path) -> Feature | None:
        """Return the feature of a path."""
        fields = self._fields_of(path[:-1])
        return None if fields is None else fields.get(path[-1])

    def is_deprecated(self, path: Path) -> bool:
        """Return whether a feature is not validated, or where there is none, a sparse feature."""
        found = self.feature(path) or self._sparse_feature(path)
        return found is not None and not is_validated(found)

    def contains(self, path: Path) -> bool:
        """Return whether there is a feature, sparse feature or weighted feature of a path."""
        found = self.feature(path) or self._sparse_feature(path) or self._weighted_feature(path)
        return found is not None

    def _fields_of(self, path: Path) -> dict[str, Feature] | None:
        """Return the features of a struct by name, or with an empty path those of the schema; of equals the first."""
        fields = self._fields.get(path)
        if fields is not None:
            return fields
        parent = self._struct(path)
        if parent is None:
            return None
        fields = self._fields[path] = {feature.name: feature for feature in reversed(parent.feature)}
        return fields

    def _struct(self, path: Path) -> Schema | StructDomain | None:
        if not path:
            return self.schema
        feature = self.feature(path)
        if feature is None or feature.WhichOneof("domain_info") != "struct_domain":
            return None
        return feature.struct_domain

    def _sparse_feature(self, path: Path) -> SparseFeature | None:
        if len(path) == 1 and not self.schema.sparse_feature:
            return None
        struct = self._struct(path[:-1])
        return None if struct is None else _named(struct.sparse_feature, path[-1])

    def _weighted_feature(self, path: Path) -> WeightedFeature | None:
        if len(path) > 1 or not self.schema.weighted_feature:
            return None
        return _named(self.schema.weighted_feature, path[-1])

    def _create(self, view: FeatureView) -> None:
        *above, name = view.path
        container = self._container(tuple(above))
        feature = container.feature.add(name=name, type=view.feature_type)
        set_presence_and_shape(view, feature, infer_shape=self.infer_feature_shape)
        if view.message.HasField("validation_derived_source"):
            mark_derived(view, feature)
        infer_domain(view, feature, self.domains, self.max_string_domain_size)
        if tuple(above) in self._fields:
            self._fields[tuple(above)].setdefault(name, feature)

    def _container(self, path: Path) -> Schema | StructDomain:
        """Return where the fields of a struct are; a struct that statistics do not describe is created."""
        if not path:
            return self.schema
        feature = self.feature(path)
        if feature is None:
            feature = self._container(path[:-1]).feature.add(name=path[-1], type=schema_pb2.STRUCT)
            self._fields.clear()
        return feature.struct_domain

    def _widen_existing(self, view: FeatureView, feature: Feature) -> tuple[Reasons, DriftSkewInfo | None]:
        reasons = make_consistent(feature, self.domains)
        if not is_validated(feature):
            return reasons, None
        defaults = self.schema.default_environment
        if view.num_present == 0:
            if is_required(feature, self.environment, defaults):
                text = "The feature was not present in any examples."
                reasons.append(Reason(_Type.FEATURE_TYPE_NOT_PRESENT, DROPPED, text))
                deprecate(feature)
            return reasons, None
        if self.environment is not None and not is_in_environment(feature, self.environment, defaults):
            reasons.append(add_to_environment(view, feature, self.environment, defaults))
        reasons += widen_shape(view, feature)
        if feature.HasField("presence"):
            reasons += widen_presence(view, feature)
        if view.feature_type != feature.type:
            deprecate(feature)
            reasons.append(unexpected_type(view, feature))
        if view.type == _Kind.BYTES and (domain := feature.WhichOneof("domain_info")) not in _OF_BYTES:
            feature.ClearField(domain)
            text = f"Data is marked as BYTES with incompatible domain_info: {message_text(feature)}"
            reasons.append(Reason(_Type.DOMAIN_INVALID_FOR_TYPE, "Invalid domain type", text))
        reasons += widen_domain(view, feature, self.domains)
        if feature.HasField("unique_constraints"):
            reasons += widen_unique_constraints(view, feature)
        measured = self._widen_comparators(view, feature, reasons)
        reasons += make_derived(view, feature)
        return reasons, measured

    def _widen_comparators(self, view: FeatureView, feature: Feature, reasons: Reasons) -> DriftSkewInfo | None:
        if self.controls.previous is None and self.controls.serving is None:
            return None
        info = anomalies_pb2.DriftSkewInfo()
        sides: tuple[tuple[ComparatorName, StatisticsView | None, MutableSequence[DriftSkewInfo.Measurement]], ...] = (
            ("drift_comparator", self.controls.previous, info.drift_measurements),
            ("skew_comparator", self.controls.serving, info.skew_measurements),
        )
        for name, control, measurements in sides:
            if control is None or not feature.HasField(name):
                continue
            found, measured = widen_comparator(view, control.by_path.get(view.path), name, getattr(feature, name))
            reasons += found
            measurements.extend(measured)
        if not info.drift_measurements and not info.skew_measurements:
            return None
        info.path.step.extend(view.path)
        return info


def _named(features: Iterable[_Composite], name: str) -> _Composite | None:
    return next((feature for feature in features if feature.name == name), None)


def _collision(kind: str, type_: int, *features: Feature | SparseFeature | WeightedFeature) -> Reason:
    for feature in features:
        deprecate(feature)
    title = f"{kind} feature name collision"
    return Reason(type_, title, f"{title}.")


def _widen_sparse_feature(view: FeatureView, feature: SparseFeature) -> Reasons:
    """Deprecate a sparse feature whose values and indices do not belong together; say in how many examples."""
    reasons = []
    for statistic in view.message.custom_stats:
        if statistic.name == "missing_value" and statistic.num != 0:
            text = f"Found {six_digits(statistic.num)} examples missing value feature"
            reasons.append(Reason(_Type.SPARSE_FEATURE_MISSING_VALUE, "Missing value feature", text))
        elif statistic.name == "missing_index":
            for index, count in _counts_of_indices(statistic):
                if count == 0:  # less than one example, by weight
                    continue
                text = f"Found {count} examples missing index feature: {index}"
                reasons.append(Reason(_Type.SPARSE_FEATURE_MISSING_INDEX, "Missing index feature", text))
        elif statistic.name in {"max_length_diff", "min_length_diff"}:
            for index, difference in _counts_of_indices(statistic):
                text = f"Mismatch between index feature: {index} and value column, with {statistic.name} = {difference}"
                title = "Length mismatch between value and index feature"
                reasons.append(Reason(_Type.SPARSE_FEATURE_LENGTH_MISMATCH, title, text))
    if reasons:
        deprecate(feature)
    return reasons


def _counts_of_indices(statistic: CustomStatistic) -> list[tuple[str, int]]:
    counts = [(bucket.label, bucket.sample_count) for bucket in statistic.rank_histogram.buckets]
    return [(index, int32_of(count)) for index, count in counts if count != 0]


def _widen_weighted_feature(view: FeatureView, feature: WeightedFeature) -> Reasons:
    """Deprecate a weighted feature whose values and weights do not belong together; say in how many examples."""
    reasons = []
    differences = {"min_weight_length_diff": 0, "max_weight_length_diff": 0}
    for statistic in view.message.custom_stats:
        if statistic.num == 0:
            continue
        if statistic.name in differences:
            differences[statistic.name] = int32_of(statistic.num)
        elif statistic.name in {"missing_value", "missing_weight"}:
            what = statistic.name.removeprefix("missing_")
            kind = _Type.Value(f"WEIGHTED_FEATURE_MISSING_{what.upper()}")
            text = f"Found {six_digits(statistic.num)} examples missing {what} feature."
            reasons.append(Reason(kind, f"Missing {what} feature", text))
    if any(differences.values()):
        shown = " and ".join(f"{name} = {difference}" for name, difference in differences.items())
        text = f"Mismatch between weight and value feature with {shown}."
        title = "Length mismatch between value and weight feature"
        reasons.append(Reason(_Type.WEIGHTED_FEATURE_LENGTH_MISMATCH, title, text))
    if reasons:
        deprecate(feature)
    return reasons
