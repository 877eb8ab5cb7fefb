"""The generators that options and schema call for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.statistics.generators.composite_features import CompositeFeatures, composites
from assay.kernels.statistics.generators.cross_features import CrossFeatures
from assay.kernels.statistics.generators.lift import Lift
from assay.kernels.statistics.generators.mutual_information import MutualInformation
from assay.kernels.statistics.generators.semantic_domains import SemanticDomains
from assay.kernels.statistics.language.natural_language import NaturalLanguage
from assay.kernels.statistics.reading.claims import is_categorical_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.kernels.statistics.generators.generator import Generator
    from assay.kernels.statistics.options import StatisticsOptions


def chosen_generators(
    options: StatisticsOptions, schema: Schema | None, vocabularies: Mapping[str, Sequence[str]]
) -> tuple[Generator, ...]:
    """Gives the generators, in the order in which TFDV's contribute."""
    chosen: list[Generator] = []
    if options.enable_semantic_domain_stats:
        chosen.append(SemanticDomains(options.image_sizes))
        language = NaturalLanguage(schema, vocabularies, options)
        if language.rules:
            chosen.append(language)
    composite = composites(schema)
    if composite:
        chosen.append(CompositeFeatures(composite))
    if options.feature_crosses is not None:
        chosen.append(CrossFeatures(None if options.feature_crosses == "all" else options.feature_crosses))
    if options.label_feature is not None:
        weighted, information = options.weight_feature is not None, options.mutual_information_partitions > 0
        label, boundaries = options.label_feature, options.label_boundaries
        chosen.append(Lift(label, boundaries, _categorical(schema), weighted, must_be_category=not information))
        if information:
            parts, rows = options.mutual_information_partitions, options.mutual_information_rows
            chosen.append(MutualInformation(label, boundaries, _categorical(schema), parts, rows))
    return tuple(chosen)


def _categorical(schema: Schema | None) -> frozenset[str] | None:
    """Gives the features whose values are categories: text, bytes, and integers that are declared so."""
    if schema is None:
        return None
    return frozenset(
        feature.name
        for feature in schema.feature
        if feature.type == schema_pb2.BYTES or (feature.type == schema_pb2.INT and is_categorical_number(feature))
    )
