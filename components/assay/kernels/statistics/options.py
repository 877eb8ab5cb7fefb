"""What can be asked of dataset statistics."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from assay.errors import UsageError
from assay.kernels.statistics.slices.specs import SlicingSpec

_MOST_ROWS = 4000
"""A matrix of distances between so many rows takes 128 MB, and three are needed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsOptions:
    """Options for dataset statistics, with the names, meanings and defaults of `tfdv.StatsOptions`.

    Attributes:
        weight_feature: A numeric column with one value in each example, its weight: adds the weighted twins.
        feature_allowlist: The columns to describe, in this order; `None` for all, in the data's order.
        num_top_values: How many of the most frequent values of a string feature to list.
        frequency_threshold: Values that occur less often are not listed.
        weighted_frequency_threshold: Values that weigh less are not listed among the weighted ones.
        num_rank_histogram_buckets: How many of the most frequent values the rank histogram holds.
        num_values_histogram_buckets: Buckets of the quantiles histogram of the number of values in an example.
        num_histogram_buckets: Buckets of a numeric feature's equal-width histogram.
        num_quantiles_histogram_buckets: Buckets of a numeric feature's quantiles histogram.
        epsilon: The largest error in rank, as a share of all values, of quantiles that come from a sketch. Quantiles
            are exact until a feature has more distinct values than fit `max_exact_bytes`.
        max_exact_bytes: Memory for the distinct values of all features together. A feature that needs more than its
            share is summarised by sketches from there on: uniques are then estimated within about 1 %, and the
            counts of top values may lack a little.
        slices: The ways to cut the data into slices, each of which gets its own statistics in addition to those of all
            rows.
        max_slices: More slices than that are an error, before they take all memory.
        label_feature: A column for whose values the lift of each value of the categorical features is given; these
            are those of the schema, or without one those of text or bytes.
        label_boundaries: Cut a numeric label into bins.
        mutual_information_partitions: Also estimate, on this many random parts of the rows, how much each feature
            tells about the label: TFDV's adjusted mutual information. 0 for not at all; 5 are plenty.
        mutual_information_rows: How many rows of each part are looked at, at most; the cost grows with their square.
        feature_crosses: Pairs of numeric columns of which covariance and correlation are given, or `all` pairs.
        enable_semantic_domain_stats: Whether to find out which features are images, natural language, or times.
        vocab_paths: The file of each vocabulary that natural-language domains of the schema name: a token a line, or
            a record each where the name ends in `tfrecord.gz`. With `enable_semantic_domain_stats`, tokens are then
            described as the domains ask for.
        sample_rate: The share of rows that is looked at, chosen by a hash of their content: the same rows on every
            engine and in any order; of equal rows all or none. Counts are those of the sample, as in TFDV.
        image_sizes: Whether that includes the greatest width and height of images; this needs Pillow.
    """

    weight_feature: str | None = None
    feature_allowlist: tuple[str, ...] | None = None
    num_top_values: int = 20
    frequency_threshold: int = 1
    weighted_frequency_threshold: float = 1.0
    num_rank_histogram_buckets: int = 1000
    num_values_histogram_buckets: int = 10
    num_histogram_buckets: int = 10
    num_quantiles_histogram_buckets: int = 10
    epsilon: float = 0.01
    max_exact_bytes: int = 256 << 20
    slices: tuple[SlicingSpec, ...] = ()
    max_slices: int = 1000
    label_feature: str | None = None
    label_boundaries: tuple[float, ...] = ()
    mutual_information_partitions: int = 0
    mutual_information_rows: int = 1000
    feature_crosses: tuple[tuple[str, str], ...] | Literal["all"] | None = None
    enable_semantic_domain_stats: bool = False
    image_sizes: bool = False
    vocab_paths: dict[str, str] = field(default_factory=dict)
    sample_rate: float | None = None

    def __post_init__(self) -> None:
        """Refuses values that no result could be computed with."""
        for name in ("num_values_histogram_buckets", "num_histogram_buckets", "num_quantiles_histogram_buckets"):
            if getattr(self, name) < 1:
                raise UsageError("statistics.option", f"{name} must be at least 1, not {getattr(self, name)}.")
        not_negative = ("num_top_values", "num_rank_histogram_buckets", "max_exact_bytes")
        for name in (*not_negative, "mutual_information_partitions"):
            if getattr(self, name) < 0:
                raise UsageError("statistics.option", f"{name} must not be negative, not {getattr(self, name)}.")
        if list(self.label_boundaries) != sorted(set(self.label_boundaries)):
            raise UsageError("statistics.option", f"label_boundaries must ascend: {self.label_boundaries}.")
        if self.sample_rate is not None and not 0 < self.sample_rate <= 1:
            raise UsageError("statistics.option", f"sample_rate must be above 0 and at most 1, not {self.sample_rate}.")
        _check_mutual_information(self)
        if self.max_slices < 1:
            raise UsageError("statistics.option", f"max_slices must be at least 1, not {self.max_slices}.")
        if not 0 < self.epsilon < 1:
            raise UsageError("statistics.option", f"epsilon must be between 0 and 1, not {self.epsilon}.")


def _check_mutual_information(options: StatisticsOptions) -> None:
    if not 10 <= options.mutual_information_rows <= _MOST_ROWS:
        raise UsageError(
            "statistics.option",
            f"mutual_information_rows must be between 10 and {_MOST_ROWS}, not {options.mutual_information_rows}.",
            "Use more partitions to sample more rows.",
        )
    if options.mutual_information_partitions and options.label_feature is None:
        raise UsageError("statistics.option", "mutual_information_partitions needs a label_feature.")


_SHARE_CAP = 8 << 20
"""No feature holds more exactly: about 130,000 numbers (which get a quarter), or 200,000 words."""

_SHARE_FLOOR = 256 << 10
"""Every feature holds this much exactly, in however wide a dataset: below it a sketch is larger than the values."""

_SLICE_SHARE_FLOOR = 32 << 10
"""Every feature of a slice holds this much exactly; of a thousand slices few are large."""


def exact_bytes_per_feature(options: StatisticsOptions, num_features: int, num_slices: int = 1) -> int:
    """Return a feature's share of `max_exact_bytes`; it depends on the width of the data only, not on its split."""
    share = options.max_exact_bytes // (max(num_features, 1) * num_slices)
    floor = _SHARE_FLOOR if num_slices == 1 else _SLICE_SHARE_FLOOR
    return min(max(share, min(floor, options.max_exact_bytes)), _SHARE_CAP)


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
    """Return whether this is a `tfdv.StatsOptions`, without importing TFDV."""
    return type(given).__name__ == "StatsOptions" and type(given).__module__.startswith("tensorflow_data_validation")


def options_of_tfdv(given: Any) -> StatisticsOptions:
    """Return the options that mean the same as a `tfdv.StatsOptions`.

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
    """Return the column's name of a feature, which TFDV takes as text or as a path of steps."""
    return path if isinstance(path, str) else ".".join(path.steps())


def _slicing(spec: Any) -> SlicingSpec:
    if spec.slice_keys_sql:
        raise _no_counterpart("slice_sqls")
    values: dict[str, tuple[str | int, ...]] = {name: (value,) for name, value in spec.feature_values.items()}
    return SlicingSpec(feature_keys=tuple(spec.feature_keys), feature_values=values)


def _no_counterpart(name: str) -> UsageError:
    return UsageError(
        "statistics.tfdv_option",
        f"StatsOptions.{name} is set, which assay's statistics do not support.",
        _INSTEAD.get(name, "Leave it out."),
    )
