"""Made-up schemas and statistics that often concern the same features, ordinary and hostile.

Much is left out of what makes TFDV's core abort the process: statistics of one feature twice or of a field without its
struct, statistics without counts of a feature that is not composed of others, a `float_domain` of a struct, histograms
whose buckets overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

from google.protobuf import any_pb2
from hypothesis import settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

Kind = statistics_pb2.FeatureNameStatistics
_Info = anomalies_pb2.AnomalyInfo

SEEDS = st.integers(0, 2**32)


def examples(number: int) -> settings:
    """Return settings of a test that compares so many pairs; a profile that searches longer compares more."""
    return settings(max_examples=max(number, settings.default.max_examples if settings.default else 0))


PATHS = [
    ("a",),
    ("a", "x"),
    ("a", "x", "y"),
    ("a", "m"),
    ("b",),
    ("b", "it's"),
    ("c.d",),
    ("ключ",),
    ("",),
    ("m",),
    ("ab",),
]
STRINGS = ["", "a", "b", "1", "0", "true", "false", "TRUE", "-5", " 7 ", "+8", "1.5", "-.5e3", "nan", "inf", "1e400"]
STRINGS += ["ключ", 'a"b', "tab\t", "\x7f", "9223372036854775808", "x'y", "\\", "+-1", "1_0", "0x1p3", "1.", ".", "z"]
NUMBERS = [0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 1e-7, 123456.5, 1234567.0, 1e16, -1e300, 1e300, float("inf"), -float("inf")]
NUMBERS += [float("nan"), 2.0**53, 2.0**63, -(2.0**63), 2.0**64, 0.1, 100.0, 1e5, 999999.5]
SHARES = [0.0, 0.01, 0.3, 0.5, 0.9, 0.999]
COUNTS = [0, 0, 1, 2, 3, 10, 999, 10**7]
ENVIRONMENTS = ["TRAINING", "SERVING", "X"]
SEMANTIC = ["domain_info", "nl_statistics", "image_format_histogram", "other"]
COMPOSITE = ["missing_value", "missing_index", "missing_weight", "max_length_diff", "min_length_diff", "other"]
COMPOSITE += ["max_weight_length_diff", "min_weight_length_diff"]
_DOMAINS = {
    schema_pb2.BYTES: [
        *("domain", "domain", "string_domain", "bool_domain", "int_domain", "float_domain", "image_domain"),
        *("natural_language_domain", "mid_domain", "url_domain", "time_domain", "time_of_day_domain"),
    ],
    schema_pb2.INT: ["bool_domain", "int_domain", "int_domain", "natural_language_domain", "time_domain"],
    schema_pb2.FLOAT: ["bool_domain", "float_domain", "float_domain"],
}
_TYPES = {
    schema_pb2.BYTES: [Kind.STRING, Kind.STRING, Kind.STRING, Kind.BYTES],
    schema_pb2.INT: [Kind.INT],
    schema_pb2.FLOAT: [Kind.FLOAT],
    schema_pb2.STRUCT: [Kind.STRUCT],
}
TOKENS: list[str | int] = ["a", "7", 7, -1]


class Chooser:
    """Chooses by a seed; hypothesis chooses the seed, since a message takes hundreds of choices."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def among(self, *values: Any) -> Any:
        return self._random.choice(values)

    def one_in(self, times: int) -> bool:
        return self._random.randrange(times) == 0

    def integer(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def some(self, values: Sequence[Any], most: int) -> list[Any]:
        return self._random.choices(values, k=self.integer(0, most))

    def distinct(self, values: Sequence[Any], most: int | None) -> list[Any]:
        number = len(values) if most is None else self.integer(0, min(most, len(values)))
        return self._random.sample(values, number)


def histograms(draw: Chooser) -> statistics_pb2.Histogram:
    edges = sorted(draw.some([-3.0, -1.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 7.0, 1e6], 5))
    histogram = statistics_pb2.Histogram(
        num_nan=draw.among(0, 0, 3),
        type=draw.among(statistics_pb2.Histogram.STANDARD, statistics_pb2.Histogram.QUANTILES),
    )
    if edges and draw.one_in(4):
        edges = [float("-inf"), *edges]
    if edges and draw.one_in(4):
        edges = [*edges, float("inf")]
    for low, high in pairwise(edges):
        histogram.buckets.add(low_value=low, high_value=high, sample_count=draw.among(0.0, 1.0, 2.5, 10.0, 1e6))
    return histogram


def common_statistics(draw: Chooser, num_examples: int, *, weighted: bool) -> statistics_pb2.CommonStatistics:
    missing = min(draw.among(0, 0, 1, num_examples), num_examples)
    common = statistics_pb2.CommonStatistics(num_non_missing=num_examples - missing, num_missing=missing)
    if draw.one_in(8):
        common.num_non_missing, common.num_missing = draw.among(*COUNTS), draw.among(*COUNTS)
    common.min_num_values = draw.integer(0, 3)
    common.max_num_values = common.min_num_values + draw.among(0, 0, 1, 5)
    if draw.one_in(15):
        common.max_num_values = draw.among(2**31, 2**32 + 1)
    common.avg_num_values = draw.among(1.0, 1.5, 0.1)
    common.tot_num_values = draw.among(0, common.num_non_missing, 7)
    for _ in range(draw.among(0, 0, 1, 2, 3)):
        level = common.presence_and_valency_stats.add(
            num_missing=draw.among(0, 0, 1), min_num_values=draw.integer(0, 3)
        )
        level.max_num_values = level.min_num_values + draw.among(0, 0, 2)
        level.num_non_missing = common.num_non_missing
        if weighted:
            common.weighted_presence_and_valency_stats.add(num_missing=draw.among(0.0, 0.0, 0.5))
    if weighted:
        common.weighted_common_stats.num_non_missing = draw.among(float(common.num_non_missing), 0.25, 3.7)
        common.weighted_common_stats.num_missing = draw.among(float(common.num_missing), 0.0, 1e-9)
        common.weighted_common_stats.tot_num_values = draw.among(0.0, 3.5, float(common.tot_num_values))
    return common


def rank_histograms(draw: Chooser) -> statistics_pb2.RankHistogram:
    histogram = statistics_pb2.RankHistogram()
    labels = draw.some(draw.among(STRINGS, STRINGS[:8], ["a", "b", "c"], ["1", "0"], ["-5", "7", "8", "x"]), 6)
    for label in labels:
        histogram.buckets.add(
            label=label, sample_count=draw.among(1.0, 2.0, 5.0, 0.5, 100.0, 1e7, *([0.0] if draw.one_in(9) else []))
        )
    return histogram


def custom_statistics(draw: Chooser, names: Sequence[str] = SEMANTIC) -> list[statistics_pb2.CustomStatistic]:
    found = []
    for name in draw.some(names, 4):
        statistic = statistics_pb2.CustomStatistic(name=name)
        if name == "domain_info":
            statistic.str = draw.among(
                "mid_domain {}",
                "int_domain { min: 3 }",
                "",
                "nonsense {",
                "type: INT",
                "name: 'x' url_domain {}",
                "natural_language_domain { vocabulary: 'v' }",
                "domain: 'shared'",
                "time_domain { integer_format: UNIX_DAYS }",
            )
        elif name == "nl_statistics":
            if draw.one_in(6):
                statistic.any.CopyFrom(any_pb2.Any(type_url="type.googleapis.com/tensorflow.metadata.v0.Path"))
            else:
                statistic.any.Pack(language_statistics(draw))
        elif name in {"image_format_histogram", "missing_index", "max_length_diff", "min_length_diff"}:
            for label in draw.some(["JPEG", "UNKNOWN", "i"], 3):
                statistic.rank_histogram.buckets.add(
                    label=label, sample_count=draw.among(0.0, 1.0, 3.0, 0.5, -2.0, 1e7)
                )
        else:
            statistic.num = draw.among(0.0, 1.0, 12.0, 0.5, 1234567.0, -3.0)
        found.append(statistic)
    return found


def language_statistics(draw: Chooser) -> statistics_pb2.NaturalLanguageStatistics:
    statistics = statistics_pb2.NaturalLanguageStatistics(
        feature_coverage=draw.among(*SHARES), avg_token_length=draw.among(0.0, 1.5, 4.3333333, 1e7)
    )
    for token in draw.some(TOKENS, 4):
        found = statistics.token_statistics.add(
            fraction_of_sequences=draw.among(*SHARES, 1 / 3),
            per_sequence_min_frequency=draw.among(0.0, 1.0, 2.5),
            per_sequence_max_frequency=draw.among(0.0, 3.0, 1e7),
        )
        if isinstance(token, str):
            found.string_token = token
        else:
            found.int_token = token
    return statistics


def feature_statistics(draw: Chooser, num_examples: int, type_: int, *, weighted: bool) -> Kind:
    """Make up the statistics of a feature that mostly has a type of the schema's."""
    if type_ != schema_pb2.STRUCT and draw.one_in(10):
        type_ = draw.among(*_TYPES)
    feature = Kind(type=draw.among(*_TYPES.get(type_, [Kind.STRING, Kind.INT, Kind.FLOAT, Kind.BYTES])))
    kinds = {Kind.STRING: "string_stats", Kind.BYTES: "bytes_stats", Kind.STRUCT: "struct_stats"}
    kind = kinds.get(feature.type, "num_stats")
    if kind != "struct_stats" and draw.one_in(12):
        kind = draw.among("string_stats", "num_stats", "bytes_stats")
    common = common_statistics(draw, num_examples, weighted=weighted)
    getattr(feature, kind).common_stats.CopyFrom(common)
    if kind == "string_stats":
        strings = feature.string_stats
        strings.rank_histogram.CopyFrom(rank_histograms(draw))
        strings.unique = draw.among(len(strings.rank_histogram.buckets), 0, 5, 2**31)
        strings.invalid_utf8_count = draw.among(0, 0, 0, 0, 1)
        if weighted:
            strings.weighted_string_stats.rank_histogram.CopyFrom(rank_histograms(draw))
    elif kind == "num_stats":
        numbers = feature.num_stats
        ends = sorted([draw.among(*NUMBERS), draw.among(*NUMBERS)])
        numbers.min, numbers.max = draw.among(ends, ends, [0.0, 1.0])
        numbers.histograms.extend([histograms(draw) for _ in range(draw.integer(0, 3))])
        if weighted:
            numbers.weighted_numeric_stats.histograms.extend([histograms(draw) for _ in range(draw.integer(0, 2))])
    elif kind == "bytes_stats":
        feature.bytes_stats.max_num_bytes_int = draw.among(0, 10, 2**40)
    if draw.one_in(3):
        feature.custom_stats.extend(custom_statistics(draw))
    if draw.one_in(12):
        feature.validation_derived_source.deriver_name = "d"
    return feature


def datasets(draw: Chooser, schema: schema_pb2.Schema | None = None) -> statistics_pb2.DatasetFeatureStatistics:
    """Make up statistics; with a schema, mostly of its features and in their types."""
    num_examples = draw.among(10, 10, 10, 3, 1, 10**7, *([0] if draw.one_in(20) else []))
    weighted = draw.one_in(5)
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=num_examples)
    dataset.weighted_num_examples = draw.among(0.5, 12.25, float(num_examples) or 1.0) if weighted else 0.0
    known = _features(schema.feature, ()) if schema is not None else {}
    chosen = [*draw.distinct(PATHS, 2 if known else 5), *(path for path in known if not draw.one_in(6))]
    paths = list(dict.fromkeys(path[: at + 1] for path in chosen for at in range(len(path))))
    paths = draw.distinct(paths, None)
    by_name = draw.one_in(15) and ("",) not in paths  # the core cuts a name that begins with "" within a character
    for path in paths:
        has_children = any(other[:-1] == path for other in paths)
        expected = known.get(path, schema_pb2.Feature())
        type_ = schema_pb2.STRUCT if has_children else expected.type
        feature = feature_statistics(draw, num_examples, type_, weighted=weighted and not draw.one_in(30))
        if expected.WhichOneof("domain_info") in {"natural_language_domain", "image_domain"} and not draw.one_in(5):
            feature.custom_stats.extend(custom_statistics(draw, ["nl_statistics", "image_format_histogram"]))
        if path == ("m",) and schema is not None and not weighted and _is_composite(schema, "m"):
            feature = Kind(type=feature.type, custom_stats=custom_statistics(draw, COMPOSITE))
        elif len(path) == 1 and not has_children and draw.one_in(20):
            feature = Kind(type=feature.type)
        if by_name:
            feature.name = ".".join(path)
        else:
            feature.path.step.extend(path)
        dataset.features.append(feature)
    return dataset


def _features(found: Iterable[schema_pb2.Feature], above: tuple[str, ...]) -> dict[tuple[str, ...], schema_pb2.Feature]:
    features: dict[tuple[str, ...], schema_pb2.Feature] = {}
    for feature in found:
        features[(*above, feature.name)] = feature
        features |= _features(feature.struct_domain.feature, (*above, feature.name))
    return features


def _is_composite(schema: schema_pb2.Schema, name: str) -> bool:
    sparse = [each for each in schema.sparse_feature if each.name == name]
    weighted = [each for each in schema.weighted_feature if each.name == name]
    return bool(weighted) or (bool(sparse) and not sparse[0].deprecated and sparse[0].lifecycle_stage in {0, 4})


def _comparator(draw: Chooser, comparator: schema_pb2.FeatureComparator) -> None:
    comparator.SetInParent()
    for name in ("infinity_norm", "jensen_shannon_divergence", "normalized_abs_difference"):
        if draw.one_in(2):
            getattr(comparator, name).SetInParent()
            if not draw.one_in(6):
                getattr(comparator, name).threshold = draw.among(*SHARES)
    if draw.one_in(2):
        comparator.jensen_shannon_divergence.source.type = draw.among(0, 1, 2)


def _domain(draw: Chooser, feature: schema_pb2.Feature) -> None:
    every = sorted({kind for kinds in _DOMAINS.values() for kind in kinds})
    kind = draw.among(*(every if draw.one_in(6) else _DOMAINS.get(feature.type, every)))
    if kind == "domain":
        feature.domain = draw.among("shared", "shared", "other", "gone")
        return
    domain = getattr(feature, kind)
    domain.SetInParent()
    if kind in _FILLED:
        _FILLED[kind](draw, domain)


def _string_domain(draw: Chooser, domain: schema_pb2.StringDomain) -> None:
    domain.value.extend(draw.some(STRINGS, 6))


def _bool_domain(draw: Chooser, domain: schema_pb2.BoolDomain) -> None:
    for name in ("true_value", "false_value"):
        if draw.one_in(2):
            setattr(domain, name, draw.among("a", "b", "true", "false", "1", ""))


def _int_domain(draw: Chooser, domain: schema_pb2.IntDomain | schema_pb2.FloatDomain) -> None:
    for name in ("min", "max"):
        if draw.one_in(2):
            setattr(domain, name, draw.among(-5, 0, 1, 3, 10**6))


def _float_domain(draw: Chooser, domain: schema_pb2.FloatDomain) -> None:
    _int_domain(draw, domain)
    domain.disallow_nan, domain.disallow_inf = draw.one_in(2), draw.one_in(2)
    if draw.one_in(4):
        domain.max = 0.1


def _image_domain(draw: Chooser, domain: schema_pb2.ImageDomain) -> None:
    if draw.one_in(2):
        domain.minimum_supported_image_fraction = draw.among(0.1, 0.85, 1.0)
    if draw.one_in(2):
        domain.max_image_byte_size = draw.among(0, 5, 100)


def _language_domain(draw: Chooser, domain: schema_pb2.NaturalLanguageDomain) -> None:
    if draw.one_in(2):
        domain.coverage.min_coverage = draw.among(0.1, 0.6)
    if draw.one_in(2):
        domain.coverage.min_avg_token_length = draw.among(1.0, 4.7)
    for token in draw.some(TOKENS, 2):
        constraint = domain.token_constraints.add()
        if isinstance(token, str):
            constraint.string_value = token
        elif not draw.one_in(8):
            constraint.int_value = token
        for name in ("min_per_sequence", "max_per_sequence"):
            if draw.one_in(2):
                setattr(constraint, name, draw.among(0, 1, 3, 10**7))
        for name in ("min_fraction_of_sequences", "max_fraction_of_sequences"):
            if draw.one_in(2):
                setattr(constraint, name, draw.among(0.1, 0.35, 0.7))


_FILLED: dict[str, Any] = {
    "string_domain": _string_domain,
    "bool_domain": _bool_domain,
    "int_domain": _int_domain,
    "float_domain": _float_domain,
    "image_domain": _image_domain,
    "natural_language_domain": _language_domain,
}


def _shape(draw: Chooser, feature: schema_pb2.Feature) -> None:
    kind = draw.among("value_count", "value_counts", "shape")
    if kind == "shape":
        feature.shape.SetInParent()
        for size in draw.some([1, 2, 3, 1, 0, -1], 3):
            feature.shape.dim.add(size=size)
        return
    number = 1 if kind == "value_count" else draw.integer(0, 3)
    getattr(feature, kind).SetInParent()
    counts = (
        [feature.value_count]
        if kind == "value_count"
        else [feature.value_counts.value_count.add() for _ in range(number)]
    )
    for count in counts:
        if draw.one_in(2):
            count.min = draw.among(0, 1, 2, 5, -1)
        if draw.one_in(2):
            count.max = draw.among(0, 1, 2, 5)


def features(draw: Chooser, name: str) -> schema_pb2.Feature:
    """Make up a feature of a schema, mostly one that does not contradict itself."""
    feature = schema_pb2.Feature(name=name)
    if not name and draw.one_in(2):
        feature.ClearField("name")
    if not draw.one_in(12):
        feature.type = draw.among(1, 1, 1, 2, 3, 4, 0)
    for one_in, fill in _PARTS:
        if draw.one_in(one_in):
            fill(draw, feature)
    return feature


def _presence(draw: Chooser, feature: schema_pb2.Feature) -> None:
    if draw.one_in(12):
        feature.group_presence.required = True
        return
    feature.presence.SetInParent()
    if draw.one_in(2):
        feature.presence.min_count = draw.among(0, 1, 5, 100)
    if draw.one_in(2):
        feature.presence.min_fraction = draw.among(0.0, 0.3, 0.9, 1.0, 1.0, *([-0.5, 2.0] if draw.one_in(5) else []))


def _distribution(draw: Chooser, feature: schema_pb2.Feature) -> None:
    if feature.WhichOneof("domain_info") not in {"domain", "string_domain"} and not draw.one_in(4):
        return
    feature.distribution_constraints.SetInParent()
    if draw.one_in(2):
        feature.distribution_constraints.min_domain_mass = draw.among(1.0, 0.5, 0.0, 0.99)


def _stage(draw: Chooser, feature: schema_pb2.Feature) -> None:
    if draw.one_in(3):
        feature.deprecated = draw.one_in(2)
    else:
        feature.lifecycle_stage = draw.among(*schema_pb2.LifecycleStage.values())


def _environments(draw: Chooser, feature: schema_pb2.Feature) -> None:
    feature.in_environment.extend(draw.some(ENVIRONMENTS, 2))
    feature.not_in_environment.extend(draw.some(ENVIRONMENTS, 2))


def _unique_constraints(draw: Chooser, feature: schema_pb2.Feature) -> None:
    feature.unique_constraints.SetInParent()
    for name in ("min", "max"):
        if draw.one_in(2):
            setattr(feature.unique_constraints, name, draw.among(0, 2, 100))


def _derived_source(draw: Chooser, feature: schema_pb2.Feature) -> None:
    feature.validation_derived_source.deriver_name = draw.among("s", "d")


_PARTS: list[tuple[int, Any]] = [
    (2, _presence),
    (3, _shape),
    (1, lambda draw, feature: draw.one_in(4) or _domain(draw, feature)),
    (4, _distribution),
    (3, lambda draw, feature: _comparator(draw, feature.drift_comparator)),
    (4, lambda draw, feature: _comparator(draw, feature.skew_comparator)),
    (3, _environments),
    (8, _stage),
    (6, _unique_constraints),
    (12, _derived_source),
]


def schemas(draw: Chooser) -> schema_pb2.Schema:
    """Make up a schema."""
    schema = schema_pb2.Schema()
    structs = _nested_features(draw, schema)
    for name in ("shared", "other"):
        if not draw.one_in(8):
            schema.string_domain.add(name=name, value=draw.some(STRINGS[:12], 6))
    schema.default_environment.extend(draw.distinct(ENVIRONMENTS[:2], 2))
    if draw.one_in(8) and schema.feature:
        schema.feature.add().CopyFrom(schema.feature[0])
    if draw.one_in(3):
        _composites(draw, schema)
    if draw.one_in(5) and ("a",) in structs:
        structs[("a",)].sparse_feature.add(name="m")
    if draw.one_in(3):
        _dataset_constraints(draw, schema.dataset_constraints)
    return schema


def _nested_features(draw: Chooser, schema: schema_pb2.Schema) -> dict[tuple[str, ...], Any]:
    """Add features and return where the fields of each struct are."""
    chosen = draw.distinct(PATHS, 6)
    paths = list(dict.fromkeys(path[: at + 1] for path in chosen for at in range(len(path))))
    structs: dict[tuple[str, ...], Any] = {(): schema}
    for path in paths:
        container = structs.get(path[:-1])
        if container is None:
            continue
        feature = container.feature.add()
        feature.CopyFrom(features(draw, path[-1]))
        if any(other[:-1] == path for other in paths) and not draw.one_in(8):
            feature.struct_domain.SetInParent()
            if not draw.one_in(8):
                feature.type = schema_pb2.STRUCT
            structs[path] = feature.struct_domain
    return structs


def _composites(draw: Chooser, schema: schema_pb2.Schema) -> None:
    for name in draw.some(["m", "m", "m", "a", "b"], 2):
        if draw.one_in(2):
            schema.sparse_feature.add(name=name, deprecated=draw.one_in(6)).value_feature.name = "a"
        else:
            schema.weighted_feature.add(name=name)
        composite = (schema.sparse_feature or schema.weighted_feature)[-1]
        if draw.one_in(6):
            composite.lifecycle_stage = draw.among(4, 5)


def _dataset_constraints(draw: Chooser, constraints: schema_pb2.DatasetConstraints) -> None:
    constraints.SetInParent()
    for name in ("num_examples_drift_comparator", "num_examples_version_comparator"):
        if draw.one_in(2):
            getattr(constraints, name).SetInParent()
            for bound in ("min_fraction_threshold", "max_fraction_threshold"):
                if draw.one_in(2):
                    setattr(getattr(constraints, name), bound, draw.among(0.0, 0.5, 1.0, 2.0))
    if draw.one_in(2):
        constraints.min_examples_count = draw.among(0, 5, 10**8)
        if draw.one_in(2):  # the core looks at a maximum only beside a minimum
            constraints.max_examples_count = draw.among(0, 5, 10**6)


def without_aborts(schema: schema_pb2.Schema, dataset: statistics_pb2.DatasetFeatureStatistics) -> None:
    """Remove the `float_domain` of features that are structs in the data."""
    structs = {
        tuple(each.path.step) or tuple(each.name.split(".")) for each in dataset.features if each.type == Kind.STRUCT
    }
    _without_float_domains(schema.feature, structs, ())


def _without_float_domains(found: Any, structs: set[tuple[str, ...]], above: tuple[str, ...]) -> None:
    for feature in found:
        path = (*above, feature.name)
        if path in structs or (".".join(path),) in structs:
            feature.ClearField("float_domain")
        _without_float_domains(feature.struct_domain.feature, structs, path)


class Pair:
    """A schema and what is validated against it.

    Attributes:
        schema: A schema.
        dataset: Statistics of data that may fit it.
        environment: One that the schema may have.
        controls: Statistics to compare with, by parameter.
        severities: Severities by type.
    """

    def __init__(self, seed: int) -> None:
        draw = Chooser(seed)
        self.schema = schemas(draw)
        self.dataset = datasets(draw, self.schema)
        without_aborts(self.schema, self.dataset)
        self.environment = draw.among(None, None, *ENVIRONMENTS)
        self.controls = {
            name: datasets(draw, self.schema) if draw.one_in(2) else None
            for name in ("previous_span", "serving", "previous_version")
        }
        types = [_Info.SCHEMA_NEW_COLUMN, _Info.ENUM_TYPE_UNEXPECTED_STRING_VALUES, _Info.UNEXPECTED_DATA_TYPE]
        severities = [_Info.UNKNOWN, _Info.WARNING, _Info.ERROR]
        self.severities = {each: draw.among(*severities) for each in draw.distinct(types, 3) if draw.one_in(3)}

    def __repr__(self) -> str:
        parts = {"schema": self.schema, "dataset": self.dataset, "environment": self.environment, **self.controls}
        return "\n".join(f"--- {name}\n{part}" for name, part in parts.items())
