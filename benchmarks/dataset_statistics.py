"""Statistics against TFDV and DuckDB: whole processes, side by side, in one run.

    PYTHONPATH=components python benchmarks/dataset_statistics.py [--csv DATA.csv] [--small] [--no-tfdv] [--no-large]

Without DATA.csv it is the taxi data, which `examples/chicago_taxi/data.py` fetches; it is repeated to N rows (1,005,134
for 1 M). DuckDB comes from PyPI (`pip install duckdb`), and is left out where it is not installed. Each process is
started anew and runs as often as `--repeat` says, the contenders in turn; what is printed is the fastest of each, since
other load on the machine can only slow one down.
Every target is printed with what was seen, in wall time and in CPU time; the exit code is 1 where one is missed.
`--small` runs all of it on a hundredth of the data, to see that it works: its ratios say nothing, and it ends with 0.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
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
        """Return one line."""
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
    """Run a Python program in a process of its own."""
    command = [sys.executable, "-S", "-c", _LAUNCHER, program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    status, wall, cpu, peak = json.loads(result.stdout.splitlines()[-1])
    if status:
        raise SystemExit(result.stderr)
    return Cost(wall, cpu, peak)


def repeat_csv(source: Path, target: Path, rows: int) -> int:
    """Write the records of a CSV file over and over, at least `rows` of them; return their number."""
    header, _, body = source.read_bytes().partition(b"\n")
    records = body.count(b"\n")
    times = -(-rows // records)
    with target.open("wb") as file:
        file.write(header + b"\n")
        for _ in range(times):
            file.write(body)
    return times * records


def write_wide(target: Path, columns: int, rows: int) -> None:
    """Write a Parquet file of numbers, whole numbers and text, in row groups of 2,000 rows."""
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


def write_csv(source: Path, target: Path) -> None:
    """Write a Parquet file as CSV, a row group at a time."""
    with pq.ParquetFile(source) as file, arrow_csv.CSVWriter(target, file.schema_arrow) as writer:
        for group in range(file.num_row_groups):
            writer.write_table(file.read_row_group(group))


@dataclass(slots=True)
class Targets:
    """What was asked for and what was seen; `missed` counts what lies beyond its limit by wall time or memory."""

    missed: int = 0

    def at_most(self, what: str, seen: float, limit: float, unit: str, beside: str = "") -> None:
        """Print one target that must not be exceeded."""
        self._print(what, f"{seen:.2f}{unit}", f"at most {limit:g}{unit}", beside, ok=seen <= limit)

    def at_least(self, what: str, seen: float, limit: float, unit: str, beside: str = "") -> None:
        """Print one target that must be reached."""
        self._print(what, f"{seen:.2f}{unit}", f"at least {limit:g}{unit}", beside, ok=seen >= limit)

    def _print(self, what: str, seen: str, limit: str, beside: str, *, ok: bool) -> None:
        self.missed += not ok
        print(f"  {'ok    ' if ok else 'MISSED'} {what:44} {seen:>12}  ({limit}) {beside}", flush=True)


def main() -> int:
    """Run all, and print costs and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--small", action="store_true")
    for name in ("tfdv", "duckdb", "large", "wide"):
        parser.add_argument(f"--no-{name}", dest=name, action="store_false")
    asked = parser.parse_args()
    if asked.csv is None:
        fetch = str(Path(__file__).resolve().parents[1] / "examples" / "chicago_taxi" / "data.py")
        asked.csv = next(runpy.run_path(fetch)["taxi_trips"]().glob("*.csv"))
    if asked.duckdb and find_spec("duckdb") is None:
        print("DuckDB is not installed: it is left out.")
        asked.duckdb = False
    targets = Targets()
    with tempfile.TemporaryDirectory() as folder:
        _compare(asked, Path(folder), targets)
        if asked.wide:
            _wide(asked, Path(folder), targets)
    return 1 if targets.missed and not asked.small else 0


def _compare(asked: argparse.Namespace, folder: Path, targets: Targets) -> None:
    out, csv, parquet = str(folder / "statistics"), folder / "rows.csv", folder / "rows.parquet"
    wanted = asked.rows // 100 if asked.small else asked.rows
    rows = repeat_csv(asked.csv, csv, wanted)
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
    if asked.large:
        repeat_csv(asked.csv, csv, 10 * wanted)
        best["assay, ten times"] = run(_ASSAY, str(csv), f"{out}.pb")
    for name, cost in best.items():
        print(f"{name:18} {cost}")
    ours = best["assay, CSV"]
    if asked.tfdv:
        theirs = best["TFDV from_csv"]
        targets.at_least("faster than TFDV", theirs.wall / ours.wall, 20, "x", _cpu(theirs, ours))
    if asked.duckdb:
        theirs = best["DuckDB SUMMARIZE"]
        targets.at_most("of DuckDB's time", ours.wall / theirs.wall, 1.5, "x", _cpu(ours, theirs))
    faster = best["assay, Parquet"]
    targets.at_most("Parquet, of the time of CSV", faster.wall / ours.wall, 1, "x", _cpu(faster, ours))
    if asked.large:
        large = best["assay, ten times"]
        targets.at_most("ten times the rows, times the time", large.wall / ours.wall, 10.5, "x", _cpu(large, ours))
        targets.at_most("ten times the rows, peak memory", large.peak, 1000, " MB")
        targets.at_least("cores at work, ten times the rows", large.cpu / large.wall, 1.6, "")
    targets.at_least("cores at work", ours.cpu / ours.wall, 1.6, "")


def _wide(asked: argparse.Namespace, folder: Path, targets: Targets) -> None:
    columns, rows = (50, 20_000) if asked.small else (5000, 20_000)
    parquet, csv = folder / "wide.parquet", folder / "wide.csv"
    write_wide(parquet, columns, rows)
    write_csv(parquet, csv)
    for path in (parquet, csv):
        cost = run(_ASSAY, str(path), str(folder / "statistics.pb"))
        print(f"{columns:,} columns, {path.suffix[1:]:7} {cost}")
        targets.at_most(f"{columns:,} columns by {rows:,} rows, peak memory", cost.peak, 2000, " MB")


def _cpu(one: Cost, other: Cost) -> str:
    """Return the ratio of CPU as well: it changes less where the machine has other work."""
    return f"CPU: {one.cpu / other.cpu:.2f}x"


if __name__ == "__main__":
    sys.exit(main())
