"""Metrics and plots of an evaluation: from `metrics.parquet`, and from TFMA's files without TFMA.

The messages are defined in TFMA's proto/metrics_for_slice.proto; the numbers below are those of its fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from struct import pack
from typing import Any

import msgspec
import pyarrow.parquet as pq

from assay.data.tfrecord import read_records
from assay.display import slice_name
from assay.reports.sources.wire import (
    by_number,
    double_in,
    float_in,
    integer_in,
    message_in,
    text_in,
    wrapped_double_in,
)

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
    for path in sorted(folder.glob("metrics*.tfrecord")):
        for record in read_records(path):
            found = by_number(record)
            where = _slice(message_in(found, 1))
            metrics = [_metric(item, where, roles) for item in found.get(51, []) if isinstance(item, bytes)]
            known = [each for each in metrics if each is not None]
            examples = next((int(each.value or 0) for each in known if each.name == "example_count"), None)
            for each in known:
                yield Metric(
                    model=each.model,
                    slice=where,
                    name=each.name,
                    value=each.value,
                    lower=each.lower,
                    upper=each.upper,
                    examples=examples,
                )


def _metric(item: bytes, where: str, roles: dict[str, str]) -> Metric | None:
    found = by_number(item)
    key, value = by_number(message_in(found, 1)), by_number(message_in(found, 2))
    model = CHANGE if integer_in(key, 5) else roles.get(text_in(key, 4), CANDIDATE)
    marks = [text_in(key, 2), _sub_key(message_in(key, 3))]
    name = text_in(key, 1) + "".join(f" [{mark}]" for mark in marks if mark)
    if 1 in value:
        number = wrapped_double_in(value, 1)
        low = high = None
        if 3 in found:  # ConfidenceInterval: lower_bound and upper_bound are MetricValues
            interval = by_number(message_in(found, 3))
            low = wrapped_double_in(by_number(message_in(interval, 1)), 1)
            high = wrapped_double_in(by_number(message_in(interval, 2)), 1)
        return Metric(model=model, slice=where, name=name, value=number, lower=low, upper=high)
    if 2 in value:
        bounded = by_number(message_in(value, 2))
        low, high, number = (wrapped_double_in(bounded, field) for field in (1, 2, 3))
        return Metric(model=model, slice=where, name=name, value=number, lower=low, upper=high)
    return None


def _roles(folder: Path) -> dict[str, str]:
    """Return which model name of the configuration is the candidate, and which the baseline."""
    path = folder / "eval_config.json"
    if not path.is_file():
        return {}
    content: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    specs = content.get("evalConfig", content).get("modelSpecs", [])
    return {spec.get("name", ""): BASELINE if spec.get("isBaseline") else CANDIDATE for spec in specs}


def _sub_key(message: bytes) -> str:
    found = by_number(message)
    names = {1: "classId", 2: "k", 3: "topK"}
    return ",".join(
        f"{name}:{integer_in(by_number(message_in(found, at)), 1)}" for at, name in names.items() if at in found
    )


def _slice(message: bytes) -> str:
    pairs = []
    for key in by_number(message).get(1, []):
        found = by_number(key) if isinstance(key, bytes) else {}
        if 3 in found:
            value = _shortest(float_in(found, 3))
        elif 4 in found:
            value = str(integer_in(found, 4))
        else:
            value = message_in(found, 2).decode("utf-8", "surrogateescape")  # bytes that are not UTF-8 stay apart
        pairs.append((text_in(found, 1), value))
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
    """Read TFMA's plots, and what their classes are called."""
    roles = _roles(folder)
    class_names = read_class_names(folder)
    plots = []
    for path in sorted(folder.glob("plots*.tfrecord")):
        for record in read_records(path):
            found = by_number(record)
            where = _slice(message_in(found, 1))
            for item in found.get(8, []):
                pair = by_number(item) if isinstance(item, bytes) else {}
                key = by_number(message_in(pair, 1))
                model = roles.get(text_in(key, 4), CANDIDATE)
                plot = _plot(message_in(pair, 2), model, where, _sub_key(message_in(key, 3)))
                plots.append(replace(plot, class_names=class_names))
    return plots


def read_class_names(folder: Path) -> list[str]:
    """Read the names of classes by number; return None if they have none."""
    path = folder / "classes.json"
    if not path.is_file():
        return []
    names: list[str] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])["classes"]
    return names


def _plot(data: bytes, model: str, where: str, name: str) -> Plot:
    found = by_number(data)
    matrices = _messages(message_in(found, 2), 1)
    thresholds = [tuple(double_in(each, field) for field in (1, 2, 3, 4, 5)) for each in matrices]
    calibration = []
    for bucket in _messages(message_in(found, 1), 1):
        count = wrapped_double_in(bucket, 3)
        if count:
            label, prediction = wrapped_double_in(bucket, 4) / count, wrapped_double_in(bucket, 5) / count
            calibration.append((double_in(bucket, 1), double_in(bucket, 2), count, label, prediction))
    classes: dict[tuple[int, int], float] = {}
    for matrix in _messages(message_in(found, 4), 1)[:1]:
        for entry in matrix.get(2, []):
            cell = by_number(entry) if isinstance(entry, bytes) else {}
            classes[integer_in(cell, 1), integer_in(cell, 2)] = double_in(cell, 3)
    return Plot(
        model=model,
        slice=where,
        name=name,
        thresholds=thresholds,
        calibration=calibration,
        classes=classes or None,
    )


def _messages(message: bytes, number: int) -> list[dict[int, list[int | bytes]]]:
    return [by_number(each) for each in by_number(message).get(number, []) if isinstance(each, bytes)]
