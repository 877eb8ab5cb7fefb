from __future__ import annotations

import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from raising import raises

pytestmark = pytest.mark.tensorflow

SCHEMA = """
feature { name: "x" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "gappy" type: INT }
feature { name: "text" type: BYTES }
"""


def conform(batch: pa.RecordBatch, text: str = SCHEMA) -> pa.RecordBatch:
    from assay.components.transform.raw_batches import RawFormat

    return RawFormat(text_format.Parse(text, schema_pb2.Schema())).conform(batch, "split 'train'")


def record(**columns: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def test_flat_columns_become_lists_in_the_schemas_order() -> None:
    batch = record(
        unused=pa.array([1, 2]), gappy=pa.array([None, 4]), text=pa.array(["a", None]), x=pa.array([1.5, 2.5])
    )
    found = conform(batch)
    assert found.schema.names == ["x", "gappy", "text"]
    assert found.to_pydict() == {"x": [[1.5], [2.5]], "gappy": [None, [4]], "text": [[b"a"], None]}


def test_list_columns_keep_every_value() -> None:
    batch = record(x=pa.array([[1.0], [2.0]]), gappy=pa.array([[1, 2], []], pa.list_(pa.int64())))
    assert conform(batch).to_pydict() == {"x": [[1.0], [2.0]], "gappy": [[1, 2], []], "text": [None, None]}


def test_a_slice_holds_its_own_rows_only() -> None:
    batch = record(x=pa.array([1.0, 2.0, 3.0]), gappy=pa.array([None, 5, None], pa.int64()))
    assert conform(batch.slice(1, 2)).to_pydict() == {"x": [[2.0], [3.0]], "gappy": [[5], None], "text": [None, None]}


def test_integers_may_stand_for_floats_and_a_null_column_for_any_type() -> None:
    batch = record(x=pa.array([1, 2]), gappy=pa.nulls(2))
    found = conform(batch)
    assert found.column(0).type == pa.large_list(pa.float32())
    assert found.to_pydict()["gappy"] == [None, None]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"x": pa.array([1.0, None, None])},
            ("transform.value_count", "x", "1", "2", "3", "train", "0"),
        ),
        ({"x": pa.array([[1.0], [2.0, 3.0], []])}, ("transform.value_count", "2", "3")),
        ({}, ("transform.value_count", "x", "1", "3")),
        ({"x": pa.array(["a", "b", "c"])}, ("transform.type", "x", "train", "large_binary")),
        (
            {"x": pa.array([1.0] * 3), "gappy": pa.array([0.5] * 3)},
            ("transform.type", "gappy", "train", "int64"),
        ),
    ],
)
def test_rows_that_do_not_fit_the_schema(columns: dict[str, pa.Array], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        conform(record(**columns, other=pa.array([1, 2, 3])))
