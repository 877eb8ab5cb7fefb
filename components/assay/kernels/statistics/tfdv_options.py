"""Options for statistics as users of TFDV have them: a `tfdv.StatsOptions`."""

from __future__ import annotations

import dataclasses
from typing import Any

from assay.errors import UsageError
from assay.kernels.statistics.options import StatisticsOptions
from assay.kernels.statistics.slices.specs import SlicingSpec

_WITHOUT_EFFECT = {
    "desired_batch_size",
    "experimental_filter_read_paths",
    "experimental_num_feature_partitions",
    "experimental_result_partitions",
    "infer_type_from_schema",
    "semantic_domain_stats_sample_rate",
    "use_sketch_based_topk_uniques",
}
"""How TFDV does its work, not what it gives; and types, which come from the data and the schema together."""

_INSTEAD = {
    "schema": "Wire the component's `schema` input.",
    "slice_functions": "Say the slices as `slicing_config`, or by StatisticsOptions(slices=…).",
    "slice_sqls": "Say the slices as `slicing_config`, or by StatisticsOptions(slices=…).",
}


def is_tfdv_options(given: Any) -> bool:
    """Tells whether this is a `tfdv.StatsOptions`, without importing TFDV."""
    return type(given).__name__ == "StatsOptions" and type(given).__module__.startswith("tensorflow_data_validation")


def options_of_tfdv(given: Any) -> StatisticsOptions:
    """Gives the options that mean the same as a `tfdv.StatsOptions`.

    Raises:
        UsageError: An option is set that has no counterpart here.
    """
    values = {name.lstrip("_"): value for name, value in vars(given).items()}
    slicing = values.pop("slicing_config", None)
    if not values.pop("add_default_generators", True):
        raise _no_counterpart("add_default_generators")
    known = {each.name for each in dataclasses.fields(StatisticsOptions)}
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name in known and name != "slices":
            if value is not None:  # it stands for the default in some of TFDV's options, and is that of the others
                chosen[name] = value
        elif value and name not in _WITHOUT_EFFECT:
            raise _no_counterpart(name)
    if chosen.get("feature_allowlist") is not None:
        chosen["feature_allowlist"] = tuple(map(_column, chosen["feature_allowlist"]))
    if slicing is not None:
        chosen["slices"] = tuple(_slicing(spec) for spec in slicing.slicing_specs)
    return StatisticsOptions(**chosen)


def _column(path: Any) -> str:
    """Gives the column's name of a feature, which TFDV takes as text or as a path of steps."""
    return path if isinstance(path, str) else ".".join(path.steps())


def _slicing(spec: Any) -> SlicingSpec:
    if spec.slice_keys_sql:
        raise _no_counterpart("slice_sqls")
    values: dict[str, tuple[str | int, ...]] = {name: (value,) for name, value in spec.feature_values.items()}
    return SlicingSpec(feature_keys=tuple(spec.feature_keys), feature_values=values)


def _no_counterpart(name: str) -> UsageError:
    return UsageError(
        "statistics.tfdv_option",
        f"StatsOptions.{name} is set, which has no counterpart in assay's statistics.",
        _INSTEAD.get(name, "Leave it out."),
    )
