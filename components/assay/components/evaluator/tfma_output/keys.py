"""Slices and metrics as keys of TFMA's protos."""

from __future__ import annotations

from typing import Any

from assay.gating.figures import MetricKey, SliceKey


def fill_slice_key(message: Any, key: SliceKey) -> None:
    """Writes a slice into a `SliceKey`."""
    for feature, value in key:
        single = message.single_slice_keys.add(column=feature)
        if isinstance(value, str):
            single.bytes_value = value.encode("utf-8", "surrogateescape")
        elif isinstance(value, int):
            single.int64_value = value
        else:
            single.float_value = value


def fill_metric_key(message: Any, key: MetricKey, model: str, *, is_diff: bool = False) -> None:
    """Writes a metric's key into a `MetricKey` or a `PlotKey`, which has neither aggregation nor difference."""
    message.name, message.model_name, message.output_name = key.name, model, key.output_name
    for part in filter(None, key.sub_key.split(",")):
        kind, _, number = part.partition(":")
        field = {"classId": "class_id", "k": "k", "topK": "top_k"}[kind]
        getattr(message.sub_key, field).value = int(number)
    if key.example_weighted is not None:
        message.example_weighted.value = key.example_weighted
    if "aggregation_type" in message.DESCRIPTOR.fields_by_name:
        if key.aggregation:
            setattr(message.aggregation_type, f"{key.aggregation}_average", True)
        message.is_diff = is_diff
