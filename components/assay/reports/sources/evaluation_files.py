"""Metrics and plots of an evaluation: from `metrics.parquet`, and from TFMA's files without TFMA."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from struct import pack
from typing import Any

import msgspec
import pyarrow.parquet as pq
from google.protobuf.message import DecodeError

from assay.data.tfrecord import read_records
from assay.display import slice_name
from assay.errors import DataError
from assay.protos import tfma

OVERALL = "Overall"
CANDIDATE, BASELINE, CHANGE = "candidate", "baseline", "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of one model on one slice, with its bounds where they are known."""

    model: str
    slice: str
    name: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    examples: int | None = None


def read_metrics(folder: Path) -> list[Metric]:
    """Read every metric that is one number; those of a baseline are of the model `baseline`."""
    table = folder / "metrics.parquet"
    metrics = _from_table(table) if table.is_file() else []
    if any(each.lower is not None for each in metrics):
        return metrics
    of_tfma = list(_from_tfma(folder))
    if not metrics or any(each.lower is not None for each in of_tfma):
        return of_tfma or metrics
    return metrics


def _from_table(path: Path) -> list[Metric]:
    rows = pq.ParquetFile(path).read().to_pylist()  # read_table would import pandas
    return [
        Metric(
            model=row["model"],
            slice=row["slice"],
            name=row["metric"],
            value=row["value"],
            lower=row.get("lower"),
            upper=row.get("upper"),
            examples=row["examples"],
        )
        for row in rows
    ]


def _from_tfma(folder: Path) -> Iterator[Metric]:
    roles = _roles(folder)
    for message in _messages(folder, "metrics", tfma.MetricsForSlice):
        if message.HasField("cross_slice_key"):
            continue  # the difference between two slices
        where = _slice(message.slice_key)
        metrics = [_metric(item, where, roles) for item in message.metric_keys_and_values]
        known = [each for each in metrics if each is not None]
        examples = next((int(each.value or 0) for each in known if each.name == "example_count"), None)
        yield from (replace(each, examples=examples) for each in known)


def _messages(folder: Path, kind: str, message: Any) -> Iterator[Any]:
    for path in sorted(folder.glob(f"{kind}*.tfrecord")):
        for record in read_records(path):
            try:
                yield message.FromString(record)
            except DecodeError as error:
                raise DataError(
                    "report.evaluation_file", f"{path} has a record that is not a {message.DESCRIPTOR.name} message."
                ) from error


def _metric(item: Any, where: str, roles: dict[str, str]) -> Metric | None:
    key, value = item.key, item.value
    model = CHANGE if key.is_diff else roles.get(key.model_name, CANDIDATE)
    name = key.name + "".join(f" [{mark}]" for mark in (key.output_name, _sub_key(key.sub_key)) if mark)
    kind = value.WhichOneof("type")
    if kind == "double_value":
        low = high = None
        if item.HasField("confidence_interval"):
            bounds = item.confidence_interval
            low, high = bounds.lower_bound.double_value.value, bounds.upper_bound.double_value.value
        return Metric(model=model, slice=where, name=name, value=value.double_value.value, lower=low, upper=high)
    if kind == "bounded_value":
        bounded = value.bounded_value
        low, high = bounded.lower_bound.value, bounded.upper_bound.value
        return Metric(model=model, slice=where, name=name, value=bounded.value.value, lower=low, upper=high)
    return None


def _roles(folder: Path) -> dict[str, str]:
    """Return which model name of the configuration is the candidate, and which the baseline."""
    path = folder / "eval_config.json"
    if not path.is_file():
        return {}
    content: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    specs = content.get("evalConfig", content).get("modelSpecs", [])
    return {spec.get("name", ""): BASELINE if spec.get("isBaseline") else CANDIDATE for spec in specs}


def _sub_key(sub_key: Any) -> str:
    names = {"class_id": "classId", "k": "k", "top_k": "topK"}
    return ",".join(
        f"{name}:{getattr(sub_key, field).value}" for field, name in names.items() if sub_key.HasField(field)
    )


def _slice(key: Any) -> str:
    pairs = []
    for single in key.single_slice_keys:
        kind = single.WhichOneof("kind")
        if kind == "float_value":
            value = _shortest(single.float_value)
        elif kind == "int64_value":
            value = str(single.int64_value)
        else:
            value = single.bytes_value.decode("utf-8", "surrogateescape")  # bytes that are not UTF-8 stay apart
        pairs.append((single.column, value))
    return slice_name(pairs)


def _shortest(value: float) -> str:
    """Return a 32-bit float with as many digits as tell it from its neighbours."""
    written = (f"{value:.{digits}g}" for digits in range(6, 9))
    return next((text for text in written if pack("<f", float(text)) == pack("<f", value)), f"{value:.9g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The plots of one model on one slice.

    Attributes:
        thresholds: (threshold, false negatives, true negatives, false positives, true positives).
        calibration: (lower, upper, examples, mean label, mean prediction) by bucket of the prediction.
        classes: Examples by (actual, predicted) class.
        class_names: The names of classes by number; empty where they have none but these.
    """

    model: str
    slice: str
    name: str = ""
    thresholds: Sequence[tuple[float, ...]] = ()
    calibration: Sequence[tuple[float, ...]] = ()
    classes: dict[tuple[int, int], float] | None = None
    class_names: Sequence[str] = ()

    def class_name(self, number: int) -> str:
        """Return the name of a class; `none` for TFMA's -1, if no class was predicted."""
        if number < 0:
            return "none"
        return self.class_names[number] if number < len(self.class_names) else str(number)


def read_plots(folder: Path) -> list[Plot]:
    """Read TFMA's plots, and the names of their classes."""
    roles = _roles(folder)
    class_names = read_class_names(folder)
    plots = []
    for message in _messages(folder, "plots", tfma.PlotsForSlice):
        where = _slice(message.slice_key)
        for item in message.plot_keys_and_values:
            model = roles.get(item.key.model_name, CANDIDATE)
            plot = _plot(item.value, model, where, _sub_key(item.key.sub_key))
            plots.append(replace(plot, class_names=class_names))
    return plots


def read_class_names(folder: Path) -> list[str]:
    """Read the names of classes by number; return None if they have none."""
    path = folder / "classes.json"
    if not path.is_file():
        return []
    names: list[str] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])["classes"]
    return names


def _plot(data: Any, model: str, where: str, name: str) -> Plot:
    thresholds = [
        (each.threshold, each.false_negatives, each.true_negatives, each.false_positives, each.true_positives)
        for each in data.confusion_matrix_at_thresholds.matrices
    ]
    calibration = []
    for bucket in data.calibration_histogram_buckets.buckets:
        count = bucket.num_weighted_examples.value
        if count:
            label = bucket.total_weighted_label.value / count
            prediction = bucket.total_weighted_refined_prediction.value / count
            low, high = bucket.lower_threshold_inclusive, bucket.upper_threshold_exclusive
            calibration.append((low, high, count, label, prediction))
    classes = {
        (entry.actual_class_id, entry.predicted_class_id): entry.num_weighted_examples
        for matrix in data.multi_class_confusion_matrix_at_thresholds.matrices[:1]
        for entry in matrix.entries
    }
    return Plot(
        model=model,
        slice=where,
        name=name,
        thresholds=thresholds,
        calibration=calibration,
        classes=classes or None,
    )
