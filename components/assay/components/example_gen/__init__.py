"""ExampleGen: brings data in from CSV, Parquet or TFRecord files and divides it into splits."""

from __future__ import annotations

from assay.components.example_gen.component import CsvExampleGen, ImportExampleGen, ParquetExampleGen
from assay.components.example_gen.config import Input, Output, PayloadFormat, SplitConfig

__all__ = [
    "CsvExampleGen",
    "ImportExampleGen",
    "Input",
    "Output",
    "ParquetExampleGen",
    "PayloadFormat",
    "SplitConfig",
]
