"""Which features of a schema data is validated against: those in a stage of use, and in the environment of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tensorflow_metadata.proto.v0 import schema_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorflow_metadata.proto.v0.schema_pb2 import Feature

# What TFDV treats as deprecated (`LifecycleStageIsDeprecated` in its feature_util.cc).
_NOT_VALIDATED: Final = {
    schema_pb2.PLANNED,
    schema_pb2.ALPHA,
    schema_pb2.DEPRECATED,
    schema_pb2.DEBUG_ONLY,
    schema_pb2.DISABLED,
}


def is_validated(feature: Any) -> bool:
    """Return whether a feature, sparse feature or weighted feature is in a stage that is validated."""
    return not getattr(feature, "deprecated", False) and feature.lifecycle_stage not in _NOT_VALIDATED


def is_in_environment(feature: Feature, environment: str | None, default_environments: Iterable[str]) -> bool:
    """Return whether a feature is expected in an environment; without one, every feature is.

    As TFDV decides: named in `in_environment`, else not in `not_in_environment` and in the schema's default.
    """
    if environment is None or environment in feature.in_environment:
        return True
    return environment not in feature.not_in_environment and environment in default_environments
