"""`assay gate` as a whole process: predictions of two models in, a verdict with bounds out.

    python benchmarks/gate_speed.py [--rows N] [--replicates N] [--weighted] [--csv]

One million rows, 50 slices, 10 metrics with a change threshold each, and 1,000 paired bootstrap replicates. Prints wall
and processor seconds and the peak memory of the process, its start and imports included; the point estimates alone
(`--significant` left out) beside it. Processor seconds on two threads are what survives a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
from metric_kernels import rows

HIGHER = ("BinaryAccuracy", "Precision", "Recall", "F1Score", "AUC", "AUCPrecisionRecall", "MeanPrediction")
LOWER = ("BinaryCrossentropy", "BrierScore", "Calibration")


def config(*, weighted: bool) -> dict[str, object]:
    """Return ten metrics, each with a change threshold in each of 50 slices."""
    weight = {"example_weight_key": "weight"} if weighted else {}
    metrics = [
        {"class_name": name, "threshold": {"change_threshold": {"direction": direction, "absolute": limit}}}
        for names, direction, limit in ((HIGHER, "HIGHER_IS_BETTER", -0.01), (LOWER, "LOWER_IS_BETTER", 0.01))
        for name in names
    ]
    return {
        "model_specs": [
            {"name": "candidate", "label_key": "label", "prediction_key": "candidate"} | weight,
            {"name": "baseline", "label_key": "label", "prediction_key": "baseline", "is_baseline": True} | weight,
        ],
        "slicing_specs": [{}, {"feature_keys": ["hour"]}, {"feature_keys": ["payment"]}],
        "metrics_specs": [{"metrics": metrics}],
    }


def run(name: str, arguments: list[str]) -> None:
    """Run the command and print what it took."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "assay.cli.main", *arguments], stdout=subprocess.PIPE) as process:
        output = process.communicate()[0].decode()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    verdict = json.loads(output)
    print(
        f"{name:34} {seconds:6.2f} s wall {processor:6.2f} s processor {after.ru_maxrss / 1e6:5.2f} GB peak, "
        f"exit {process.returncode}, {len(verdict['checks'])} checks"
    )


def main() -> None:
    """Write the table, and run the gate on it without and with evidence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--weighted", action="store_true")
    parser.add_argument("--csv", action="store_true", help="Read CSV in place of Parquet.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        predictions = folder / ("predictions.csv" if options.csv else "predictions.parquet")
        table = rows(options.rows, weighted=options.weighted)
        if options.csv:
            pyarrow.csv.write_csv(table, predictions)
        else:
            pq.write_table(table, predictions)
        del table
        (folder / "gate.json").write_text(json.dumps(config(weighted=options.weighted)))
        files = ["--predictions", str(predictions), "--config", str(folder / "gate.json"), "--json"]
        run("point estimates", ["gate", *files])
        sampled = ["--significant", "regression", "--replicates", str(options.replicates)]
        run(f"{options.replicates} paired replicates", ["gate", *files, *sampled])
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
