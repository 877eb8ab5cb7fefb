"""Thresholds across slices: the first slice's figure less the other's, as TFMA has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.evaluation.config import read_config
from assay.gating.decision import decide
from assay.gating.metric_values import Figures, MetricKey, SliceKey, SlicePair, slice_name
from assay.gating.policy import EvidencePolicy
from assay.gating.significance import ReplicateEvidence
from assay.gating.slicing import Across, Slicing
from assay.gating.verdict import Verdict

AUC = MetricKey(name="auc")
F: SliceKey = (("sex", "F"),)
M: SliceKey = (("sex", "M"),)
NEW: dict[SliceKey, dict[MetricKey, float]] = {(): {AUC: 0.9}, F: {AUC: 0.85}, M: {AUC: 0.91}}
OLD: dict[SliceKey, dict[MetricKey, float]] = {(): {AUC: 0.9}, F: {AUC: 0.9}, M: {AUC: 0.9}}


def decided(
    threshold: dict[str, Any], others: list[Any] | None = None, evidence: ReplicateEvidence | None = None, **more: Any
) -> Verdict:
    spec = {"baseline_spec": {"feature_values": {"sex": "F"}}, "slicing_specs": others or []}
    held = {"class_name": "AUC", "cross_slice_thresholds": [{"cross_slicing_specs": [spec], "threshold": threshold}]}
    config = read_config({"model_specs": [{"label_key": "x"}], "metrics_specs": [{"metrics": [held]}]})
    figures = Figures(**({"candidate": NEW, "baseline": OLD} | more))
    return decide(config.limits(lambda _: "auc"), figures, evidence=evidence)


@pytest.mark.parametrize(("lower", "ok"), [(-0.061, True), (-0.059, False)])
def test_the_difference_of_two_slices_is_held(lower: float, ok: bool) -> None:
    found = decided({"value_threshold": {"lower_bound": lower}}, [{"feature_values": {"sex": "M"}}])
    assert found.ok == ok
    [check] = found.checks
    assert check.slice == "sex=F vs sex=M"
    assert check.observed == pytest.approx(-0.06)
    assert check.sentence.startswith("auc on sex=F less that on sex=M is -0.06; the threshold is at least")


def test_without_other_slices_each_but_the_first_is_compared() -> None:
    found = decided({"value_threshold": {"upper_bound": 0.5}})
    assert [check.slice for check in found.checks] == ["sex=F vs Overall", "sex=F vs sex=M"]


@pytest.mark.parametrize(("absolute", "ok"), [(-0.07, True), (-0.05, False)])
def test_the_change_of_a_difference_is_held(absolute: float, ok: bool) -> None:
    found = decided(
        {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": absolute}}, [{"feature_keys": ["sex"]}]
    )
    assert found.ok == ok
    [check] = found.checks
    assert (check.baseline, check.details["bound"]) == (0.0, "absolute")


def test_a_pair_that_was_not_computed_fails() -> None:
    found = decided({"value_threshold": {"upper_bound": 0.5}}, [{"feature_values": {"sex": "X"}}])
    assert not found.ok
    assert "sex=F vs sex=X" in found.summary
    one = {key: metrics for key, metrics in NEW.items() if key != F}
    assert not decided({"value_threshold": {"upper_bound": 0.5}}, candidate=one, baseline=None).ok


def test_nan_in_either_slice_fails() -> None:
    broken = NEW | {M: {AUC: float("nan")}}
    found = decided({"value_threshold": {"upper_bound": 0.5}}, [{"feature_keys": ["sex"]}], candidate=broken)
    assert not found.ok
    assert "NaN" in found.summary


def test_a_difference_is_paired_replicate_by_replicate() -> None:
    shared = np.random.default_rng(0).normal(0, 0.05, 1000)
    changes = {F: {AUC: shared}, M: {AUC: shared + 1e-4 * np.arange(1000) / 1000}}
    others = [{"feature_values": {"sex": "M"}}]
    for replicates, ok in ((changes, True), (changes | {M: {AUC: -shared}}, False)):
        evidence = ReplicateEvidence(policy=EvidencePolicy(significant="not_worse"), candidate=replicates)
        found = decided({"value_threshold": {"lower_bound": -0.07}}, others, evidence=evidence)
        assert found.ok == ok, found.summary


def test_the_smaller_slice_of_a_pair_counts() -> None:
    evidence = ReplicateEvidence(policy=EvidencePolicy(significant="not_worse"), candidate={F: {AUC: np.ones(9)}})
    examples = {(): 500, F: 490, M: 10}
    others = [{"feature_values": {"sex": "M"}}]
    found = decided({"value_threshold": {"lower_bound": -0.07}}, others, evidence, examples=examples)
    assert "Insufficient evidence (10 examples" in found.summary


def test_a_slice_and_itself_are_no_pair() -> None:
    across = Across(first=Slicing(feature_keys=("sex",)), others=(Slicing(feature_keys=("sex",)),))
    assert across.matches(SlicePair(F, M))
    assert not across.matches(SlicePair(F, F))
    assert across.name == "sex=* vs sex=*"
    assert slice_name(SlicePair((), F)) == "Overall vs sex=F"
