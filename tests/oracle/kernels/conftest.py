"""TFDV's statistics, and the comparison with ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from google.protobuf.message import Message
from tensorflow_metadata.proto.v0 import statistics_pb2

# With numpy 2, TFDV reckons the buckets of 32-bit values in 32 bits, where we use 64. So bounds are good for 7 digits
# of the range, and counts, which are interpolated between neighbouring quantiles, for fewer of the total.
_BUCKETS_IN_32_BITS = int(np.__version__.partition(".")[0]) >= 2

Differences: TypeAlias = Callable[..., list[str]]


@pytest.fixture(scope="session")
def taxi_trips(taxi_csv: Path) -> pa.Table:
    """The trips in the types that TFDV reads from CSV: 64-bit integers, 32-bit floats, strings; empty is missing."""
    table = pa.csv.read_csv(taxi_csv, convert_options=pa.csv.ConvertOptions(strings_can_be_null=True, null_values=[""]))
    floats = {field.name: pa.float32() for field in table.schema if pa.types.is_floating(field.type)}
    return table.cast(pa.schema([pa.field(field.name, floats.get(field.name, field.type)) for field in table.schema]))


@pytest.fixture(scope="session")
def taxi_statistics(taxi_csv: Path) -> Any:
    import tensorflow_data_validation as tfdv

    return tfdv.generate_statistics_from_csv(str(taxi_csv))


@pytest.fixture(scope="session")
def differences() -> Differences:
    """Gives a function that lists where two protos differ: floats by 1e-9 relative, everything else exactly.

    A mean may differ by the rounding of its sum besides (see `_same_mean`).
    """

    def compare(ours: Message, theirs: Message) -> list[str]:
        return list(_differences(ours, theirs, ""))

    return compare


def _differences(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    if _BUCKETS_IN_32_BITS and isinstance(ours, statistics_pb2.Histogram):
        yield from _different_buckets(ours, theirs, path)
    elif isinstance(ours, Message):
        yield from _different_fields(ours, theirs, path)
    elif not isinstance(ours, (str, bytes)) and hasattr(ours, "__len__"):
        if len(ours) != len(theirs):
            yield f"{path}: {len(ours)} elements != {len(theirs)}"
        for i, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from _differences(mine, other, f"{path}[{i}]")
    elif not _same(ours, theirs):
        yield f"{path}: {ours!r} != {theirs!r}"


def _different_fields(ours: Message, theirs: Any, path: str) -> Iterator[str]:
    for field in ours.DESCRIPTOR.fields:
        name = f"{path}.{field.name}"
        if field.name == "mean" and _same_mean(ours, theirs):
            continue
        if field in _set(ours) ^ _set(theirs):
            yield f"{name} is set in one only"
        elif field in _set(ours):
            yield from _differences(getattr(ours, field.name), getattr(theirs, field.name), name)


def _same_mean(ours: Any, theirs: Any) -> bool:
    """Whether two means differ by no more than the rounding of a sum of values, some of which may cancel out.

    The sum of n values is exact to n units in the last place of their root mean square times n (Higham, Accuracy and
    Stability of Numerical Algorithms, 4.2), so that a mean near 0 of large values has no nine true digits, in TFDV's
    order of adding or in ours. 1e-14 is that of about 50 values, more than any generated table has.
    """
    return abs(ours.mean - theirs.mean) <= 1e-14 * math.hypot(ours.mean, ours.std_dev)


def _set(message: Message) -> set[Any]:
    """The fields that say something: floats that differ from 0 by rounding say no more than 0."""
    return {field for field, value in message.ListFields() if not (isinstance(value, float) and abs(value) < 1e-9)}


def _different_buckets(ours: statistics_pb2.Histogram, theirs: statistics_pb2.Histogram, path: str) -> Iterator[str]:
    rest, other_rest = statistics_pb2.Histogram(), statistics_pb2.Histogram()
    rest.CopyFrom(ours)
    other_rest.CopyFrom(theirs)
    for message in (rest, other_rest):
        del message.buckets[:]
    if rest != other_rest:
        yield f"{path}: {rest} != {other_rest}"
    for name in ("low_value", "high_value", "sample_count"):
        mine, others = (np.array([getattr(each, name) for each in one.buckets]) for one in (ours, theirs))
        if mine.shape != others.shape:
            yield f"{path}.buckets: {len(mine)} elements != {len(others)}"
            return
        finite = np.abs(mine[np.isfinite(mine)])
        allowed = 1e-4 * finite.sum() if name == "sample_count" else 1e-6 * finite.max(initial=0)
        if not np.allclose(mine, others, rtol=0, atol=allowed, equal_nan=True):
            yield f"{path}.buckets.{name}: {mine} != {others}"


def _same(ours: Any, theirs: Any) -> bool:
    if not isinstance(ours, float):
        return bool(ours == theirs)
    return math.isclose(ours, theirs, rel_tol=1e-9) or (math.isnan(ours) and math.isnan(theirs))
