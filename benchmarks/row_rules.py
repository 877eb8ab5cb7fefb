"""Row validation: 1 M rows against 30 rules on all cores, and one record at a time.

    PYTHONPATH=components python benchmarks/row_rules.py [--rows N] [--threads N]

The rows are made up, with the mix of a trip table: 6 numbers, 4 categories, an id, a free text, a list. One row in a
thousand breaks a rule.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.data.parquet import open_parquet
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.rows.declared_rules import Expression, NotNull, Range, Regex, Unique, compile_rules
from assay.kernels.rows.record_validator import RowValidator
from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.validation import validate_rows

_NUMBERS = ("fare", "tips", "miles", "seconds", "latitude", "longitude")
_CATEGORIES = ("payment", "company", "area", "weekday")
_VALUES = [f"value {number}" for number in range(40)]


def schema() -> schema_pb2.Schema:
    """Return the schema of the made-up table."""
    text = "".join(
        f'feature {{ name: "{name}" type: FLOAT presence {{ min_fraction: 1 }} '
        "float_domain { min: -1000 max: 1000 disallow_nan: true } }"
        for name in _NUMBERS
    )
    text += "".join(f'feature {{ name: "{name}" type: BYTES domain: "values" }}' for name in _CATEGORIES)
    text += 'feature { name: "id" type: INT } feature { name: "plate" type: BYTES }'
    text += 'feature { name: "stops" type: INT value_count { min: 1 max: 4 } int_domain { min: 0 } }'
    text += 'string_domain { name: "values" ' + "".join(f'value: "{value}" ' for value in _VALUES) + "}"
    return text_format.Parse(text, schema_pb2.Schema())


DECLARED = (
    NotNull(column="id"),
    Regex(column="plate", pattern=r"[A-Z]{3}-\d{4,}"),
    Range(column="fare", min=-999),
    Expression(holds="tips <= fare + 2000"),
    Unique(columns=("id",)),
)


def table(rows: int) -> pa.Table:
    """Return a made-up table, the same one for each number of rows."""
    random = np.random.default_rng(7)
    columns: dict[str, object] = {name: random.normal(0, 100, rows).astype(np.float32) for name in _NUMBERS}
    for name in _CATEGORIES:
        values = np.array([*_VALUES, "another"], object)
        codes = np.where(random.random(rows) < 0.001, len(_VALUES), random.integers(0, len(_VALUES), rows))
        columns[name] = pa.array(values[codes])
    columns["id"] = np.arange(rows)
    columns["plate"] = pa.array([f"ABC-{number:04}" for number in range(rows)])
    offsets = np.concatenate([[0], np.cumsum(random.integers(1, 4, rows))]).astype(np.int32)
    columns["stops"] = pa.ListArray.from_arrays(offsets, random.integers(0, 50, offsets[-1]))
    return pa.table(columns)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=EmbeddedEngine().threads)
    arguments = parser.parse_args()
    rules = schema_rules(schema()) + compile_rules(DECLARED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pq.write_table(table(arguments.rows), path, row_group_size=65_536)
        for _ in range(2):
            wall, cpu = time.perf_counter(), time.process_time()
            report = validate_rows(partial(EmbeddedEngine(arguments.threads).reduce, open_parquet([path])), rules)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(
                f"batches: {report.num_rows:,} rows, {len(rules.rules)} rules, {arguments.threads} threads: "
                f"{wall:.2f} s ({cpu:.2f} s of CPU), {report.num_rejected:,} rejected"
            )
        records = pq.read_table(path).slice(0, 2000).to_pylist()
    validator = RowValidator(schema(), DECLARED)
    times = []
    for record in records:
        start = time.perf_counter()
        validator.validate(record)
        times.append(time.perf_counter() - start)
    print(
        f"records: {len(validator.rules)} rules: median {statistics.median(times) * 1e3:.3f} ms, "
        f"99th percentile {statistics.quantiles(times, n=100)[98] * 1e3:.3f} ms"
    )


if __name__ == "__main__":
    main()
