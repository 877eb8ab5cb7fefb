from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.data.tf_example import (
    as_example_columns,
    decode,
    encode,
    fits,
    flatten_columns,
    single_valued_columns,
    without_structs,
)
from raising import raises

FLAT = pa.record_batch(
    [pa.array([1, None, 3]), pa.array([0.5, 2.0, None]), pa.array(["é", None, ""]), pa.array([[1], [], [2, 3]])],
    ["int", "float", "text", "list"],
)


def test_columns_as_a_tf_example_sees_them() -> None:
    columns = as_example_columns(FLAT)
    assert columns.schema.types == [
        pa.large_list(pa.int64()),
        pa.large_list(pa.float32()),
        pa.large_list(pa.large_binary()),
        pa.large_list(pa.int64()),
    ]
    assert columns.to_pydict() == {
        "int": [[1], None, [3]],
        "float": [[0.5], [2.0], None],
        "text": [["é".encode()], None, [b""]],
        "list": [[1], [], [2, 3]],
    }


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([True, None]), [[1], None]),
        (pa.array([1, 255], pa.uint8()), [[1], [255]]),
        (pa.array(["a", None]).dictionary_encode(), [[b"a"], None]),
        (pa.array([["a"], None]), [[b"a"], None]),
        (pa.nulls(2), [None, None]),
        (pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2)), [[1, 2], [3, 4]]),
        (pa.array([b"\xff", b""]), [[b"\xff"], [b""]]),
        (pa.array([b"ab", None], pa.binary(2)), [[b"ab"], None]),
        (pa.array([1_500, None], pa.timestamp("ms", "UTC")), [[1_500], None]),
        (pa.array([3, 4], pa.date32()), [[3], [4]]),
        (pa.array([90, None], pa.time32("s")), [[90], None]),
        (pa.array([[7], None], pa.list_(pa.duration("us"))), [[7], None]),
        (pa.array([Decimal("2.5"), None], pa.decimal128(4, 1)), [[2.5], None]),
        (pa.array([Decimal(12), Decimal(3)], pa.decimal128(18, 0)), [[12], [3]]),
        (pa.array([Decimal(2**70), None], pa.decimal128(38, 0)), [[2.0**70], None]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_other_types_become_the_three(column: pa.Array, expected: list[object]) -> None:
    assert as_example_columns(pa.record_batch([column], ["a"])).to_pydict() == {"a": expected}
    sliced = as_example_columns(pa.record_batch([column], ["a"]).slice(1))
    assert sliced.to_pydict() == {"a": expected[1:]}


def test_encoding_and_decoding_gives_the_same_columns() -> None:
    found = decode(encode(FLAT))
    assert pa.Table.from_batches([found]).select(FLAT.schema.names).to_batches() == [as_example_columns(FLAT)]


def test_a_row_without_features_is_an_empty_example() -> None:
    batch = pa.record_batch([pa.nulls(2)], ["a"])
    assert decode(encode(batch)).to_pydict() == {"a": [None, None]}
    assert encode(pa.RecordBatch.from_struct_array(pa.array([{}, {}], pa.struct([])))) == [b"", b""]


def test_flattening_columns_of_at_most_one_value() -> None:
    columns = as_example_columns(FLAT)
    assert single_valued_columns(columns) == {"int", "float", "text"}
    assert single_valued_columns(FLAT.slice(0, 2)) == {"int", "float", "text", "list"}
    flat = flatten_columns(columns, ["int", "float", "text"])
    assert flat.to_pydict() == {**FLAT.to_pydict(), "text": ["é".encode(), None, b""]}
    assert flatten_columns(columns.slice(1), ["int"]).to_pydict()["int"] == [None, 3]
    assert flatten_columns(FLAT.slice(0, 2), ["list"]).to_pydict()["list"] == [1, None]


@pytest.mark.parametrize(
    ("column", "code", "named"),
    [
        (pa.array([2**63], pa.uint64()), "tf_example.out_of_range", ("a",)),
        (pa.array([[[1]]]), "tf_example.unsupported_type", ("a",)),
        (pa.array([{"x": 1}]), "tf_example.unsupported_type", ("a",)),
        (pa.array([[1, None]]), "tf_example.null_in_list", ("a",)),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_what_an_example_cannot_hold_is_named(column: pa.Array, code: str, named: tuple[str, ...]) -> None:
    with raises(code, *named):
        as_example_columns(pa.record_batch([column], ["a"]))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.int8(), True),
        (pa.list_(pa.date32()), True),
        (pa.dictionary(pa.int32(), pa.string()), True),
        (pa.list_(pa.list_(pa.int64())), False),
        (pa.struct([("x", pa.int64())]), False),
        (pa.map_(pa.string(), pa.int64()), False),
    ],
    ids=str,
)
def test_which_types_fit(kind: pa.DataType, expected: bool) -> None:
    assert fits(kind) is expected


def test_a_schema_without_structs_keeps_the_rest() -> None:
    schema = schema_pb2.Schema(
        feature=[{"name": "a", "type": schema_pb2.INT}, {"name": "s", "type": schema_pb2.STRUCT}],
        string_domain=[{"name": "d"}],
    )
    flat = without_structs(schema)
    assert [each.name for each in flat.feature] == ["a"]
    assert [each.name for each in flat.string_domain] == ["d"]
    assert len(schema.feature) == 2


def test_a_record_that_is_no_example_is_named() -> None:
    records = encode(FLAT)
    with raises("tf_example.not_an_example", "data.gz", "12", "tf.Example", "3"):
        decode([records[0], b"\x0a\xff\x01", records[1]], source="data.gz", first_record=11)


def test_features_that_change_their_kind_are_named() -> None:
    records = encode(pa.record_batch([FLAT["int"]], ["int"])) + encode(pa.record_batch([pa.array(["x"])], ["int"]))
    with raises("tf_example.mixed_kinds", "data.gz", "1", "4"):
        decode(records, source="data.gz")


def test_a_sequence_example_is_refused() -> None:
    # Field 1, an empty context, then field 2, empty feature lists; and the same without a context.
    for record in (b"\x0a\x00\x12\x00", b"\x12\x00", b"\x0a\x82\x00\x0a\x00\x12\x00"):
        with raises("tf_example.sequence_example", "1", "tf.Example", "tf.SequenceExample"):
            decode([record])


@pytest.mark.tensorflow
def test_tensorflow_reads_the_examples() -> None:
    import tensorflow as tf

    parsed = tf.train.Example.FromString(encode(FLAT)[0])
    assert parsed.features.feature["int"].int64_list.value == [1]
    assert parsed.features.feature["text"].bytes_list.value == ["é".encode()]
    parsed = tf.train.Example.FromString(encode(FLAT)[1])
    assert parsed.features.feature["int"].WhichOneof("kind") is None


def test_equal_rows_give_equal_bytes_in_every_process(run_python: Callable[..., Any]) -> None:
    code = (
        "import pyarrow as pa, sys; from assay.data.tf_example import encode;"
        "names = [f'feature_{n}' for n in range(40)];"
        "row = pa.RecordBatch.from_arrays([pa.array(['x' * 9 * n]) for n in range(40)], names);"
        "sys.stdout.write(encode(row)[0].hex())"
    )
    first, second = run_python(code).stdout, run_python(code).stdout
    assert first == second
    decoded = decode([bytes.fromhex(first)])
    assert sorted(decoded.schema.names) == sorted(f"feature_{n}" for n in range(40))
    assert decoded.column(decoded.schema.get_field_index("feature_39")).to_pylist() == [[b"x" * 351]]
