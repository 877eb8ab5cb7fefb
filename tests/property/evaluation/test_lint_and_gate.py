"""What lint calls an error the gate refuses, and what the gate refuses lint calls an error, given the same columns."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from assay.engines.embedded.engine import EmbeddedEngine
from assay.errors import DataError, UsageError
from assay.evaluation.config import read_config
from assay.evaluation.judgement import Tables, judge
from assay.evaluation.lint import lint
from assay.evaluation.recipes import PLOTS, RECIPES

COLUMNS = {
    "label": [0, 1, 0, 1, 1, 0],
    "score": [0.1, 0.9, 0.4, 0.6, 0.3, 0.2],
    "old": [0.2, 0.8, 0.4, 0.7, 0.4, 0.1],
    "weight": [1.0, 2.0, 1.0, 1.0, 0.5, 1.0],
    "site": ["a", "b", "a", "b", "a", "b"],
    "query": [1, 1, 1, 2, 2, 2],
}
CLASSES = st.sampled_from([*RECIPES, *PLOTS, "Auc", "ExactMatch", "Nothing"]) | st.sampled_from(["AUC", "Recall"])
SETTINGS = st.sampled_from(
    [
        *({}, {"thresholds": [0.9]}, {"name": "x"}, {"class_id": 1}, {"top_k": 1}, {"recall": 0.5}, {"precision": 0.5}),
        *({"curve": "PR"}, {"curve": "XX"}, {"num_thresholds": 1}, {"num_thresholds": "a"}, {"thresholds": "a"}),
        *(
            {"specificity": 2},
            {"k": 0},
            {"top_k_list": [0]},
            {"gain_key": "gain"},
            {"from_logits": True},
            {"nothing": 1},
        ),
    ]
)
BOUNDS = st.sampled_from([{"lower_bound": 0.1}, {"upper_bound": 0.9}, {"lower_bound": 80}, {"upper_bound": "NaN"}, {}])
THRESHOLDS = st.fixed_dictionaries({"value_threshold": BOUNDS}) | st.sampled_from(
    [
        {"change_threshold": {"direction": direction, "absolute": -0.1}}
        for direction in ("HIGHER_IS_BETTER", "LOWER_IS_BETTER", "UNKNOWN")
    ]
)
SLICES = st.sampled_from(
    [{}, {"feature_keys": ["site"]}, {"feature_values": {"site": "a"}}, {"feature_keys": ["sight"]}]
)
METRICS = st.fixed_dictionaries(
    {"class_name": CLASSES, "config": SETTINGS},
    optional={
        "threshold": THRESHOLDS,
        "per_slice_thresholds": st.lists(
            st.fixed_dictionaries({"slicing_specs": st.lists(SLICES, min_size=1, max_size=1), "threshold": THRESHOLDS}),
            max_size=1,
        ),
    },
)
SPECS = st.fixed_dictionaries(
    {"metrics": st.lists(METRICS, max_size=2)},
    optional={
        "query_key": st.sampled_from(["query", "quest"]),
        "model_names": st.sampled_from([["new"], ["other"]]),
        "output_names": st.just(["one"]),
        "binarize": st.sampled_from([{"class_ids": {"values": [0]}}, {"top_k_list": {"values": [1]}}]),
        "aggregate": st.sampled_from([{"macro_average": True}, {"micro_average": True}]),
        "example_weights": st.just({"weighted": True, "unweighted": True}),
    },
)
MODELS = st.sampled_from(
    [
        [{"label_key": "label", "prediction_key": "score"}],
        [{"label_key": "label"}],
        [{"label_key": "lable", "prediction_key": "score", "example_weight_key": "weight"}],
        [
            {"name": "new", "label_key": "label", "prediction_key": "score"},
            {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
        ],
    ]
)
CONFIGS = st.fixed_dictionaries(
    {
        "model_specs": MODELS,
        "metrics_specs": st.lists(SPECS, min_size=1, max_size=2),
        "slicing_specs": st.lists(SLICES, max_size=2),
    }
)


@given(CONFIGS, st.sets(st.sampled_from(["old", "weight", "site", "query"])))
def test_lint_finds_an_error_where_the_gate_refuses(config: dict[str, Any], dropped: set[str]) -> None:
    table = pa.table({name: values for name, values in COLUMNS.items() if name not in dropped})
    try:
        read = read_config(config)
    except UsageError:
        return  # both read it first
    errors = [one for one in lint(read.eval_config, table.column_names, of_model=False) if one.severity == "error"]
    refusal = _refusal(config, table)
    assert bool(refusal) == bool(errors), (refusal, errors)


def _refusal(config: dict[str, Any], table: pa.Table) -> str:
    try:
        judge(Tables(config=config, predictions=table), EmbeddedEngine())
    except UsageError as error:
        return str(error)
    except DataError as error:
        # Else rows are wrong, not the configuration: one score in each row where a metric needs one for each class.
        return str(error) if error.code.endswith("no_such_column") else ""
    return ""
