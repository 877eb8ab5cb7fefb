"""What a schema says about how statistics should treat a feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.statistics.columns import FeatureType

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, Schema


@dataclass(frozen=True, slots=True)
class SchemaClaims:
    """The features that a schema declares to be other than their type suggests.

    Attributes:
        bytes_features: Strings that are opaque bytes: features with an image domain.
        categorical: Numbers that are categories, with the type (`FeatureNameStatistics.Type`) that is declared; the
            claim holds only for data of that type.
    """

    bytes_features: frozenset[str] = frozenset()
    categorical: frozenset[tuple[str, int]] = frozenset()

    def is_bytes(self, name: str) -> bool:
        """Tells whether the feature's strings are opaque bytes."""
        return name in self.bytes_features

    def is_categorical(self, name: str, type_: int) -> bool:
        """Tells whether the feature's numbers, of this type, are categories."""
        return (name, type_) in self.categorical


def schema_claims(schema: Schema | None) -> SchemaClaims:
    """Reads the claims of a schema, by the rules of TFDV's `schema_util`."""
    if schema is None:
        return SchemaClaims()
    return SchemaClaims(
        frozenset(feature.name for feature in schema.feature if feature.WhichOneof("domain_info") == "image_domain"),
        frozenset(
            (feature.name, FeatureType.INT if feature.type == schema_pb2.INT else FeatureType.FLOAT)
            for feature in schema.feature
            if _is_categorical_number(feature)
        ),
    )


def _is_categorical_number(feature: Feature) -> bool:
    domain = feature.WhichOneof("domain_info")
    if feature.type == schema_pb2.INT:
        if domain == "int_domain":
            return bool(feature.int_domain.is_categorical)
        return domain in {"bool_domain", "natural_language_domain"}
    return bool(feature.type == schema_pb2.FLOAT and domain == "float_domain" and feature.float_domain.is_categorical)
