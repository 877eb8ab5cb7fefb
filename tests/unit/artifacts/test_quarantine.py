"""Rejected rows, written beside the clean ones, with counts that add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.artifacts.examples import Examples
from assay.artifacts.quarantine import Quarantine, QuarantineCounts, write_separated
from assay.data.parquet import ParquetWriter
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.rows.data_schema import DataSchema
from assay.kernels.rows.declared_rules import NotNull, Range, compile_rules
from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.separation import Separation, rejected_schema
from raising import raises

RULES = schema_rules(
    schema_pb2.Schema(feature=[schema_pb2.Feature(name="n"), schema_pb2.Feature(name="t")])
) + compile_rules([NotNull(column="t"), Range(column="n", max=6)])


@dataclass
class Rows:
    """A source of batches whose columns may differ, as those of a TFRecord file do."""

    pieces: Sequence[pa.RecordBatch]
    bounded: bool = False

    @property
    def shards(self) -> list[Rows]:
        return [self]

    def batches(self, columns: Any = None) -> Iterator[pa.RecordBatch]:
        return iter(self.pieces)


def test_rows_are_clean_or_rejected_and_numbered_in_the_whole_data(tmp_path: Path) -> None:
    rows = Rows(
        [
            pa.RecordBatch.from_pydict({"n": [1, 9, 3], "t": ["a", None, "c"]}),
            pa.RecordBatch.from_pydict({"n": [4, 5]}),
            pa.RecordBatch.from_pydict({"t": ["x", "y"], "n": [6, 7]}),
        ]
    )
    engine = EmbeddedEngine(2)
    columns = partial(engine.reduce, rows)(DataSchema())
    examples, quarantine = Examples(tmp_path / "examples"), Quarantine(tmp_path / "quarantine")
    with examples.writer("eval", columns) as clean:
        counts = quarantine.write("eval", engine.map(rows, Separation(RULES)), rejected_schema(columns), clean)

    assert counts == QuarantineCounts(read=7, clean=3, rejected=4, broken={"n.range.max": 2, "t.not_null": 3})
    assert quarantine.counts("eval") == counts
    assert (examples.rows["eval"], quarantine.rows["eval"]) == (3, 4)
    assert [row["n"] for batch in examples.batches("eval") for row in batch.to_pylist()] == [1, 3, 6]
    rejected = [row for batch in quarantine.rejected("eval").batches() for row in batch.to_pylist()]
    assert [(row["assay_row"], row["n"], row["t"], row["assay_rules"]) for row in rejected] == [
        (1, 9, None, ["t.not_null", "n.range.max"]),
        (3, 4, None, ["t.not_null"]),
        (4, 5, None, ["t.not_null"]),
        (6, 7, "y", ["n.range.max"]),
    ]
    assert Quarantine.type().name == "Quarantine"
    Quarantine.type().check_layout(quarantine.path)
    assert quarantine.split_names == ("eval",)
    assert quarantine.describe() == {"split_names": ["eval"], "span": 0}


def test_no_row_is_rejected(tmp_path: Path) -> None:
    batch = pa.RecordBatch.from_pydict({"n": [1], "t": ["a"]})
    with ParquetWriter(tmp_path / "clean.parquet", batch.schema) as clean:
        parts = map(Separation(RULES), [batch])
        counts = write_separated(parts, tmp_path / "rejected.parquet", rejected_schema(batch.schema), clean)
    assert (counts.clean, counts.rejected) == (1, 0)
    assert pq.read_table(tmp_path / "rejected.parquet").num_rows == 0


@dataclass
class Part:
    num_rows: int
    clean: pa.RecordBatch
    rejected: pa.RecordBatch
    broken: dict[str, int] = field(default_factory=dict)


def test_rows_that_get_lost_are_an_error(tmp_path: Path) -> None:
    batch = pa.RecordBatch.from_pydict({"n": [1], "t": ["a"]})
    parts = Separation(RULES)(batch)
    lossy = Part(2, parts.clean, parts.rejected)
    with (
        raises("quarantine.rows_lost", "2", "1", "0"),
        ParquetWriter(tmp_path / "clean.parquet", batch.schema) as clean,
    ):
        write_separated([lossy], tmp_path / "rejected.parquet", rejected_schema(batch.schema), clean)


def test_a_column_that_was_not_announced_is_an_error(tmp_path: Path) -> None:
    batch = pa.RecordBatch.from_pydict({"n": [1], "t": ["a"]})
    announced = pa.schema([("n", pa.int64())])
    with (
        raises("quarantine.unknown_column", "t"),
        ParquetWriter(tmp_path / "clean.parquet", announced) as clean,
    ):
        write_separated([Separation(RULES)(batch)], tmp_path / "rejected.parquet", rejected_schema(announced), clean)


def test_counts_that_are_damaged(tmp_path: Path) -> None:
    (tmp_path / "Split-eval").mkdir()
    (tmp_path / "Split-eval" / "counts.json").write_text("{}")
    with raises("quarantine.bad_counts"):
        Quarantine(tmp_path).counts("eval")
