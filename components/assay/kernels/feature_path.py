"""The path of a feature as one text: how statistics, schemas, findings, limits, rules and pages name a feature.

A feature is named by its steps: the structs from the outside, then the feature itself. The text is the one that TFDV's
core writes into anomalies, so that `trip.fare` is the field of a struct and `'trip.fare'` a column with a dot in its
name. Two features never have the same text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from typing import TypeVar

    from tensorflow_metadata.proto.v0.anomalies_pb2 import DriftSkewInfo
    from tensorflow_metadata.proto.v0.schema_pb2 import Feature
    from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

    T = TypeVar("T")

_PLAIN = re.compile(r"[^.'()]+|\([^()]*\)")  # the core takes a step in parentheses for a protobuf extension
_STEP = re.compile(r"(?:\A|\.)(?:'((?:[^']|'')*)'|(\([^()]*\)|[^.]*))(?=\.|\Z)")


def join_path(steps: Sequence[str]) -> str:
    """Return the text of a path; a step that is empty or contains a dot, a quote or a parenthesis is quoted."""
    return ".".join(step if _PLAIN.fullmatch(step) else "'" + step.replace("'", "''") + "'" for step in steps)


def split_path(path: str) -> tuple[str, ...]:
    """Return the steps of a path that `join_path` wrote."""
    found = (match.groups() for match in _STEP.finditer(path))
    return tuple(plain if quoted is None else quoted.replace("''", "'") for quoted, plain in found)


def path_of(message: FeatureNameStatistics | DriftSkewInfo) -> str:
    """Return the path of what statistics or measurements are about; TFDV writes a column by its name alone."""
    return join_path(tuple(message.path.step) or (getattr(message, "name", ""),))


def feature_paths(features: Iterable[Feature], above: tuple[str, ...] = ()) -> Iterator[tuple[str, Feature]]:
    """Yield the features of a schema and of their structs by their paths, structs before their fields."""
    for feature in features:
        steps = (*above, feature.name)
        yield join_path(steps), feature
        yield from feature_paths(feature.struct_domain.feature, steps)


def resolve_path(name: str, known: Collection[str]) -> str:
    """Return the path that a user means: a path, else the plain name of a column; the name itself if it is neither."""
    return name if name in known or (column := join_path((name,))) not in known else column


def resolve_keys(values: Mapping[str, T], known: Collection[str]) -> dict[str, T]:
    """Return what a user set by the name of a feature, by its path."""
    return {resolve_path(name, known): value for name, value in values.items()}
