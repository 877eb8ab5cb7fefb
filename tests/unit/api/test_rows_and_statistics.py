"""Statistics and row rules read a constraint alike, whatever the form of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

import assay


def schema_of(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def failed(report: assay.Report) -> list[str]:
    return sorted(check.id for check in report.verdict.failed)


@pytest.mark.parametrize(("mass", "ok"), [(0.95, True), (0.97, True), (0.98, False), (1.0, False)])
def test_a_domain_mass_is_the_share_of_all_values(mass: float, ok: bool) -> None:
    schema = schema_of(
        'feature { name: "k" type: BYTES string_domain { value: "a" } '
        f"distribution_constraints {{ min_domain_mass: {mass} }} }}"
    )
    report = assay.validate(pa.table({"k": ["a"] * 97 + ["z"] * 3}), schema, rows=True)
    assert report.ok == ok
    assert (not report.findings) == ok
    assert report.rows().ok == ok
    assert failed(report) == ([] if ok else ["data/k/ENUM_TYPE_UNEXPECTED_STRING_VALUES", "data/rows/k.domain"])


def test_a_domain_mass_rejects_no_row(tmp_path: Any) -> None:
    schema = schema_of(
        'feature { name: "k" type: BYTES string_domain { value: "a" } '
        "distribution_constraints { min_domain_mass: 0.9 } }"
    )
    report = assay.validate(pa.table({"k": [["a", "z"], ["a"] * 9, ["a"]]}), schema)
    assert report.quarantine(tmp_path).rejected == 0


def test_a_schema_of_a_parquet_file_accepts_the_data_frame_that_wrote_it(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "flag": [True, False] * 20,
            "maybe": pd.array([True, None] * 20, dtype="boolean"),
            "number": pd.array([1, None] * 20, dtype="Int64"),
            "when": pd.to_datetime(["2026-01-01", None] * 20),
            "kind": pd.Categorical(["a", None] * 20),
        }
    )
    frame.to_parquet(tmp_path / "data.parquet")
    schema = assay.infer_schema(tmp_path / "data.parquet")
    assert assay.validate(frame, schema, rows=True).findings == ()
    assert assay.validate(frame, assay.infer_schema(frame), rows=True).findings == ()
