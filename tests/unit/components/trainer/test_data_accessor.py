from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.data.example_records import ExampleRecordWriter
from assay.data.tf_example import decode
from raising import raises

pytestmark = pytest.mark.tensorflow

SCHEMA = """
feature { name: "scalar" type: FLOAT presence { min_fraction: 1 } shape {} }
feature { name: "column" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "pair" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 2 } } }
feature { name: "gappy" type: BYTES }
feature { name: "label" type: INT presence { min_fraction: 1 } shape {} }
"""
ROWS = 7
TABLE = pa.table(
    {
        "scalar": pa.array(range(ROWS), pa.int64()),  # whole numbers of a FLOAT feature, as a CSV file may have them
        "column": pa.array(range(10, 10 + ROWS), pa.int64()),
        "pair": pa.array([[i, i + 0.5] for i in range(ROWS)], pa.list_(pa.float32())),
        "gappy": ["a", None, "c", None, "e", "f", "g"],
        "label": pa.array([0, 1] * 3 + [1], pa.int64()),
        "unused": pa.array([0.0] * ROWS, pa.float64()),
    }
)


def schema() -> schema_pb2.Schema:
    return text_format.Parse(SCHEMA, schema_pb2.Schema())


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("examples")
    for name in ("parquet", "tfrecord"):
        (root / name / "Split-train").mkdir(parents=True)
    pq.write_table(TABLE.slice(0, 4), root / "parquet/Split-train/data-00000-of-00002.parquet")
    pq.write_table(TABLE.slice(4), root / "parquet/Split-train/data-00001-of-00002.parquet")
    with ExampleRecordWriter(root / "tfrecord/Split-train/data-00000-of-00001.tfrecord.gz") as writer:
        scalar = TABLE["scalar"].cast(pa.float32())
        for batch in TABLE.set_column(0, "scalar", scalar).combine_chunks().to_batches():
            writer.write(batch)
    return {name: str(root / name / "Split-train" / "*") for name in ("parquet", "tfrecord")}


def test_nested_columns_and_their_features_are_passed_over(tmp_path: Path) -> None:
    from tfx_bsl.tfxio.dataset_options import RecordBatchesOptions

    from assay.components.trainer.data_accessor import record_batches, tf_dataset

    nested = TABLE.append_column("basket", pa.array([{"items": [1]}] * ROWS))
    pq.write_table(nested, tmp_path / "data.parquet")
    declared = schema()
    declared.feature.add(name="basket", type=schema_pb2.STRUCT)
    [batch] = tf_dataset(str(tmp_path / "*"), options(batch_size=ROWS), declared)
    assert set(batch) == {"scalar", "column", "pair", "gappy", "label"}
    as_read = RecordBatchesOptions(batch_size=ROWS, num_epochs=1)
    [rows] = record_batches(str(tmp_path / "*"), as_read, None)
    assert set(rows.schema.names) == set(TABLE.schema.names)
    [rows] = record_batches(str(tmp_path / "*"), as_read, declared)
    assert set(rows.schema.names) == set(batch)


def options(**given: Any) -> Any:
    from tfx_bsl.tfxio.dataset_options import TensorFlowDatasetOptions

    return TensorFlowDatasetOptions(**{"batch_size": 3, "shuffle": False, "num_epochs": 1, **given})


def batches(pattern: str | list[str], **given: Any) -> list[Any]:
    from assay.components.trainer.data_accessor import tf_dataset

    return list(tf_dataset(pattern, options(**given), schema()))


def as_plain(value: Any) -> Any:
    import tensorflow as tf

    if isinstance(value, dict):
        return {name: as_plain(each) for name, each in value.items()}
    if isinstance(value, tf.sparse.SparseTensor):
        return {"indices": value.indices.numpy().tolist(), "values": value.values.numpy().tolist()}
    return value.numpy().tolist()


def test_both_formats_give_the_same_tensors(patterns: dict[str, str]) -> None:
    found = {name: [as_plain(batch) for batch in batches(pattern)] for name, pattern in patterns.items()}
    assert found["parquet"] == found["tfrecord"]
    assert len(found["parquet"]) == 3


def test_shapes_follow_the_schema(patterns: dict[str, str]) -> None:
    batch = batches(patterns["parquet"])[0]
    assert {name: batch[name].shape.as_list() for name in ("scalar", "column", "pair")} == {
        "scalar": [3],
        "column": [3, 1],
        "pair": [3, 2],
    }
    assert batch["gappy"].dense_shape.numpy().tolist() == [3, 1]
    assert batch["gappy"].values.numpy().tolist() == [b"a", b"c"]
    assert set(batch) == {"scalar", "column", "pair", "gappy", "label"}


def test_the_label_is_taken_out(patterns: dict[str, str]) -> None:
    features, label = batches([patterns["parquet"]], label_key="label")[0]
    assert label.numpy().tolist() == [0, 1, 0]
    assert "label" not in features


@pytest.mark.parametrize("name", ["parquet", "tfrecord"])
@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({"drop_final_batch": True}, [3, 3]),
        ({"num_epochs": 2}, [3, 3, 3, 3, 2]),  # batches cross the epochs' border
        ({"batch_size": 10}, [7]),
    ],
)
def test_epochs_and_last_batches(patterns: dict[str, str], name: str, given: dict[str, Any], sizes: list[int]) -> None:
    assert [len(batch["label"]) for batch in batches(patterns[name], **given)] == sizes


@pytest.mark.parametrize("name", ["parquet", "tfrecord"])
def test_without_a_number_of_epochs_rows_come_for_ever(patterns: dict[str, str], name: str) -> None:
    from assay.components.trainer.data_accessor import tf_dataset

    dataset = tf_dataset(patterns[name], options(num_epochs=None), schema())
    assert [len(batch["label"]) for batch in dataset.take(7)] == [3] * 7


def test_shuffling_keeps_the_rows_and_follows_the_seed(patterns: dict[str, str]) -> None:
    def order(seed: int) -> list[float]:
        shuffled = batches(patterns["parquet"], shuffle=True, shuffle_seed=seed)
        return [value for batch in shuffled for value in batch["scalar"].numpy().tolist()]

    assert sorted(order(1)) == list(range(ROWS))
    assert order(1) == order(1)
    assert order(1) != list(range(ROWS))


def test_a_table_too_large_for_memory_is_streamed_with_the_same_rows(patterns: dict[str, str]) -> None:
    from assay.components.trainer.data_accessor import _expand, _serialized

    files = _expand(patterns["parquet"])
    streamed = decode(list(_serialized(files, schema(), in_memory_cells=0).repeat(2).as_numpy_iterator()))
    kept = decode(list(_serialized(files, schema()).repeat(2).as_numpy_iterator()))
    names = sorted(kept.schema.names)
    assert pa.Table.from_batches([streamed]).select(names) == pa.Table.from_batches([kept]).select(names)
    assert kept.num_rows == 2 * ROWS


@pytest.mark.parametrize("with_schema", [True, False])
def test_record_batches_agree_between_the_formats(patterns: dict[str, str], with_schema: bool) -> None:
    from tfx_bsl.tfxio.dataset_options import RecordBatchesOptions

    from assay.components.trainer.data_accessor import record_batches

    asked = RecordBatchesOptions(batch_size=4, shuffle=False, num_epochs=1)
    found = {
        name: list(record_batches(pattern, asked, schema() if with_schema else None))
        for name, pattern in patterns.items()
    }
    assert [batch.num_rows for batch in found["parquet"]] == [4, 3]
    names = ["column", "gappy", "label", "pair"]
    for ours, theirs in zip(found["parquet"], found["tfrecord"], strict=True):
        for name in names:
            at = ours.schema.get_field_index(name), theirs.schema.get_field_index(name)
            assert ours.column(at[0]).equals(theirs.column(at[1]))
    assert found["parquet"][0].column(found["parquet"][0].schema.get_field_index("gappy")).null_count == 2


def test_what_cannot_be_read_says_why(patterns: dict[str, str], tmp_path: Path) -> None:
    from assay.components.trainer.data_accessor import tf_dataset

    with raises("data_accessor.no_files"):
        tf_dataset(str(tmp_path / "Split-nowhere" / "*"), options(), schema())
    with raises("data_accessor.no_schema"):
        tf_dataset(patterns["parquet"], options())
    with raises("data_accessor.no_label", "labl", "label"):
        tf_dataset(patterns["parquet"], options(label_key="labl"), schema())
    with raises("data_accessor.mixed_formats"):
        tf_dataset(list(patterns.values()), options(), schema())


def test_a_feature_that_no_file_holds_is_missing_in_every_row(patterns: dict[str, str]) -> None:
    from assay.components.trainer.data_accessor import tf_dataset

    wider = schema()
    wider.feature.add(name="new", type=schema_pb2.FLOAT)
    batch = next(iter(tf_dataset(patterns["parquet"], options(), wider)))
    assert np.array(batch["new"].values).size == 0
