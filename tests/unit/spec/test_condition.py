# ruff: noqa: N802 (components have the names of types)
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from assay.artifacts import ModelBlessing
from assay.spec import Cond, Output, component
from assay.spec.condition import Predicate, active_conditions
from raising import raises


class Score(NamedTuple):
    auc: float
    name: str
    blessed: bool


@component
def Judge(blessing: Output[ModelBlessing]) -> Score:
    raise NotImplementedError


JUDGE = Judge()
AUC, NAME, BLESSED = (JUDGE.outputs[key] for key in ("auc", "name", "blessed"))


def decide(predicate: Predicate, **values: Any) -> bool:
    return predicate.evaluate(lambda operand: values[str(operand).split(".")[-1]])


@pytest.mark.parametrize(
    ("predicate", "at_half"),
    [
        (AUC == 0.5, True),
        (AUC != 0.5, False),
        (AUC < 0.5, False),
        (AUC <= 0.5, True),
        (AUC > 0.5, False),
        (AUC >= 0.5, True),
        (AUC > 0.4, True),
        ((AUC > 0.4) & (AUC < 0.6), True),
        ((AUC > 0.6) | (AUC < 0.4), False),
        (~(AUC > 0.4), False),
        (~((AUC > 0.6) | ~(AUC == 0.5)), True),
    ],
)
def test_predicates_are_decided_from_the_outputs_values(predicate: Predicate, at_half: bool) -> None:
    assert decide(predicate, auc=0.5) is at_half


def test_predicates_read_as_sentences() -> None:
    assert str((AUC > 0.4) & ~(NAME == "a")) == "(Judge.auc > 0.4 and not Judge.name == 'a')"
    assert str((AUC > 0.4) | (JUDGE.outputs["auc"] > AUC)) == "(Judge.auc > 0.4 or Judge.auc > Judge.auc)"


def test_two_outputs_can_be_compared() -> None:
    other = Judge().with_id("Other").outputs["auc"]
    predicate = other > AUC
    assert [str(operand) for operand in predicate.operands()] == ["Other.auc", "Judge.auc"]
    assert predicate.evaluate(lambda operand: {"Other": 2, "Judge": 1}[operand.node.id])


def test_the_right_side_is_decided_only_where_it_matters() -> None:
    assert not decide((AUC > 1) & (NAME > AUC), auc=0, name="text")
    assert decide((AUC < 1) | (NAME > AUC), auc=0, name="text")


def test_values_that_do_not_compare_are_an_error() -> None:
    with raises("condition.types", "Judge.name > Judge.auc", "text", "1"):
        decide(NAME > AUC, name="text", auc=1)


@pytest.mark.parametrize(
    ("compare", "expected"),
    [
        (lambda: BLESSED == 2, ("condition.literal", "Judge.blessed == 2", "Judge.blessed", "2")),
        (lambda: BLESSED != "true", ("condition.literal", "true")),
        (lambda: NAME > 1, ("condition.literal", "1")),
        (lambda: NAME == None, ("condition.literal",)),  # noqa: E711 (builds a condition)
        (lambda: AUC >= "0.9", ("condition.literal", "0.9")),
    ],
)
def test_a_literal_that_the_output_can_never_be_is_rejected(
    compare: Callable[[], object], expected: tuple[str, ...]
) -> None:
    with raises(*expected) as caught:
        compare()
    assert caught.value.code == "condition.literal"


@pytest.mark.parametrize("literal", [True, False, 1, 0, 1.0])
def test_tfx_s_numbers_for_true_and_false_are_accepted(literal: object) -> None:
    assert decide(literal == BLESSED, blessed=True) is bool(literal)


@pytest.mark.parametrize("use", [bool, lambda p: p and True, lambda p: not p, lambda p: 0 < p.left < 1])
def test_python_s_own_logic_is_refused(use: Callable[[Predicate], object]) -> None:
    with raises("condition.used_as_bool"):
        use(AUC > 0.5)


def test_cond_guards_the_steps_declared_inside_and_nests() -> None:
    outer, inner = AUC > 0.5, NAME == "a"
    with Cond(outer):
        first = Judge()
        with Cond(inner):
            second = Judge()
        third = Judge()
    assert first.conditions == third.conditions == (outer,)
    assert second.conditions == (outer, inner)
    assert Judge().conditions == active_conditions() == ()
    assert second.upstream() == [JUDGE]


def test_cond_closes_when_the_block_raises() -> None:
    with pytest.raises(KeyError, match="inside"), Cond(AUC > 0.5):
        raise KeyError("inside")
    assert active_conditions() == ()


@pytest.mark.parametrize("value", [True, AUC, "blessed"])
def test_cond_needs_a_condition(value: Any) -> None:
    with raises("condition.not_a_predicate"), Cond(value):
        pass
