"""`assay validate` in a fresh process beside TFDV's, and leakage between two splits of a million rows.

    PYTHONPATH=components python benchmarks/validation.py [DATA.csv]

Without data, 15,000 made-up trips are validated. TFDV runs beside it where it is installed.

CPU time is what survives other work on the machine; both are printed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

_TFDV = """
import sys
import tensorflow_data_validation as tfdv
statistics = tfdv.generate_statistics_from_csv(sys.argv[1])
assert not tfdv.validate_statistics(statistics, tfdv.load_schema_text(sys.argv[2])).anomaly_info
"""


def timed(name: str, command: Sequence[str]) -> None:
    """Run a process and print how long it took, and how much CPU time."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{name}: {wall:.2f} s ({cpu:.2f} s of CPU)")


def leakage(rows: int = 1_000_000) -> None:
    """Find the rows that two equal splits, and two different ones, share."""
    import assay

    rng = np.random.default_rng(0)
    train = pa.table(
        {"id": np.arange(rows), "fare": rng.random(rows), "city": rng.choice(np.array(["a", "b", "c"]), rows)}
    )
    other = train.set_column(0, "id", pa.array(np.arange(rows) + rows - 10))
    for name, split in (("all shared", train), ("none shared", other)):
        wall, cpu = time.perf_counter(), time.process_time()
        (pair,) = assay.leakage({"train": train, "eval": split})
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"leakage, {rows:,} rows each, {name} ({pair.num_distinct:,}): {wall:.2f} s ({cpu:.2f} s of CPU)")


def trips(path: Path, rows: int = 15_000) -> str:
    """Write made-up trips of 18 columns, as many as the taxi data has, and return the path."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"number_{at}": rng.gamma(2, 5, rows).round(2) for at in range(9)}
    columns |= {f"count_{at}": rng.integers(0, 24, rows) for at in range(6)}
    columns |= {f"text_{at}": rng.choice(np.array([f"value {each}" for each in range(40)]), rows) for at in range(3)}
    pa.csv.write_csv(pa.table(columns), path)
    return str(path)


def main(data: str | None) -> None:
    """Print every figure."""
    assay_command = [sys.executable, "-m", "assay"]
    with tempfile.TemporaryDirectory() as folder:
        schema = str(Path(folder) / "schema.pbtxt")
        data = data or trips(Path(folder) / "trips.csv")
        timed("python -c pass", [sys.executable, "-c", "pass"])
        timed("import assay", [sys.executable, "-c", "import assay"])
        timed("assay schema infer", [*assay_command, "schema", "infer", data, "-o", schema])
        for options in ([], ["--rows"], ["--previous", data, "--threshold", "psi=0.1"]):
            command = [*assay_command, "validate", data, "--schema", schema, *options]
            timed(f"assay validate {' '.join(options[::2])}".rstrip(), command)
        if find_spec("tensorflow_data_validation"):
            timed("TFDV: statistics and validation", [sys.executable, "-c", _TFDV, data, schema])
    leakage()


if __name__ == "__main__":
    main(sys.argv[1] if sys.argv[1:] else None)
