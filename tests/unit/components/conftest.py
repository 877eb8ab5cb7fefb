"""Runs components on small real artifacts, through the local runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pytest

from assay.artifacts import Examples
from assay.runners.local import LocalDagRunner, RunResult, Silence
from assay.spec import Importer, Pipeline
from assay.spec.node import Node


class WriteExamples(Protocol):
    """Writes an Examples folder with the given splits and gives the importer of it."""

    def __call__(self, *, span: int = 0, **splits: pa.Table) -> Importer: ...


class RunSteps(Protocol):
    """Runs steps as one pipeline below the test's folder."""

    def __call__(self, *nodes: Node, parameters: dict[str, Any] | None = None) -> RunResult: ...


@pytest.fixture
def write_examples(tmp_path: Path) -> WriteExamples:
    def write(*, span: int = 0, **splits: pa.Table) -> Importer:
        folder = tmp_path / f"examples-{len(list(tmp_path.glob('examples-*')))}"
        examples = Examples(folder)
        for name, table in splits.items():
            with examples.writer(name, table.schema) as writer:
                for batch in table.combine_chunks().to_batches():
                    writer.write(batch)
        return Importer(
            folder, Examples, properties={"span": span, "split_names": list(splits), "file_format": "parquet"}
        ).with_id(folder.name)

    return write


@pytest.fixture
def run_steps(tmp_path: Path) -> RunSteps:
    def run(*nodes: Node, parameters: dict[str, Any] | None = None) -> RunResult:
        pipeline = Pipeline("test", tmp_path / "root", list(nodes))
        return LocalDagRunner(progress=Silence()).run(pipeline, parameters)

    return run
