"""Artifacts to show, made by the library itself from a few rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import assay
from assay.artifacts import ExampleAnomalies, ExampleStatistics, Schema
from assay.gating.verdict import write_verdict

HOSTILE = '</script><script>window.broken = 1</script><img src=x onerror="window.broken = 2">'


def tables_of(html: str) -> list[dict[str, Any]]:
    """The embedded tables of a page, as its script reads them."""
    found = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    return [json.loads(each) for each in found]


@pytest.fixture(scope="session")
def rows() -> pa.Table:
    return pa.table(
        {
            "fare": [4.5, 7.25, None, 12.0, 5.0, 6.5, 9.0, 30.0],
            "kind": ["cash", "card", "cash", HOSTILE, "cash", "card", None, "نقد"],
            "empty": pa.array([None] * 8, pa.float64()),
            "count": [0, 1, 2, 3, 0, 0, 2, 2],
        }
    )


@pytest.fixture
def statistics(tmp_path: Path, rows: pa.Table) -> ExampleStatistics:
    artifact = ExampleStatistics(tmp_path / "statistics")
    artifact.write("train", assay.statistics(rows).proto)
    artifact.write("eval", assay.statistics(rows.slice(0, 5)).proto)
    artifact.properties["split_names"] = ["train", "eval"]
    return artifact


@pytest.fixture
def schema(tmp_path: Path, rows: pa.Table) -> Schema:
    artifact = Schema(tmp_path / "schema")
    artifact.path.mkdir()
    artifact.write(assay.infer_schema(rows.slice(0, 3)))
    return artifact


@pytest.fixture
def anomalies(tmp_path: Path, rows: pa.Table, schema: Schema) -> ExampleAnomalies:
    report = assay.validate(rows, schema.read(), split="train")
    artifact = ExampleAnomalies(tmp_path / "anomalies")
    artifact.write("train", report.anomalies)
    artifact.properties["split_names"] = ["train"]
    write_verdict(report.verdict, artifact.path)
    return artifact


@pytest.fixture
def tables() -> Callable[[str], list[dict[str, Any]]]:
    return tables_of
