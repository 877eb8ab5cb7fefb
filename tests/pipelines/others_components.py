# ruff: noqa: ANN201, I002, PTH123 (KFP reads annotations as objects, and sends a function alone to a container)
"""Lightweight components as authors of KFP's public samples write them: a dataset, its scaling, a model, a report."""

from typing import NamedTuple

from kfp import dsl

BASE = {"base_image": "python:3.11", "install_kfp_package": False}


@dsl.component(**BASE)
def create_dataset(iris_dataset: dsl.Output[dsl.Dataset], rows: int = 120):
    """Writes a CSV, as the sample `iris` does."""
    import csv

    labels = ["Iris-setosa", "Iris-versicolor", "Iris-virginica"]
    with open(iris_dataset.path, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["Sepal_Length", "Sepal_Width", "Labels"])
        for n in range(rows):
            writer.writerow([4 + n % 7, 2 + n % 5 / 2, labels[n % 3]])
    iris_dataset.metadata["rows"] = rows


@dsl.component(**BASE)
def normalize_dataset(
    input_iris_dataset: dsl.Input[dsl.Dataset],
    normalized_iris_dataset: dsl.Output[dsl.Dataset],
    standard_scaler: bool,
):
    """Reads a CSV and writes another, as the sample `iris` does."""
    import csv

    with open(input_iris_dataset.path, newline="") as stream:
        rows = list(csv.DictReader(stream))
    if standard_scaler:
        for name in ("Sepal_Length", "Sepal_Width"):
            values = [float(row[name]) for row in rows]
            mean = sum(values) / len(values)
            for row in rows:
                row[name] = float(row[name]) - mean
    with open(normalized_iris_dataset.path, "w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@dsl.component(**BASE)
def train_model(
    examples_path: dsl.InputPath("Dataset"),
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    split: str = "train",
):
    """Reads the Parquet files of a dataset by its path, as the sample `lightweight_python_functions` does."""
    import json
    import pathlib

    import pyarrow.parquet as pq

    files = sorted(pathlib.Path(examples_path, f"Split-{split}").glob("*.parquet"))
    labels = [label for file in files for label in pq.ParquetFile(file).read().column("Labels").to_pylist()]
    most = max(set(labels), key=labels.count)
    pathlib.Path(model.path).write_text(json.dumps({"always": most}))
    model.metadata["framework"] = "none"
    metrics.log_metric("rows", len(labels))


@dsl.component(**BASE)
def report(blessed: bool, num_errors: int, statistics: dsl.Input[dsl.Artifact]) -> NamedTuple(
    "Outputs", [("message", str), ("digest", str)]
):
    """Reads plain values and metadata of steps of ours, and gives a NamedTuple, as the sample `metrics` does."""
    return (f"blessed: {blessed}, errors: {num_errors}", statistics.metadata["digest"])
