"""Values that Python has no object for are text; equal values stay equal whatever stands beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from subprocess import CompletedProcess

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.python_values import python_values


def instants(unit: str, values: list[int], zone: str | None = None) -> pa.Array:
    return pa.array(np.array(values, "i8")).cast(pa.timestamp(unit, zone))


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (instants("s", [253402300800, -62135596801]), ["10000-01-01T00:00:00", "0000-12-31T23:59:59"]),
        (
            instants("us", [253402300800_000_000, 253402300800_500_000]),
            ["10000-01-01T00:00:00", "10000-01-01T00:00:00.5"],
        ),
        (instants("s", [-62135596800], "America/New_York"), ["0001-01-01T00:00:00Z"]),
        (instants("s", [1], "Mars/Base"), ["1970-01-01T00:00:01Z"]),
        (pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), ["5881580-07-11"]),
        (pa.array([864 * 10**12], pa.int64()).cast(pa.date64()), ["29349-01-26T00:00:00"]),
        (
            pa.array([[253402300800]], pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("s"))),
            [["10000-01-01T00:00:00"]],
        ),
        (pa.array([b"\xff"]).view(pa.string()), ["\\xff"]),
    ],
)
def test_what_python_cannot_hold_is_text(column: pa.Array, texts: list[object]) -> None:
    assert python_values(column) == texts


def test_a_value_does_not_depend_on_its_neighbours() -> None:
    column = instants("s", [0, 253402300800, 0])
    assert python_values(column) == [datetime(1970, 1, 1), "10000-01-01T00:00:00", datetime(1970, 1, 1)]  # noqa: DTZ001
    assert python_values(column.slice(0, 1)) == [datetime(1970, 1, 1)]  # noqa: DTZ001
    struct = pa.StructArray.from_arrays([column, pa.array([None, "x", "y"])], ["t", "s"])
    assert python_values(struct)[1] == {"t": "10000-01-01T00:00:00", "s": "x"}
    assert python_values(column.dictionary_encode())[1] == "10000-01-01T00:00:00"


WITHOUT_PANDAS = """
import sys
class WithoutPandas:
    def find_spec(self, name, *rest):
        if name == "pandas":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, WithoutPandas())
import pyarrow as pa
from assay.kernels.python_values import python_values
for kind in (pa.timestamp("ns"), pa.time64("ns"), pa.duration("ns")):
    print(*python_values(pa.array([1001, 1000]).cast(kind)), sep="|")
"""


def test_nanoseconds_without_pandas_are_text(run_python: Callable[[str], CompletedProcess[str]]) -> None:
    assert run_python(WITHOUT_PANDAS).stdout.splitlines() == [
        "1970-01-01T00:00:00.000001001|1970-01-01 00:00:00.000001",
        "00:00:00.000001001|00:00:00.000001",
        "1001 ns|0:00:00.000001",
    ]
