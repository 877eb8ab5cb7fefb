"""One million rows of predictions, two models, 50 slices, 10 metrics, with 1,000 paired bootstrap replicates.

    python benchmarks/metric_kernels.py [--rows N] [--replicates N] [--workers N] [--weighted]

Prints wall and processor seconds a step, and the peak memory of the process (the generated rows included).
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from assay.kernels.metrics import binary
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.rows import RowColumns
from assay.kernels.metrics.slices import SlicingSpec
from assay.kernels.uncertainty.bootstrap import Bootstrap
from assay.kernels.uncertainty.delong import delong

T = TypeVar("T")
METRICS = [
    binary.rate("binary_accuracy"),
    binary.rate("precision"),
    binary.rate("recall"),
    binary.rate("f1_score"),
    binary.auc(),
    binary.auc(curve="PR"),
    binary.binary_crossentropy(),
    binary.mean_prediction(),
    binary.calibration(),
    binary.brier_score(),
]


def rows(count: int, *, weighted: bool) -> pa.Table:
    """Return rows of two similar models; 24 hours and 25 payment types make, with the whole, 50 slices."""
    rng = np.random.default_rng(0)
    labels = (rng.random(count) < 0.3).astype(np.float32)
    candidate = np.clip(labels * 0.2 + rng.random(count) * 0.7, 1e-6, 1 - 1e-6).astype(np.float32)
    baseline = np.clip(candidate + rng.normal(0, 0.05, count), 1e-6, 1 - 1e-6).astype(np.float32)
    return pa.table(
        {
            "label": labels,
            "candidate": candidate,
            "baseline": baseline,
            "hour": rng.integers(0, 24, count),
            "payment": rng.integers(0, 25, count).astype(str),
            "weight": rng.uniform(0.5, 2, count) if weighted else np.ones(count),
        }
    )


def timed(step: str, work: Callable[[], T]) -> T:
    """Run one step and print what it took."""
    before, start = os.times(), time.perf_counter()
    result = work()
    after, seconds = os.times(), time.perf_counter() - start
    processor = after.user + after.system - before.user - before.system
    print(f"{step:28} {seconds:6.2f} s wall {processor:6.2f} s processor")
    return result


def accumulated(accumulator: Any, batches: list[pa.RecordBatch]) -> Any:
    """Return the result of an accumulator over all batches."""
    state = accumulator.create()
    for batch in batches:
        state = accumulator.add_batch(state, batch)
    return accumulator.extract(state)


def main() -> None:
    """Run the steps one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--weighted", action="store_true")
    options = parser.parse_args()
    table = rows(options.rows, weighted=options.weighted)
    batches = table.to_batches(max_chunksize=65_536)
    columns = RowColumns(
        label="label",
        predictions={"candidate": "candidate", "baseline": "baseline"},
        weight="weight" if options.weighted else None,
        slicing=(SlicingSpec(), SlicingSpec(feature_keys=("hour",)), SlicingSpec(feature_keys=("payment",))),
    )
    values = timed("metrics", lambda: accumulated(SlicedMetrics(METRICS, columns), batches))
    bootstrap = Bootstrap(METRICS, columns, num_replicates=options.replicates, workers=options.workers)
    replicates = timed("bootstrap", lambda: accumulated(bootstrap, batches))
    scores = [table[model].to_numpy().astype(float) for model in columns.predictions]
    areas = timed("DeLong, whole data", lambda: delong(table["label"].to_numpy(), scores))
    change = replicates.changes["candidate", 4][0] - replicates.changes["baseline", 4][0]
    print(f"slices {len(values.slices)}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"AUC of the candidate {values.value('candidate', 4):.6f}, DeLong's {areas.values[0]:.6f}")
    print(f"standard error of the change {change.std():.3e}, DeLong's {areas.difference().standard_error:.3e}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
