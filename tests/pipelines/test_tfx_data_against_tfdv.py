"""Schema and anomalies of the data that TFX tests itself with: ours equal TFDV's, proto by proto, from the files on."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import assay
from assay.data.parquet import open_parquet
from raising import raises

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.network]

CSV, PARQUET = "external/csv/data2.csv", "external/parquet/data.parquet"
PENGUINS, MORE_PENGUINS = "penguin/data/Split-train", "penguin/data/Split-eval"
TRIPS, SEQUENCES = "csv_example_gen/Split-eval", "tfrecord_sequence/Split-train"
DATA = [CSV, PARQUET, TRIPS, PENGUINS]


@pytest.fixture(scope="module")
def data(matching_tfx: Path) -> Path:
    return matching_tfx / "components" / "testdata"


@cache
def both(path: Path) -> tuple[assay.Statistics, Any]:
    """Gives our statistics and TFDV's."""
    import tensorflow_data_validation as tfdv

    if path.is_dir():
        ours = assay.statistics([str(file) for file in sorted(path.iterdir())])
        return ours, tfdv.generate_statistics_from_tfrecord(str(path / "*"))
    if path.suffix == ".csv":
        return assay.statistics(path), tfdv.generate_statistics_from_csv(str(path))
    frame = pa.Table.from_batches(
        [batch for shard in open_parquet([path]).shards for batch in shard.batches()]
    ).to_pandas()
    return assay.statistics(path), tfdv.generate_statistics_from_dataframe(frame)


@pytest.mark.parametrize("name", DATA)
def test_the_schema_is_tfdvs(data: Path, name: str) -> None:
    import tensorflow_data_validation as tfdv

    ours, theirs = both(data / name)
    assert assay.infer_schema(ours) == tfdv.infer_schema(theirs)


@pytest.mark.parametrize(
    ("of_schema", "name", "has_anomalies"),
    [
        (CSV, PARQUET, True),
        (CSV, TRIPS, True),
        (PENGUINS, MORE_PENGUINS, False),
        (PENGUINS, CSV, True),
    ],
)
def test_the_anomalies_are_tfdvs(data: Path, of_schema: str, name: str, has_anomalies: bool) -> None:
    import tensorflow_data_validation as tfdv

    (_, before), (ours, theirs) = both(data / of_schema), both(data / name)
    schema = tfdv.infer_schema(before)
    expected = tfdv.validate_statistics(theirs, schema)
    assert bool(expected.anomaly_info) is has_anomalies
    assert assay.validate(ours, schema).anomalies == expected


def records(path: Path) -> Iterator[bytes]:
    """The records of a compressed TFRecord file: a length and its checksum, the bytes and theirs."""
    stream = io.BytesIO(gzip.decompress(path.read_bytes()))
    while header := stream.read(12):
        yield stream.read(struct.unpack("<Q", header[:8])[0])
        stream.read(4)


def test_sequence_examples(data: Path) -> None:
    """As TFX's own reader gives them to TFDV: feature lists are nested lists inside a struct."""
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl
    from tfx_bsl.coders.sequence_example_coder import SequenceExamplesToRecordBatchDecoder

    decoder = SequenceExamplesToRecordBatchDecoder("sequence")
    parts = []
    for split in ("train", "eval"):
        (file,) = (data / "tfrecord_sequence" / f"Split-{split}").iterdir()
        batch = decoder.DecodeBatch(list(records(file)))
        theirs = stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions())
        parts.append((assay.statistics(pa.Table.from_batches([batch])), theirs))
    (ours, theirs), (ours_now, theirs_now) = parts
    schema = tfdv.infer_schema(theirs)
    assert {feature.name for feature in schema.feature} >= {"sequence"}
    # Of 10,501 values 1,000 are listed: TFDV takes these for all, which are numbers (decision 0119).
    values = next(each for each in schema.feature if each.name == "sequence").struct_domain.feature[0]
    assert values.HasField("int_domain")
    values.ClearField("int_domain")
    assert assay.infer_schema(ours) == schema
    expected = tfdv.validate_statistics(theirs_now, schema)
    assert assay.validate(ours_now, schema).anomalies == expected


def test_feature_lists_are_not_lost_in_silence(data: Path) -> None:
    """TFDV reads a SequenceExample as an Example, and its feature lists are gone; ours says so, and reads nothing."""
    import tensorflow_data_validation as tfdv

    (file,) = (data / SEQUENCES).iterdir()
    theirs = tfdv.generate_statistics_from_tfrecord(str(file))
    decoded = {feature.path.step[0] for feature in theirs.datasets[0].features}
    assert theirs.datasets[0].num_examples > 0
    assert "sequence" not in decoded
    with raises("tf_example.sequence_example", "tf.Example", "tf.SequenceExample"):
        assay.statistics([str(file)])
