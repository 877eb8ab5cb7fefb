"""Statistics against TFDV and DuckDB: whole processes, side by side, in one run.

    PYTHONPATH=components python benchmarks/dataset_statistics.py --csv DATA.csv [--rows N] [--no-tfdv] [--no-large]

DATA.csv is the taxi data, which `examples/chicago_taxi/data.py` fetches; it is repeated to N rows (1,005,134 for 1 M).
DuckDB comes from PyPI (`pip install duckdb`). Each process is started anew and runs as often as `--repeat` says, the
contenders in turn; what is printed is the fastest of each, since other load on the machine can only slow one down.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

_ASSAY = "import sys, assay; assay.statistics(sys.argv[1]).save(sys.argv[2])"
_DUCKDB = "import sys, duckdb; duckdb.sql(f\"SUMMARIZE SELECT * FROM read_csv('{sys.argv[1]}')\").fetchall()"
_TFDV = (
    "import sys, tensorflow_data_validation as tfdv; "
    "tfdv.write_stats_text(tfdv.generate_statistics_from_csv(sys.argv[1]), sys.argv[2])"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took.

    Attributes:
        wall: Seconds.
        cpu: Seconds of all cores.
        peak: Megabytes of memory.
    """

    wall: float
    cpu: float
    peak: float

    def __str__(self) -> str:
        """One line."""
        return f"{self.wall:7.2f} s wall {self.cpu:7.2f} s CPU ({self.cpu / self.wall:4.2f} cores) {self.peak:6.0f} MB"


# A process starts with the memory of the one that starts it, so that a small one must do this.
_LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
process = os.posix_spawn(sys.executable, [sys.executable, "-c", *sys.argv[1:]], os.environ)
_, status, usage = os.wait4(process, 0)
wall = time.perf_counter() - start
print(json.dumps([status, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3]))
"""


def run(program: str, *arguments: str) -> Cost:
    """Runs a Python program in a process of its own."""
    command = [sys.executable, "-S", "-c", _LAUNCHER, program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    status, wall, cpu, peak = json.loads(result.stdout.splitlines()[-1])
    if status:
        raise SystemExit(result.stderr)
    return Cost(wall, cpu, peak)


def repeat_csv(source: Path, target: Path, rows: int) -> int:
    """Writes the records of a CSV file over and over, at least `rows` of them; gives their number."""
    header, _, body = source.read_bytes().partition(b"\n")
    records = body.count(b"\n")
    times = -(-rows // records)
    with target.open("wb") as file:
        file.write(header + b"\n")
        for _ in range(times):
            file.write(body)
    return times * records


def write_wide(target: Path, columns: int, rows: int) -> None:
    """Writes a Parquet file of numbers, whole numbers and text, in row groups of 2,000 rows."""
    rng = np.random.default_rng(0)
    table = {}
    for number in range(columns):
        if number % 4 == 3:
            table[f"c{number}"] = pa.array(rng.integers(0, 50, rows).astype(str))
        elif number % 2:
            table[f"c{number}"] = pa.array(rng.integers(0, 1000, rows))
        else:
            table[f"c{number}"] = pa.array(rng.normal(size=rows))
    pq.write_table(pa.table(table), target, row_group_size=2000)


def main() -> None:
    """Runs all, and prints costs and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    for name in ("tfdv", "duckdb", "large", "wide"):
        parser.add_argument(f"--no-{name}", dest=name, action="store_false")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _compare(asked, Path(folder))


def _compare(asked: argparse.Namespace, folder: Path) -> None:
    out, csv, parquet = str(folder / "statistics"), folder / "rows.csv", folder / "rows.parquet"
    rows = repeat_csv(asked.csv, csv, asked.rows)
    pq.write_table(arrow_csv.read_csv(csv), parquet, row_group_size=65_536)
    print(f"{rows:,} rows, {csv.stat().st_size / 1e6:.0f} MB of CSV, {os.cpu_count()} cores")
    programs: dict[str, tuple[str, ...]] = {
        "assay, CSV": (_ASSAY, str(csv), f"{out}.pb"),
        "assay, Parquet": (_ASSAY, str(parquet), f"{out}.pb"),
    }
    if asked.duckdb:
        programs["DuckDB SUMMARIZE"] = (_DUCKDB, str(csv))
    costs: dict[str, list[Cost]] = {name: [] for name in programs}
    for _ in range(asked.repeat):
        for name, program in programs.items():
            costs[name].append(run(*program))
    if asked.tfdv:  # a minute and more: once
        costs["TFDV from_csv"] = [run(_TFDV, str(csv), f"{out}.pbtxt")]
    best = {name: min(each, key=lambda cost: cost.wall) for name, each in costs.items()}
    for name, cost in best.items():
        print(f"{name:18} {cost}")
    ours = best["assay, CSV"]
    if asked.duckdb:
        print(f"assay takes {_ratio(ours, best['DuckDB SUMMARIZE'])} what DuckDB takes (at most 1.5)")
    if asked.tfdv:
        print(f"TFDV takes {_ratio(best['TFDV from_csv'], ours)} what assay takes (at least 20)", flush=True)
    if asked.large:
        repeat_csv(asked.csv, csv, 10 * asked.rows)
        large = run(_ASSAY, str(csv), f"{out}.pb")
        print(f"ten times the rows {large}")
        print(f"which is {_ratio(large, ours)} the time (at most 10.5)", flush=True)
    if asked.wide:
        write_wide(parquet, 5000, 20_000)
        print(f"5,000 columns      {run(_ASSAY, str(parquet), f'{out}.pb')} for 20,000 rows (at most 2,000 MB)")


def _ratio(one: Cost, other: Cost) -> str:
    """Gives the ratio of CPU as well: it changes less where the machine has other work."""
    return f"{one.wall / other.wall:.2f} times (CPU: {one.cpu / other.cpu:.2f} times)"


if __name__ == "__main__":
    main()
