"""Conditions, gates that close, and what a closed gate means to the rest of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assay.runners.local import RunResult
from assay.spec import Cond

Statuses = Callable[[RunResult], dict[str, str]]


def test_steps_in_a_condition_run_only_where_it_holds(root: Any, toys: Any, statuses: Statuses) -> None:
    def steps(content: str) -> list[Any]:
        text = toys.Text(content=content)
        with Cond(text.outputs["length"] > 1):
            long = toys.Pass(text=text.outputs["text"]).with_id("long")
            with Cond(text.outputs["length"] > 2):
                longer = toys.Pass(text=long.outputs["passed"]).with_id("longer")
        with Cond(~(text.outputs["length"] > 1)):
            short = toys.Pass(text=text.outputs["text"]).with_id("short")
        return [text, long, longer, short]

    one = root.run(*steps("a"))
    assert statuses(one) == {"Text": "complete", "long": "skipped", "longer": "skipped", "short": "complete"}
    assert one.ok
    assert one.step("long").reason == "its condition does not hold: Text.length > 1"
    assert statuses(root.run(*steps("ab")))["longer"] == "skipped"
    assert set(statuses(root.run(*steps("abc"))).values()) == {"cached", "complete", "skipped"}
    assert statuses(root.run(*steps("abc"))) == {
        "Text": "cached",
        "long": "cached",
        "longer": "cached",
        "short": "skipped",
    }


def test_a_condition_reads_properties_of_artifacts_in_tfx_s_notation(root: Any, toys: Any, statuses: Statuses) -> None:
    model = toys.Train(weights="w")
    judge = toys.Judge(model=model.outputs["model"])
    with Cond(judge.outputs["blessing"].future()[0].custom_property("blessed") == 1):
        text = toys.Text()
    with Cond(judge.outputs["blessing"].future()[0].custom_property("blessed") == 0):
        other = toys.Text().with_id("other")
    assert statuses(root.run(model, judge, text, other)) == {
        "Train": "complete",
        "Judge": "complete",
        "Text": "complete",
        "other": "skipped",
    }


@pytest.mark.parametrize(
    ("condition", "code", "message"),
    [
        (
            lambda text, judge: judge.outputs["blessing"].future()[0].property("blessed") > "a",
            "condition.types",
            "with 'a'",
        ),
        (
            lambda text, judge: judge.outputs["blessing"].future()[1].property("blessed") == 1,
            "condition.no_artifact",
            "A condition reads Judge.blessing[1].blessed, but there is no such artifact",
        ),
    ],
)
def test_a_condition_that_cannot_be_decided_fails_its_step_only(
    root: Any, toys: Any, statuses: Statuses, condition: Any, code: str, message: str
) -> None:
    text, model = toys.Text(), toys.Train(weights="w")
    judge = toys.Judge(model=model.outputs["model"])
    with Cond(condition(text, judge)):
        guarded = toys.Text(content="b").with_id("guarded")
    apart = toys.Text(content="c").with_id("apart").after(guarded)
    result = root.run(text, model, judge, guarded, apart, toys.Text(content="d").with_id("free"))
    assert result.step("guarded").error_code == code
    assert message in result.step("guarded").reason
    assert statuses(result)["apart"] == "skipped"
    assert statuses(result)["free"] == "complete"
    assert result.exit_code == 1


def test_anomalies_stop_the_run_with_exit_code_3(root: Any, toys: Any, statuses: Statuses) -> None:
    def steps(ok: bool) -> list[Any]:
        text = toys.Text()
        apart = toys.Text(content="apart").with_id("apart")
        return [text, apart, toys.Validate(text=text.outputs["text"], ok=ok)]

    closed = root.run(*steps(ok=False))
    # The gate comes first of what is ready; then no further step starts, whether it depends on the gate or not.
    assert statuses(closed) == {"Text": "complete", "Validate": "complete", "apart": "skipped"}
    assert closed.step("apart").reason == "Validate closed the gate: 2 anomalies"
    assert closed.exit_code == 3
    again = root.run(*steps(ok=False))
    assert statuses(again) == {"Text": "cached", "Validate": "cached", "apart": "skipped"}
    assert again.exit_code == 3
    gate_result = again.step("Validate").closed_gate
    assert gate_result is not None
    assert (gate_result.verdict.summary, gate_result.stops_run) == ("2 anomalies", True)
    assert root.run(*steps(ok=True)).exit_code == 0


def test_an_unblessed_model_does_not_stop_the_run_but_shows_in_its_exit_code(root: Any, toys: Any) -> None:
    model = toys.Train(weights="w")
    judge = toys.Judge(model=model.outputs["model"], bless=False)
    after = toys.Text().after(judge)
    result = root.run(model, judge, after)
    assert result.step("Text").status == "complete"
    assert (result.exit_code, result.ok) == (4, False)
    # A failure outweighs a verdict: the run is not complete.
    text = toys.Text()
    assert root.run(model, judge, text, toys.Fail(text=text.outputs["text"])).exit_code == 1


def test_a_gate_without_a_readable_verdict_fails(root: Any, toys: Any) -> None:
    model = toys.Train(weights="w")
    judge = toys.Judge(model=model.outputs["model"])
    folder = root.run(model, judge).output("Judge", "blessing").path
    (folder / "verdict.json").write_text("{")
    again = root.run(model, judge)
    assert again.step("Judge").status == "complete"
    assert again.step("Judge").reason.startswith("Run again: blessing of the cached execution was changed")
