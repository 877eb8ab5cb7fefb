"""Transformed rows equal those of TFT's own Beam TransformDataset on the same rows and graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.data.parquet import ParquetWriter, open_parquet
from assay.data.tf_example import flatten_columns

pytestmark = [pytest.mark.tensorflow, pytest.mark.network, pytest.mark.slow]

MODULE = """
import tensorflow as tf
import tensorflow_transform as tft

def dense(x, default):
    return tf.sparse.to_dense(tf.SparseTensor(x.indices, x.values, [x.dense_shape[0], 1]), default)

def preprocessing_fn(inputs):
    company = dense(inputs["company"], "")
    return {
        "fare_z": tft.scale_to_z_score(inputs["fare"]),                              # [batch, 1]
        "miles_scaled": tf.squeeze(tft.scale_to_0_1(inputs["trip_miles"]), axis=1),  # [batch], after a second phase
        "lat_bucket": tft.bucketize(dense(inputs["pickup_latitude"], 0.0), 10),
        "company_id": tft.compute_and_apply_vocabulary(company, top_k=20, num_oov_buckets=2),
        "company_words": tft.compute_and_apply_vocabulary(tf.strings.split(tf.squeeze(company, 1)).to_sparse()),
        "payment": inputs["payment_type"],
        "sparse": inputs["dropoff_census_tract"],
        "pair": tf.concat([inputs["fare"], inputs["trip_miles"]], axis=1),
    }
"""
TYPES = {pa.int64(): schema_pb2.INT, pa.float32(): schema_pb2.FLOAT, pa.string(): schema_pb2.BYTES}


def rows(csv: Path) -> pa.Table:
    table = pa_csv.read_csv(csv, convert_options=pa_csv.ConvertOptions(strings_can_be_null=True, null_values=[""]))
    narrow = {pa.float64(): pa.float32(), pa.null(): pa.string()}
    return table.cast(pa.schema([(each.name, narrow.get(each.type, each.type)) for each in table.schema]))


def schema_of(table: pa.Table) -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    for column, field in zip(table.columns, table.schema, strict=True):
        feature = schema.feature.add(name=field.name, type=TYPES[field.type])
        if column.null_count == 0:
            feature.presence.min_fraction = 1.0
            feature.shape.dim.add(size=1)
    return schema


def by_tft(graph: Path, raw: Any, batch: pa.RecordBatch, temp: Path) -> pa.Table:
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from tensorflow_transform.beam.tft_beam_io import transform_fn_io

    def keep(element: tuple[pa.RecordBatch, dict[str, Any]]) -> None:
        with pa.OSFile(str(temp / "rows.arrow"), "wb") as sink, pa.ipc.new_file(sink, element[0].schema) as writer:
            writer.write_batch(element[0])

    with beam.Pipeline(runner=FnApiRunner()) as pipeline, tft_beam.Context(temp_dir=str(temp / "tft")):
        data = pipeline | beam.Create([raw.conform(batch, "the rows")], reshuffle=False)
        transform_fn = pipeline | transform_fn_io.ReadTransformFn(str(graph))
        transformed, _ = ((data, raw.adapter_config), transform_fn) | tft_beam.TransformDataset(
            output_record_batches=True
        )
        _ = transformed | beam.Map(keep)
    with pa.memory_map(str(temp / "rows.arrow")) as source:
        return pa.Table.from_batches([pa.ipc.open_file(source).get_batch(0)])


def test_rows_equal_those_of_tfts_own_pipeline(taxi_csv: Path, tmp_path: Path) -> None:
    from assay.components.transform.analysis import AnalyzedRows
    from assay.components.transform.compute import Preprocessing, build_graph, transform
    from assay.components.transform.raw_batches import RawFormat

    table = rows(taxi_csv)
    path = tmp_path / "data.parquet"
    with ParquetWriter(path, table.schema) as writer:
        writer.write(table.combine_chunks().to_batches()[0])
    module = tmp_path / "module.py"
    module.write_text(MODULE, encoding="utf-8")
    source = open_parquet([path])
    schema = schema_of(table)
    (tmp_path / "tft").mkdir()

    graph_path = tmp_path / "graph"
    graph = build_graph(
        Preprocessing(module_file=str(module)),
        schema,
        [AnalyzedRows("train", "split 'train'", source.shards)],
        graph_path,
        temp_dir=tmp_path / "analysis",
    )
    ours = pa.Table.from_batches(list(transform(graph, source.batches(), "split 'train'"))).combine_chunks()

    used = ["fare", "trip_miles", "pickup_latitude", "company", "payment_type", "dropoff_census_tract"]
    raw = RawFormat(schema).project(used)
    theirs = by_tft(graph_path, raw, table.combine_chunks().to_batches()[0], tmp_path)
    batch = theirs.combine_chunks().to_batches()[0]
    flat = {name for name in ours.schema.names if not pa.types.is_large_list(ours.schema.field(name).type)}
    theirs = pa.Table.from_batches([flatten_columns(batch, flat)])

    assert flat == {"fare_z", "miles_scaled", "lat_bucket", "company_id", "payment"}
    assert ours.num_rows == theirs.num_rows == table.num_rows
    assert sorted(ours.schema.names) == sorted(theirs.schema.names)
    for name in ours.schema.names:
        assert ours[name].combine_chunks().equals(theirs[name].combine_chunks()), name
