"""The summary names what matters most, says how much there is of the rest, and what to do about small slices."""

from __future__ import annotations

import pytest

from assay.gating.decision import summary
from assay.gating.policy import GatePolicy
from assay.gating.verdict import Check, by_concern, most_telling


def check(name: str, *, observed: float | None = 0.5, evidence: str = "", baseline: float | None = None) -> Check:
    return Check(
        id=name,
        kind="value_threshold",
        ok=False,
        subject="auc",
        observed=observed,
        baseline=baseline,
        sentence=f"{name}.",
        details={"evidence": evidence} if evidence else {},
    )


FEW = [check(f"few {number}", evidence="insufficient") for number in range(11)]
LOST = check("lost")
FELL = check("fell", baseline=0.9)
GONE = check("gone", observed=None)


def said(*checks: Check) -> str:
    return summary(checks, ok=False, first_run=False, policy=GatePolicy())


def test_a_loss_is_named_before_what_is_missing_and_what_is_not_known() -> None:
    found = said(*FEW, GONE, LOST, FELL)
    assert found.startswith("Not blessed: fell. (14 checks failed: 2 beyond the threshold, 1 without a figure, 11 with")
    assert said(*FEW, GONE).startswith("Not blessed: gone.")
    assert said(LOST, FELL) == "Not blessed: fell. (and 1 more)"


@pytest.mark.parametrize("checks", [FEW[:1], FEW])
def test_small_slices_name_their_cure(checks: list[Check]) -> None:
    found = said(*checks)
    assert "insufficient to 'pass'" in found
    assert "min_examples" in found
    assert "min_slice_size" in found


def test_of_many_the_most_telling_are_shown() -> None:
    assert most_telling([*FEW, LOST], 2)[0] == LOST
    assert by_concern([GONE, *FEW, LOST, FELL])[:3] == [FELL, LOST, GONE]
