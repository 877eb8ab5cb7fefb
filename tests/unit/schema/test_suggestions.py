from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.data.sources import rows_of
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.statistics import DatasetStatistics
from assay.schema import Entry, SuggestOptions, apply, check, suggest
from assay.schema.inference import infer_schema
from assay.schema.suggestions import _wilson_lower
from assay.validation.examination import validate_statistics
from raising import raises

ROWS = 1000


def statistics(columns: dict[str, Any]) -> statistics_pb2.DatasetFeatureStatisticsList:
    return EmbeddedEngine(1).reduce(rows_of(pa.table(columns)), DatasetStatistics())


def of_kind(kind: str, values: Any, name: str = "x", **options: Any) -> list[Entry]:
    given = SuggestOptions(kinds=(kind,), **options)  # type: ignore[arg-type]  # a literal
    return list(suggest(statistics({name: values}), options=given).entries)


def test_a_range_has_a_margin_and_keeps_its_sign() -> None:
    (entry,) = of_kind("ranges", pa.array([i / 10 for i in range(ROWS)], pa.float32()))
    assert entry.set == {"float_domain": {"min": 0.0, "max": 109.9, "disallow_nan": True}}
    assert entry.evidence == {"observed_min": 0.0, "observed_max": 99.9, "margin": 0.1, "n": ROWS}
    assert entry.suggested
    assert entry.reason == "Observed from 0.0 to 99.9; the range leaves 10% of its width on each side."


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([i - 500 for i in range(ROWS)], {"min": -600, "max": 599}),
        ([-1 - i for i in range(ROWS)], {"min": -1100, "max": 0}),
        ([10**6 + i for i in range(ROWS)], {"min": 999900, "max": 1001099}),
        ([7] * ROWS, {"min": 6, "max": 8}),
    ],
)
def test_a_range_of_integers_is_whole(values: list[int], expected: dict[str, int]) -> None:
    (entry,) = of_kind("ranges", values)
    assert entry.set == {"int_domain": expected}


def test_no_margin_is_what_was_observed() -> None:
    (entry,) = of_kind("ranges", [3 * i for i in range(ROWS)], margin=0.0)
    assert entry.set == {"int_domain": {"min": 0, "max": 2997}}


def test_nan_is_not_disallowed_where_there_is_some() -> None:
    (entry,) = of_kind("ranges", pa.array([math.nan, *map(float, range(ROWS))], pa.float32()))
    assert "disallow_nan" not in entry.set["float_domain"]


def test_infinity_has_no_range() -> None:
    assert of_kind("ranges", pa.array([math.inf, *map(float, range(ROWS))], pa.float32())) == []


def test_few_values_are_no_evidence() -> None:
    kinds = ("ranges", "presence", "drift", "uniqueness", "domains", "categories")
    assert [entry for kind in kinds for entry in of_kind(kind, list(range(99)))] == []


@pytest.mark.parametrize(
    ("unit", "start"),
    [("UNIX_DAYS", 19_000), ("UNIX_SECONDS", 1_600_000_000), ("UNIX_NANOSECONDS", 1_600_000_000 * 10**9)],
)
def test_integers_that_are_named_like_times_are_times(unit: str, start: int) -> None:
    values = [start + i for i in range(ROWS)]
    (entry,) = of_kind("time", values, "start_date")
    assert entry.set == {"time_domain": {"integer_format": unit}}
    assert of_kind("time", values, "id") == []
    assert of_kind("ranges", values, "start_date") == []
    assert of_kind("drift", values, "start_date") == []


def test_times_that_never_fall_are_tagged_where_someone_looked() -> None:
    stats = statistics({"day": [19_000 + i for i in range(ROWS)]})
    (entry,) = suggest(stats, ascending={"day": True}).entries
    assert entry.set["annotation"] == {"tag": ["assay.monotonic"]}
    (entry,) = suggest(stats, ascending={"day": False}).entries
    assert "annotation" not in entry.set


def test_a_small_range_of_integers_is_categories_that_drift_as_categories_do() -> None:
    hours = [i % 24 for i in range(ROWS)]
    (entry,) = of_kind("categories", hours)
    assert entry.set == {"int_domain": {"is_categorical": True}}
    assert of_kind("ranges", hours) == []
    options = SuggestOptions(kinds=("categories", "drift"))
    (_, entry) = suggest(statistics({"x": hours}), options=options).entries
    assert list(entry.set["drift_comparator"]) == ["infinity_norm"]
    (entry,) = of_kind("drift", hours)  # without the domain, nothing counts categories
    assert list(entry.set["drift_comparator"]) == ["jensen_shannon_divergence"]
    assert of_kind("categories", [i % 2 for i in range(ROWS)]) == []
    assert of_kind("categories", [-1 + i % 5 for i in range(ROWS)]) == []
    assert of_kind("categories", [i % 40 for i in range(ROWS)]) == []


def test_values_that_were_seen_once_make_room_for_others() -> None:
    (entry,) = of_kind("domains", ["a", "b"] * 500 + ["c"])
    assert entry.set == {"distribution_constraints": {"min_domain_mass": 0.9947}}
    assert entry.evidence["values_seen_once"] == 1
    assert of_kind("domains", ["a", "b"] * 500) == []


def test_presence_leaves_a_margin() -> None:
    (entry,) = of_kind("presence", [1, 2, None, None] * 250)
    assert entry.set == {"presence": {"min_fraction": 0.45}}
    assert of_kind("presence", [1] * ROWS) == []  # inference says so already


def test_ids_have_many_distinct_values() -> None:
    (entry,) = of_kind("uniqueness", [f"id{i}" for i in range(ROWS)])
    assert entry.set == {"unique_constraints": {"min": 900, "max": 2**63 - 1}}
    assert of_kind("uniqueness", ["a", "b"] * 500) == []


@pytest.mark.parametrize("kind", ["normal", "exponential", "lognormal", "counts", "mostly zero"])
def test_a_drift_threshold_holds_for_fresh_samples_of_half_the_size(kind: str) -> None:
    rng = np.random.default_rng(11)
    draw = {
        "normal": lambda size: rng.normal(size=size),
        "exponential": lambda size: rng.exponential(size=size),
        "lognormal": lambda size: rng.lognormal(size=size),
        "counts": lambda size: rng.poisson(3, size),
        "mostly zero": lambda size: np.where(rng.random(size) < 0.9, 0.0, rng.lognormal(size=size)),
    }[kind]
    earlier = statistics({"x": draw(ROWS)})
    schema = infer_schema(earlier)
    patch = suggest(earlier, schema, SuggestOptions(kinds=("drift",)))
    assert patch.entries[0].evidence["holds_from"] == ROWS // 2
    schema = apply(schema, patch)
    for _ in range(10):
        span, previous = (statistics({"x": draw(ROWS // 2)}) for _ in range(2))
        (found,) = validate_statistics(span, schema, previous_span=previous).drift_skew_info
        assert all(each.value <= each.threshold for each in found.drift_measurements)
    far = statistics({"x": draw(ROWS) + 10})
    (found,) = validate_statistics(far, schema, previous_span=earlier).drift_skew_info
    assert any(each.value > each.threshold for each in found.drift_measurements)


def test_a_drift_threshold_shrinks_with_the_sample_but_not_below_what_matters() -> None:
    thresholds = []
    for rows in (1_000, 10_000, 2_000_000):
        stats = statistics({"x": ["a", "b"] * 50})
        stats.datasets[0].features[0].string_stats.common_stats.tot_num_values = rows
        (entry,) = suggest(stats, options=SuggestOptions(kinds=("drift",))).entries
        thresholds.append(entry.set["drift_comparator"]["infinity_norm"]["threshold"])
    assert thresholds == [0.1288, 0.0408, 0.01]


def test_what_the_schema_says_is_not_suggested_again() -> None:
    stats = statistics({"x": pa.array(map(float, range(ROWS)), pa.float32()), "gone": [1] * ROWS})
    schema = infer_schema(stats)
    schema.feature[0].float_domain.max = 5
    schema.feature[0].drift_comparator.jensen_shannon_divergence.threshold = 0.5
    schema.feature[1].lifecycle_stage = schema_pb2.DEPRECATED
    assert suggest(stats, schema).entries == ()


def test_data_fits_what_was_suggested_of_it() -> None:
    stats = statistics(
        {
            "fare": pa.array([None if i % 7 == 0 else i / 3 for i in range(ROWS)], pa.float32()),
            "hour": [i % 24 for i in range(ROWS)],
            "start_time": [1_600_000_000 + i for i in range(ROWS)],
            "company": [f"c{i % 9}" for i in range(ROWS - 1)] + ["rare"],
            "id": [f"id{i}" for i in range(ROWS)],
            "list": [[i, i + 1] for i in range(ROWS)],
        }
    )
    schema = apply(infer_schema(stats), suggest(stats))
    assert not validate_statistics(stats, schema, previous_span=stats).anomaly_info
    assert check(schema) == ()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"margin": -0.1}, ("suggest.option",)),
        ({"confidence": 1.0}, ("suggest.option", "0.5", "1")),
        ({"kinds": ("range",)}, ("suggest.option", "range", "ranges")),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        SuggestOptions(**options)


def test_quantiles_and_bounds_are_those_of_the_books() -> None:
    assert _wilson_lower(0.5, 100, 0.975) == pytest.approx(0.4038, abs=1e-4)
