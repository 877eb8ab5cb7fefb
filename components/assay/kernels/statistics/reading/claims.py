"""What a schema says about how statistics should treat a feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.statistics.reading.arrow_types import FeatureType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, Schema

    from assay.kernels.statistics.reading.columns import Path


@dataclass(frozen=True, slots=True)
class SchemaClaims:
    """The features that a schema declares to be other than their type suggests.

    Attributes:
        bytes_features: Strings that are opaque bytes: features with an image domain.
        categorical: Numbers that are categories, with the type (`FeatureNameStatistics.Type`) that is declared; the
            claim holds only for data of that type.
    """

    bytes_features: frozenset[Path] = frozenset()
    categorical: frozenset[tuple[Path, int]] = frozenset()

    def is_bytes(self, path: Path) -> bool:
        """Tells whether the feature's strings are opaque bytes."""
        return path in self.bytes_features

    def is_categorical(self, path: Path, type_: int) -> bool:
        """Tells whether the feature's numbers, of this type, are categories."""
        return (path, type_) in self.categorical


def schema_claims(schema: Schema | None) -> SchemaClaims:
    """Reads the claims of a schema, by the rules of TFDV's `schema_util`."""
    if schema is None:
        return SchemaClaims()
    leaves = list(leaf_features(schema.feature))
    return SchemaClaims(
        frozenset(path for path, feature in leaves if feature.WhichOneof("domain_info") == "image_domain"),
        frozenset(
            (path, FeatureType.INT if feature.type == schema_pb2.INT else FeatureType.FLOAT)
            for path, feature in leaves
            if is_categorical_number(feature)
        ),
    )


def leaf_features(features: Iterable[Feature], parent: Path = ()) -> Iterator[tuple[Path, Feature]]:
    """Gives the features of a schema that are not structs, with the fields of structs, and their paths."""
    for feature in features:
        path = (*parent, feature.name)
        if feature.type == schema_pb2.STRUCT:
            yield from leaf_features(feature.struct_domain.feature, path)
        else:
            yield path, feature


def is_categorical_number(feature: Feature) -> bool:
    """Tells whether a feature of numbers is declared as a category."""
    domain = feature.WhichOneof("domain_info")
    if feature.type == schema_pb2.INT:
        if domain == "int_domain":
            return bool(feature.int_domain.is_categorical)
        return domain in {"bool_domain", "natural_language_domain"}
    return bool(feature.type == schema_pb2.FLOAT and domain == "float_domain" and feature.float_domain.is_categorical)
