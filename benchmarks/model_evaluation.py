"""The taxi model beside TFMA: two models, three slicing specs, the same examples, each engine in a process of its own.

    python benchmarks/model_evaluation.py [--rows N] [--root DIR] [--only assay|tfma]

The models come from two runs of examples/chicago_taxi (kept under `--root`), the examples are its evaluation split,
repeated to `--rows`. Prints, for each engine, wall and processor seconds of the whole process and of the part after its
imports, the ratios, and the largest difference between their figures. `--rows 10000` is a quick check.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
STEPS = {"candidate": 200, "baseline": 150}
CONFIG = {
    "model_specs": [
        {
            "signature_name": "serving_default",
            "label_key": "tips_xf",
            "preprocessing_function_names": ["transform_features"],
        }
    ],
    "slicing_specs": [{}, {"feature_keys": ["trip_start_hour"]}, {"feature_keys": ["payment_type"]}],
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "ExampleCount"},
                {"class_name": "AUC", "config": {"num_thresholds": 10000}},
                {"class_name": "BinaryAccuracy"},
                {"class_name": "BinaryCrossEntropy"},
                {"class_name": "Calibration"},
                {"class_name": "CalibrationPlot"},
                {"class_name": "ConfusionMatrixPlot"},
            ]
        }
    ],
}


def main() -> None:
    """Run both engines and compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--root", type=Path, default=CHECKOUT / "build" / "model_evaluation")
    parser.add_argument("--only", choices=["assay", "tfma"])
    parser.add_argument("--run", choices=["assay", "tfma"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    root: Path = options.root.resolve()
    if options.run:
        {"assay": run_assay, "tfma": run_tfma}[options.run](root, options.rows)
        return
    root.mkdir(parents=True, exist_ok=True)
    for steps in STEPS.values():
        train(root, steps)
    write_examples(root, options.rows)
    print(f"{options.rows} examples, two models, three slicing specs, {os.cpu_count()} processors", flush=True)
    figures, seconds = {}, {}
    for name in [options.only] if options.only else ["assay", "tfma"]:
        figures[name], seconds[name] = measured(name, root, options.rows)
    if not options.only:
        for what, ours in seconds["assay"].items():
            print(f"{what:28} {seconds['tfma'][what] / ours:6.1f} times faster")
        print(f"largest difference of a figure {difference(figures['assay'], figures['tfma']):.2g}")


def train(root: Path, steps: int) -> None:
    """Run the example pipeline; what it has done before comes from its cache."""
    pipeline = CHECKOUT / "examples" / "chicago_taxi" / "pipeline.py"
    parameters = ["--param", f"train_steps={steps}", "--param", f"serving_dir={root / 'serving'}"]
    command = [sys.executable, "-m", "assay", "run", str(pipeline), "--root", str(root / "run"), *parameters]
    with (root / "train.log").open("a") as log:
        subprocess.run(command, check=False, stdout=log, stderr=log)


def models(root: Path) -> dict[str, Path]:
    """Return the two models that were trained last."""
    found = sorted((root / "run" / "Trainer" / "model").iterdir(), key=lambda path: int(path.name))
    return {name: path / "Format-Serving" for name, path in zip(("candidate", "baseline"), found, strict=False)}


def write_examples(root: Path, rows: int) -> None:
    """Write the evaluation split, repeated, as the Parquet that assay keeps and as the TFRecords that TFMA reads."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from assay.data.tf_example import encode
    from assay.data.tfrecord import TFRecordWriter

    [split] = (root / "run" / "CsvExampleGen" / "examples").glob("*/Split-eval")
    table = pa.concat_tables([pq.read_table(path) for path in sorted(split.glob("*.parquet"))])
    table = pa.concat_tables([table] * (rows // table.num_rows + 1)).slice(0, rows).combine_chunks()
    pq.write_table(table, root / f"examples-{rows}.parquet", row_group_size=1 << 15)
    with TFRecordWriter(root / f"examples-{rows}.tfrecord.gz") as writer:
        writer.write(*encode(table.to_batches()[0]))


def measured(name: str, root: Path, rows: int) -> tuple[dict[str, float], dict[str, float]]:
    """Run one engine in a fresh process; return its metrics, and its wall and CPU seconds."""
    command = [sys.executable, __file__, "--run", name, "--rows", str(rows), "--root", str(root)]
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after, wall = os.times(), time.perf_counter() - start
    told = json.loads(done.stdout.splitlines()[-1])
    seconds = {
        "whole process, wall": wall,
        "whole process, processor": after.children_user
        + after.children_system
        - before.children_user
        - before.children_system,
        "after imports, wall": told["wall"],
        "after imports, processor": told["processor"],
    }
    print(f"{name}: " + ", ".join(f"{what} {value:.2f} s" for what, value in seconds.items()), flush=True)
    return told["figures"], seconds


def report(start: float, before: os.times_result, figures: dict[str, float]) -> None:
    """Print a child process's results: seconds since its imports, and its metrics."""
    after = os.times()
    processor = after.user + after.system - before.user - before.system
    print(json.dumps({"wall": time.perf_counter() - start, "processor": processor, "figures": figures}))


def run_assay(root: Path, rows: int) -> None:
    """Evaluate as `assay evaluate --model` does."""
    from assay.data.sources import rows_of
    from assay.evaluation.config import read_config
    from assay.evaluation.model_evaluation import evaluate
    from assay.evaluation.request import EvaluationRequest

    start, before = time.perf_counter(), os.times()
    two = models(root)
    output = root / "assay"
    output.mkdir(exist_ok=True)
    source = rows_of(root / f"examples-{rows}.parquet")
    config = read_config(CONFIG).eval_config
    evaluate(EvaluationRequest(config=config, rows=source, model=two["candidate"], baseline=two["baseline"]), output)
    seconds = (start, before)
    report(*seconds, read_figures(output))


def run_tfma(root: Path, rows: int) -> None:
    """Evaluate as TFX's Evaluator does."""
    import tensorflow_model_analysis as tfma

    from assay.evaluation.config import read_config

    start, before = time.perf_counter(), os.times()
    prepared = tfma.utils.update_eval_config_with_defaults(read_config(CONFIG).eval_config, has_baseline=True)
    shared = [
        tfma.default_eval_shared_model(eval_saved_model_path=str(path), model_name=name, eval_config=prepared)
        for name, path in models(root).items()
    ]
    tfma.run_model_analysis(
        eval_shared_model=shared,
        eval_config=prepared,
        data_location=str(root / f"examples-{rows}.tfrecord.gz"),
        output_path=str(root / "tfma"),
    )
    report(start, before, read_figures(root / "tfma"))


def read_figures(folder: Path) -> dict[str, float]:
    """Read every number of TFMA's files, which both engines write."""
    from assay.data.tfrecord import read_records
    from assay.evaluation.tfma_files import numbers_of
    from assay.protos import tfma as messages

    message: Any = messages.MetricsForSlice
    records = (record for path in sorted(folder.glob("metrics-*.tfrecord")) for record in read_records(path))
    numbers = (number for record in records for number in numbers_of(message.FromString(record)))
    return {f"{model} {key} {metric.label}": value for model, key, metric, value in numbers}


def difference(ours: dict[str, float], theirs: dict[str, float]) -> float:
    """Return the largest difference of a metric, relative to its size if that is above 1."""
    if ours.keys() != theirs.keys():
        sys.exit(f"The engines have different figures: {sorted(ours.keys() ^ theirs.keys())[:5]}")
    both_nan = {key for key in ours if ours[key] != ours[key] and theirs[key] != theirs[key]}
    return max(abs(ours[key] - theirs[key]) / max(1.0, abs(theirs[key])) for key in ours if key not in both_nan)


if __name__ == "__main__":
    main()
