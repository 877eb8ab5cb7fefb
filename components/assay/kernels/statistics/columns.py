"""One column of a record batch as a feature: how many values each example has, and the values themselves.

A flat column has one value in each example and null where it is missing; a list column has any number; a list of lists
has nest levels, each with presence and valency of its own, as in TFDV. A struct is a feature, and so is each field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError
from assay.kernels.arrow_types import FeatureType, is_list, plain, reading
from assay.kernels.feature_path import join_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, Schema

    from assay.kernels.arrow_types import Meaning

Path = tuple[str, ...]
"""A feature's name: a column, and the fields of structs on the way."""


@dataclass(frozen=True, slots=True)
class NestLevel:
    """Presence and valency at one nest level of one batch.

    Attributes:
        num_present: Elements that are not null.
        lengths: Distinct numbers of values in a present element.
        length_counts: How many elements have each of `lengths`.
        present_weight: Sum of the weights of the present elements.
        value_weight: Sum over all elements of weight times number of values.
    """

    num_present: int
    lengths: NDArray[np.int64]
    length_counts: NDArray[np.int64]
    present_weight: float = 0.0
    value_weight: float = 0.0


@dataclass(frozen=True, slots=True)
class FeatureColumn:
    """A column taken apart.

    Attributes:
        path: The feature's name.
        type: `FeatureNameStatistics.Type`, or `None` where a column of type null does not tell.
        levels: From the outermost nest level inwards.
        leaf_lengths: For lists of lists, the distinct numbers of innermost values in a present example, and how many
            examples have each.
        leaf: The innermost values; `None` for structs, for a column of type null, and for values that statistics do
            not summarise.
        leaf_weights: The weight of the example that each of `leaf` belongs to.
        nulls_are_values: Whether a null in `leaf` is an element of a list, and not a missing feature.
        meaning: What the numbers mean, where the Arrow type says more than `type`.
    """

    path: Path
    type: int | None
    levels: tuple[NestLevel, ...]
    leaf_lengths: tuple[NDArray[np.int64], NDArray[np.int64]] | None
    leaf: pa.Array | None
    leaf_weights: NDArray[np.float64] | None
    nulls_are_values: bool
    meaning: Meaning | None = None


_NOTHING = np.zeros(0, dtype=np.int64)
_ONE = np.ones(1, dtype=np.int64)


def feature_columns(path: Path, array: pa.Array, weights: NDArray[np.float64] | None) -> Iterator[FeatureColumn]:
    """Split a column into features: yield the feature, and after a struct its fields.

    Args:
        path: The feature's name.
        array: A flat column, or a list to any depth, of values of any type.
        weights: One weight for each row, if there are weights.

    Raises:
        DataError: Two fields of a struct have one name.
    """
    array = plain(array)
    levels: list[NestLevel] = []
    rows: NDArray[np.int64] | None = None  # of the top level, one for each element of the current level
    top_valid = np.asarray(array.is_valid()) if is_list(array.type) else None
    while is_list(array.type):
        level, array, weights, rows = _unnest(array, weights, rows)
        levels.append(level)
        array = plain(array)
    nested = bool(levels)
    if pa.types.is_null(array.type):
        levels.append(NestLevel(0, _NOTHING, _NOTHING))
        yield FeatureColumn(
            path, None, tuple(levels), _leaf_lengths(levels, rows, top_valid), None, None, nulls_are_values=nested
        )
        return
    if not nested:
        levels.append(_flat_level(array, weights))
    is_struct = pa.types.is_struct(array.type)
    how = reading(array.type) if not is_struct else None
    yield FeatureColumn(
        path=path,
        type=FeatureType.STRUCT if how is None else how.type,
        levels=tuple(levels),
        leaf_lengths=_leaf_lengths(levels, rows, top_valid),
        leaf=None if how is None or how.convert is None else how.convert(array),
        leaf_weights=weights,
        nulls_are_values=nested,
        meaning=None if how is None else how.meaning,
    )
    if is_struct:
        yield from _fields(path, array, weights, nested=nested)


def example_weights(name: str, batch: pa.RecordBatch) -> NDArray[np.float64]:
    """Return the weight of each example.

    Raises:
        DataError: The column is absent, is not numeric, or does not have exactly one value in each example.
    """
    index = batch.schema.get_field_index(name)
    if index < 0:
        raise DataError(
            "statistics.no_weight_feature",
            f"The weight feature '{name}' is not a column of the data: {', '.join(batch.schema.names)}.",
        )
    column = next(feature_columns((name,), batch.column(index), None))
    if column.leaf is None or column.type not in {FeatureType.INT, FeatureType.FLOAT}:
        raise DataError("statistics.weight_feature", f"The weight feature '{name}' is not numeric.")
    values: NDArray[np.float64] = column.leaf.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
    single = column.levels[0].num_present == batch.num_rows and np.array_equal(
        column.levels[0].lengths, _ONE[: batch.num_rows]
    )
    if not single or len(values) != batch.num_rows:
        raise DataError(
            "statistics.weight_feature", f"The weight feature '{name}' must have exactly one value in each example."
        )
    return values


def row_values(array: pa.Array) -> tuple[pa.Array, NDArray[np.int64]]:
    """Return the innermost values that are not null, and the row of each."""
    array, rows = plain(array), np.arange(len(array))
    while is_list(array.type):
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        rows = np.repeat(rows, lengths)
        array = plain(array.flatten())
    if not array.null_count:
        return array, rows
    valid = np.asarray(array.is_valid())
    return array.filter(pa.array(valid)), rows[valid]


def count_lengths(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct lengths and how often each occurs."""
    distinct, counts = np.unique(lengths, return_counts=True)
    return distinct.astype(np.int64), counts.astype(np.int64)


def check_distinct(names: list[str], where: str) -> None:
    """Check that no two columns, or fields of one struct, have one name.

    Raises:
        DataError: Two have.
    """
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError("statistics.duplicate_columns", f"Several {where} have the name {', '.join(twice)}.")


def _fields(
    path: Path, array: pa.StructArray, weights: NDArray[np.float64] | None, *, nested: bool
) -> Iterator[FeatureColumn]:
    """Return the fields of structs. A null struct in a list lacks all fields; elsewhere it is missing itself."""
    if not nested and array.null_count:
        valid = np.asarray(array.is_valid())
        array = array.filter(pa.array(valid))
        weights = None if weights is None else weights[valid]
    names = [field.name for field in array.type]
    check_distinct(names, f"fields of column '{join_path(path)}'")
    # flatten() takes a struct's own nulls into account, field() does not.
    for name, child in zip(names, array.flatten(), strict=True):
        yield from feature_columns((*path, name), child, weights)


def _flat_level(array: pa.Array, weights: NDArray[np.float64] | None) -> NestLevel:
    present = len(array) - array.null_count
    weight = 0.0
    if weights is not None:
        weight = float(weights[np.asarray(array.is_valid())].sum())
    return NestLevel(present, _ONE[: min(present, 1)], np.full(min(present, 1), present), weight, weight)


def _unnest(
    array: pa.Array, weights: NDArray[np.float64] | None, rows: NDArray[np.int64] | None
) -> tuple[NestLevel, pa.Array, NDArray[np.float64] | None, NDArray[np.int64]]:
    """Describe the outermost list level, and return what is inside it with its weights and top-level rows."""
    valid = np.asarray(array.is_valid())
    if pa.types.is_fixed_size_list(array.type):
        # Its flatten() keeps the slots of null lists in some versions of Arrow; as a variable list it never does.
        array = array.filter(pa.array(valid))
        lengths = np.where(valid, array.type.list_size, 0).astype(np.int64)
    else:
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    present_weight = value_weight = 0.0
    if weights is not None:
        present_weight, value_weight = float(weights[valid].sum()), float((weights * lengths).sum())
        weights = np.repeat(weights, lengths)
    inner_rows = np.repeat(np.arange(len(lengths)) if rows is None else rows, lengths)
    level = NestLevel(int(valid.sum()), *count_lengths(lengths[valid]), present_weight, value_weight)
    return level, array.flatten(), weights, inner_rows


def _leaf_lengths(
    levels: list[NestLevel], rows: NDArray[np.int64] | None, top_valid: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    if len(levels) < 2 or rows is None or top_valid is None:
        return None
    return count_lengths(np.bincount(rows, minlength=len(top_valid))[top_valid])


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
        """Return whether the feature's strings are opaque bytes."""
        return path in self.bytes_features

    def is_categorical(self, path: Path, type_: int) -> bool:
        """Return whether the feature's numbers, of this type, are categories."""
        return (path, type_) in self.categorical


def schema_claims(schema: Schema | None) -> SchemaClaims:
    """Read the claims of a schema, by the rules of TFDV's `schema_util`."""
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
    """Return the features of a schema that are not structs, with the fields of structs, and their paths."""
    for feature in features:
        path = (*parent, feature.name)
        if feature.type == schema_pb2.STRUCT:
            yield from leaf_features(feature.struct_domain.feature, path)
        else:
            yield path, feature


def is_categorical_number(feature: Feature) -> bool:
    """Return whether a feature of numbers is declared as a category."""
    domain = feature.WhichOneof("domain_info")
    if feature.type == schema_pb2.INT:
        if domain == "int_domain":
            return bool(feature.int_domain.is_categorical)
        return domain in {"bool_domain", "natural_language_domain"}
    return bool(feature.type == schema_pb2.FLOAT and domain == "float_domain" and feature.float_domain.is_categorical)
