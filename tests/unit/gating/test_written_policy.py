"""`policy` and `significant` in a configuration: taken out, put back, and refused where they say what they cannot."""

from __future__ import annotations

from typing import Any

import pytest

from assay.evaluation.config import parse_eval_config, read_config
from assay.gating.policy import EvidencePolicy, GatePolicy, WrittenPolicy
from raising import raises

CONFIG = """
model_specs: [{{label_key: label, prediction_key: score}}]
slicing_specs: [{{}}, {{feature_keys: [side]}}]
metrics_specs:
- metrics:
  - class_name: AUC
    threshold:
      value_threshold: {{lower_bound: 0.7{value}}}
      change_threshold: {{direction: HIGHER_IS_BETTER, absolute: -0.01, significant: {change}}}
    per_slice_thresholds:
    - slicing_specs: [{{}}]
      threshold: {{changeThreshold: {{direction: HIGHER_IS_BETTER, relative: 0, significant: {change}}}}}
  thresholds:
    loss: {{value_threshold: {{upper_bound: 1, significant: not_worse}}}}
{policy}
"""


def config(change: str = "regression", value: str = "", policy: str = "") -> str:
    return CONFIG.format(change=change, value=value, policy=policy)


def rules(text: str) -> dict[str, str | None]:
    limits = read_config(text).limits(lambda metric: str(metric.class_name).lower())
    return {limit.origin.removeprefix("eval_config.metrics_specs[0]."): limit.significant for limit in limits}


def test_each_limit_knows_what_must_be_significant_of_it() -> None:
    assert rules(config("not_worse")) == {
        'thresholds["loss"].value_threshold.upper_bound': "not_worse",
        "metrics[0].threshold.value_threshold.lower_bound": None,
        "metrics[0].threshold.change_threshold.absolute": "not_worse",
        "metrics[0].per_slice_thresholds[0].threshold.change_threshold.relative": "not_worse",
    }


@pytest.mark.parametrize(
    ("written", "rule"), [("true", "regression"), ("on", "regression"), ("off", "off"), ("false", "off")]
)
def test_yaml_reads_on_and_off_as_true_and_false(written: str, rule: str) -> None:
    assert set(rules(config(written)).values()) == {rule, None, "not_worse"}


def test_the_canonical_form_keeps_both() -> None:
    text = config(policy="policy: {first_run: block, alpha: 0.01}")
    canonical = parse_eval_config(text)
    assert canonical["policy"] == {"first_run": "block", "alpha": 0.01}
    assert parse_eval_config(canonical) == canonical
    assert read_config(canonical) == read_config(text)
    assert "policy" not in parse_eval_config(config())


def test_the_section_is_a_policy_with_defaults() -> None:
    written = read_config(
        config(policy="policy: {no_thresholds: bless, significant: true, min_examples: 50, correction: none}")
    ).additions.policy
    assert written.for_gate() == GatePolicy(no_thresholds="bless")
    assert written.for_evidence() == EvidencePolicy(significant="regression", min_examples=50, correction="none")
    assert written.updated(min_examples=5, alpha=None) == WrittenPolicy(
        no_thresholds="bless", significant="regression", min_examples=5, correction="none"
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"policy": "policy: {frist_run: block}"}, ("eval_config.policy", "frist_run", "first_run")),
        ({"policy": "policy: {first_run: never}"}, ("eval_config.policy", "never")),
        ({"policy": "policy: {alpha: 0.9}"}, ("eval_config.policy", "0.5")),
        ({"policy": "policy: {min_examples: 0}"}, ("eval_config.policy", "1")),
        ({"policy": "policy: [block]"}, ("eval_config.policy",)),
        ({"policy": "policy: {significant: 1}"}, ("eval_config.significant",)),
        ({"change": "sometimes"}, ("eval_config.significant", "metrics[0].threshold.change_threshold.significant")),
        ({"change": "[regression]"}, ("eval_config.significant",)),
    ],
)
def test_what_it_cannot_say_is_refused(more: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        read_config(config(**more))


def test_significant_stands_beside_a_bound_and_nowhere_else() -> None:
    with raises("eval_config.field", "EvalConfig", "significant"):
        read_config({"significant": True, "model_specs": [{"label_key": "label"}]})
