from __future__ import annotations

import re
from typing import Any

import pytest
from google.protobuf import text_format

from assay.gating.metric_values import MetricKey
from assay.gating.slicing import Slicing
from assay.gating.thresholds import limits_of
from assay.protos import tfma
from raising import raises


def config(text: str) -> Any:
    return text_format.Parse(text, tfma.EvalConfig())


def snake_case(metric: Any) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", metric.class_name).lower()


def test_each_bound_is_a_limit_with_the_place_where_it_is_written() -> None:
    limits = limits_of(
        config("""
            metrics_specs {
              metrics { class_name: "ExampleCount" }
              metrics {
                class_name: "BinaryAccuracy"
                threshold {
                  value_threshold { lower_bound { value: 0.6 } upper_bound { value: 1 } }
                  change_threshold { direction: LOWER_IS_BETTER absolute { value: 0.25 } relative { value: 0.5 } }
                }
              }
            }
        """),
        snake_case,
    )
    place = "eval_config.metrics_specs[0].metrics[1].threshold"
    assert [(limit.bound, limit.value, limit.origin) for limit in limits] == [
        ("lower", 0.6, f"{place}.value_threshold.lower_bound"),
        ("upper", 1.0, f"{place}.value_threshold.upper_bound"),
        ("absolute", 0.25, f"{place}.change_threshold.absolute"),
        ("relative", 0.5, f"{place}.change_threshold.relative"),
    ]
    assert {limit.metric for limit in limits} == {MetricKey(name="binary_accuracy")}
    assert [limit.higher_is_better for limit in limits if limit.is_change] == [False, False]


def test_thresholds_by_name_and_per_slice_are_found() -> None:
    limits = limits_of(
        config("""
            metrics_specs {
              thresholds { key: "auc" value { value_threshold { lower_bound { value: 0.5 } } } }
              per_slice_thresholds {
                key: "loss"
                value { thresholds {
                  slicing_specs { feature_keys: "hour" feature_values { key: "day" value: "3" } }
                  threshold { value_threshold { upper_bound { value: 2 } } }
                } }
              }
              metrics {
                class_name: "AUC"
                per_slice_thresholds {
                  slicing_specs {} slicing_specs { feature_keys: "hour" }
                  threshold { value_threshold { lower_bound { value: 0.25 } } }
                }
              }
            }
        """),
        snake_case,
    )
    assert [(limit.metric.name, limit.slicing, limit.origin) for limit in limits] == [
        ("auc", None, 'eval_config.metrics_specs[0].thresholds["auc"].value_threshold.lower_bound'),
        (
            "loss",
            Slicing(feature_keys=("hour",), feature_values=(("day", "3"),)),
            (
                'eval_config.metrics_specs[0].per_slice_thresholds["loss"].thresholds[0].threshold'
                ".value_threshold.upper_bound"
            ),
        ),
        *(
            (
                "auc",
                slicing,
                "eval_config.metrics_specs[0].metrics[0].per_slice_thresholds[0].threshold.value_threshold.lower_bound",
            )
            for slicing in (Slicing(), Slicing(feature_keys=("hour",)))
        ),
    ]
    # The model computes the first two itself, and TFMA leaves their weighting open.
    assert [limit.metric.example_weighted for limit in limits] == [None, None, False, False]


def test_a_threshold_holds_each_class_and_the_aggregate() -> None:
    limits = limits_of(
        config("""
            metrics_specs {
              binarize { class_ids { values: [1, 2] } }
              aggregate { micro_average: true }
              metrics { class_name: "AUC" threshold { value_threshold { lower_bound { value: 0.5 } } } }
            }
        """),
        snake_case,
    )
    assert [limit.metric.label for limit in limits] == ["auc [classId:1]", "auc [classId:2]", "auc [micro]"]


def test_weighted_and_unweighted_are_two_metrics() -> None:
    metric = 'metrics { class_name: "AUC" threshold { value_threshold { lower_bound { value: 0.5 } } } }'
    both = config(f"metrics_specs {{ example_weights {{ weighted: true unweighted: true }} {metric} }}")
    by_key = config(f'model_specs {{ example_weight_key: "w" }} metrics_specs {{ {metric} }}')
    assert [limit.metric.example_weighted for limit in limits_of(both, snake_case)] == [True, False]
    assert [limit.metric.example_weighted for limit in limits_of(by_key, snake_case)] == [True]


def test_a_spec_for_the_baseline_alone_holds_nothing() -> None:
    limits = limits_of(
        config("""
            model_specs { name: "new" } model_specs { name: "old" is_baseline: true }
            metrics_specs {
              model_names: "old"
              metrics { class_name: "AUC" threshold { value_threshold { lower_bound { value: 0.5 } } } }
            }
        """),
        snake_case,
    )
    assert limits == ()


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ("threshold {}", ("eval_config.empty_threshold", "metrics[0].threshold")),
        ("threshold { value_threshold {} }", ("eval_config.empty_threshold", "lower_bound", "upper_bound")),
        ("threshold { change_threshold { direction: HIGHER_IS_BETTER } }", ("eval_config.empty_threshold",)),
        ("threshold { change_threshold { absolute { value: 1 } } }", ("eval_config.no_direction",)),
        (
            "per_slice_thresholds { threshold { value_threshold { lower_bound { value: 1 } } } }",
            ("eval_config.slicing", "per_slice_thresholds[0]", "slicing_specs"),
        ),
        ("cross_slice_thresholds { }", ("eval_config.slicing", "cross_slicing_specs")),
        ('per_slice_thresholds { slicing_specs { slice_keys_sql: "SELECT" } }', ("eval_config.sql_slice",)),
    ],
)
def test_thresholds_that_cannot_hold_are_refused(threshold: str, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        limits_of(config(f'metrics_specs {{ metrics {{ class_name: "AUC" {threshold} }} }}'), snake_case)


@pytest.mark.parametrize(
    ("slicing", "key", "matches"),
    [
        (Slicing(), (), True),
        (Slicing(), (("hour", 5),), False),
        (Slicing(feature_keys=("hour",)), (("hour", 5),), True),
        (Slicing(feature_keys=("hour",)), (), False),
        (Slicing(feature_keys=("hour",)), (("hour", 5), ("day", 1)), False),
        (Slicing(feature_values=(("hour", "5"),)), (("hour", 5),), True),
        (Slicing(feature_values=(("hour", "5"),)), (("hour", 5.0),), True),
        (Slicing(feature_values=(("hour", "5"),)), (("hour", 6),), False),
        (Slicing(feature_values=(("new", "True"),)), (("new", True),), True),
        (Slicing(feature_values=(("new", "false"),)), (("new", True),), False),
        (Slicing(feature_values=(("new", "1"),)), (("new", True),), True),
        (Slicing(feature_values=(("new", "True"),)), (("new", 1),), False),
        (Slicing(feature_keys=("day",), feature_values=(("hour", "5"),)), (("day", 1), ("hour", 5)), True),
    ],
)
def test_a_slicing_matches_slices_with_just_its_features(slicing: Slicing, key: Any, matches: bool) -> None:
    assert slicing.matches(key) is matches
