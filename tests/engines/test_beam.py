"""Beam gives, to the byte, what the embedded engine gives."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from assay.data.csv import scan_csv
from assay.data.example_records import ExampleRecords, ExampleRecordWriter
from assay.engines import Source
from assay.engines.embedded import EmbeddedEngine
from assay.errors import DataError
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from raising import raises

pytestmark = pytest.mark.tensorflow

IN_MEMORY: tuple[str, ...] = ()
MULTI_PROCESSING = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


SOURCES = ("bounded", "small", "streamed")


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """Rows in several shards: of a CSV, each bounded; in so small ones that several are worked on together; or of
    TFRecord files, each streamed in several units.
    """
    rows = [(number, number / 7, f"word {number % 1000}") for number in range(40_000)]
    if request.param in {"bounded", "small"}:
        path = tmp_path / "rows.csv"
        path.write_text("n,x,w\n" + "".join(f"{n},{x},{w}\n" for n, x, w in rows))
        return scan_csv([path], block_bytes=200_000 if request.param == "bounded" else 30_000)
    paths = [tmp_path / f"{part}.tfrecord.gz" for part in range(2)]
    for part, path in enumerate(paths):
        table = pa.table({"n": [n for n, _, _ in rows[part::2]], "w": [w for _, _, w in rows[part::2]]})
        with ExampleRecordWriter(path) as writer:
            for batch in table.to_batches(4096):
                writer.write(batch)
    return ExampleRecords(paths)


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        *(pytest.param(each, IN_MEMORY, id=f"{each}-in_memory") for each in SOURCES),
        pytest.param("small", MULTI_PROCESSING, id="small-multi_processing"),
        pytest.param("bounded", MULTI_PROCESSING, id="bounded-multi_processing", marks=pytest.mark.weekly),
        pytest.param("streamed", MULTI_PROCESSING, id="streamed-multi_processing", marks=pytest.mark.weekly),
    ],
    indirect=["source"],
)
def test_statistics_have_the_same_bytes_and_every_row(source: Source, arguments: tuple[str, ...]) -> None:
    from assay.engines.beam import BeamEngine

    # So little memory that sketches take over, whose result depends on the order of merging.
    accumulator = DatasetStatistics(StatisticsOptions(max_exact_bytes=100_000))
    expected = EmbeddedEngine().reduce(source, accumulator)
    found = BeamEngine(arguments).reduce(source, accumulator)
    assert found.datasets[0].num_examples == 40_000
    assert found.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)


def test_mapped_batches_come_back_in_order(source: Source) -> None:
    from assay.engines.beam import BeamEngine

    column = source.shards[0].batches().__next__().schema.get_field_index("n")

    def numbers(batch: pa.RecordBatch) -> list[object]:
        return batch.column(column).to_pylist()  # type: ignore[no-any-return]  # pyarrow is not typed

    assert list(BeamEngine().map(source, numbers)) == list(EmbeddedEngine().map(source, numbers))


def test_an_error_in_a_worker_keeps_its_own_words(tmp_path: Path) -> None:
    from assay.engines.beam import BeamEngine

    path = tmp_path / "cut.tfrecord.gz"
    with ExampleRecordWriter(path) as writer:
        writer.write(pa.table({"n": list(range(1000))}).to_batches()[0])
    path.write_bytes(path.read_bytes()[:-20])
    with raises("tfrecord.truncated_gzip", "cut.tfrecord.gz", kind=DataError):
        BeamEngine().reduce(ExampleRecords([path]), DatasetStatistics())


def test_a_runner_that_cannot_start_is_an_engine_error(tmp_path: Path) -> None:
    from assay.engines.beam import BeamEngine

    path = tmp_path / "rows.csv"
    path.write_text("n\n1\n")
    with raises("beam.runner_failed", "Beam"):
        BeamEngine(("--runner=NoSuchRunner",)).reduce(scan_csv([path]), DatasetStatistics())
