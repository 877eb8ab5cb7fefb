"""What a run does with steps: order, cache, force, resume, failures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.runners.local import LocalDagRunner, RunResult, Silence
from assay.runners.local.recovery import remove_outputs
from assay.runners.local.session import RootLayout
from assay.spec import Pipeline, RuntimeParameter
from raising import raises

Statuses = Callable[[RunResult], dict[str, str]]


def text_of(result: RunResult, node_id: str, key: str) -> str:
    return (result.output(node_id, key).path / "schema.pbtxt").read_text()


def chain(toys: Any, **parameters: Any) -> tuple[Any, Any, Any]:
    first = toys.Text(**parameters)
    second = toys.Text(content="b").with_id("second")
    joined = toys.Join(texts=[first.outputs["text"], second.outputs["text"]])
    return first, second, joined


def test_a_second_run_takes_everything_from_the_cache(root: Any, toys: Any, statuses: Statuses) -> None:
    first = root.run(*chain(toys))
    second = root.run(*chain(toys))
    assert statuses(first) == dict.fromkeys(["Text", "second", "Join"], "complete")
    assert statuses(second) == dict.fromkeys(["Text", "second", "Join"], "cached")
    assert text_of(second, "Join", "joined") == "a b"
    for step in second.steps:
        before = first.step(step.node_id)
        assert step.fingerprint == before.fingerprint
        assert step.output_parameters == before.output_parameters
        assert step.rows == before.rows
        assert {key: [a.id for a in values] for key, values in step.outputs.items()} == {
            key: [a.id for a in values] for key, values in before.outputs.items()
        }
    assert len(root.artifacts()) == 3


def test_only_what_changed_runs_again_and_equal_outputs_stop_the_wave(root: Any, toys: Any, statuses: Statuses) -> None:
    root.run(*chain(toys))
    again = root.run(*chain(toys, content="c"))
    assert statuses(again) == {"Text": "complete", "second": "cached", "Join": "complete"}
    # Another parameter, but the same bytes: what reads them need not run.
    same = root.run(*chain(toys, content="c", span=7))
    assert statuses(same) == {"Text": "complete", "second": "cached", "Join": "cached"}


def test_no_cache_and_force(root: Any, toys: Any, statuses: Statuses) -> None:
    root.run(*chain(toys))
    assert set(statuses(root.run(*chain(toys), enable_cache=False)).values()) == {"complete"}
    forced = root.run(*chain(toys), force=("second",))
    assert statuses(forced) == {"Text": "cached", "second": "complete", "Join": "cached"}
    assert forced.step("second").reason == "Run again: --force."
    with raises("run.unknown_step", "p", "secnd", "second"):
        root.run(*chain(toys), force=("secnd",))


def test_runtime_parameters_reach_the_step_and_the_fingerprint(root: Any, toys: Any, statuses: Statuses) -> None:
    def pipeline() -> Any:
        return toys.Text(content=RuntimeParameter("content", str, "default"))

    assert text_of(root.run(pipeline()), "Text", "text") == "default"
    given = root.run(pipeline(), parameters={"content": "given"})
    assert text_of(given, "Text", "text") == "given"
    assert given.parameters == {"content": "given"}
    assert statuses(root.run(pipeline())) == {"Text": "cached"}


def test_one_value_in_two_notations_is_one_fingerprint(root: Any, toys: Any, statuses: Statuses) -> None:
    assert statuses(root.run(toys.Sized(size=toys.Size(width=3.0)))) == {"Sized": "complete"}
    for size in ({"width": 3}, {"height": 2, "width": 3.0}):
        assert statuses(root.run(toys.Sized(size=size, scale=1))) == {"Sized": "cached"}
    assert statuses(root.run(toys.Sized(size={"width": 4}))) == {"Sized": "complete"}


def test_an_output_parameter_is_passed_on_as_a_value(root: Any, toys: Any) -> None:
    first = toys.Text(content="four")
    second = toys.Text(span=first.outputs["length"], content="x").with_id("second")
    result = root.run(first, second)
    assert result.ok
    assert result.step("Text").output_parameters == {"length": 4}


def test_a_failure_stops_what_depends_on_it_and_nothing_else(root: Any, toys: Any, statuses: Statuses) -> None:
    text = toys.Text()
    fail = toys.Fail(text=text.outputs["text"])
    after = toys.Pass(text=fail.outputs["failed"]).with_id("after")
    later = toys.Pass(text=after.outputs["passed"]).with_id("later")
    apart = toys.Text(content="apart").with_id("apart")
    result = root.run(text, fail, after, later, apart)
    assert statuses(result) == {
        "Text": "complete",
        "Fail": "failed",
        "after": "skipped",
        "later": "skipped",
        "apart": "complete",
    }
    assert (result.exit_code, result.ok) == (1, False)
    assert result.step("Fail").error_code == "user_code.raised"
    assert "ValueError: the user's mistake" in result.step("Fail").reason
    assert result.step("Fail").user_traceback.splitlines()[-1] == "ValueError: the user's mistake"
    assert result.step("after").reason.startswith("Fail failed: Fail raised ValueError")
    assert "Fail failed: " in result.step("later").reason
    assert root.staged() == []
    assert root.artifacts() == ["Text/text/1", "apart/text/5"]


def test_a_failed_step_is_tried_again_and_the_rest_is_kept(root: Any, toys: Any, statuses: Statuses) -> None:
    def steps(kind: str) -> tuple[Any, ...]:
        text = toys.Text()
        fail = toys.Fail(text=text.outputs["text"], kind=kind)
        return text, fail, toys.Pass(text=fail.outputs["failed"])

    root.run(*steps("user"))
    assert statuses(root.run(*steps("user"))) == {"Text": "cached", "Fail": "failed", "Pass": "skipped"}
    assert statuses(root.run(*steps("none"))) == {"Text": "cached", "Fail": "complete", "Pass": "complete"}


def test_an_incomplete_output_is_an_error_and_leaves_nothing(root: Any, toys: Any) -> None:
    text = toys.Text()
    result = root.run(text, toys.Fail(text=text.outputs["text"], kind="layout"))
    assert result.step("Fail").error_code == "artifact.layout"
    assert "is not a complete Schema: expected schema.pbtxt; found nothing" in result.step("Fail").reason
    assert root.artifacts() == ["Text/text/1"]
    assert root.staged() == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("wrong", r"Returns must return ['length'], got ['width']"),
        ("none", r"Returns must return ['length'], got []"),
        ("type", r"`Returns.length`: Expected `int`, got `str`"),
    ],
)
def test_returned_values_are_checked(root: Any, toys: Any, value: str, message: str) -> None:
    result = root.run(toys.Returns(value=value))
    assert result.exit_code == 1
    assert message in result.step("Returns").reason
    assert root.artifacts() == []


def test_a_step_s_prints_go_to_its_log(root: Any, toys: Any, capfd: pytest.CaptureFixture[str]) -> None:
    text = toys.Text(content="hello")
    result = root.run(text, toys.Fail(text=text.outputs["text"]))
    log = result.step("Text").log
    assert log == result.folder / "logs" / "Text.log"
    assert log.read_text() == "writing hello\nseed 0\n"
    failed = result.step("Fail").log
    assert failed is not None
    assert "\nValueError: the user's mistake\n" in failed.read_text()
    assert capfd.readouterr().out == ""


def test_one_line_a_step_is_printed(tmp_path: Path, toys: Any, capsys: pytest.CaptureFixture[str]) -> None:
    text = toys.Text(content="hello")
    LocalDagRunner(tmp_path).run(Pipeline("p", None, [text, toys.Fail(text=text.outputs["text"])]))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["Text", "complete"], ["Fail", "failed"]]
    assert "rows: all 5" in lines[0]
    assert "Fail raised ValueError: the user's mistake" in lines[1]


def test_an_effect_outside_that_is_gone_is_made_again(root: Any, toys: Any, tmp_path: Path, statuses: Statuses) -> None:
    target = tmp_path / "target"

    def steps() -> tuple[Any, Any]:
        text = toys.Text()
        return text, toys.Push(text=text.outputs["text"], target=str(target))

    root.run(*steps())
    assert statuses(root.run(*steps())) == {"Text": "cached", "Push": "cached"}
    target.unlink()
    again = root.run(*steps())
    assert statuses(again) == {"Text": "cached", "Push": "complete"}
    assert again.step("Push").reason == "Run again: it is gone."
    assert target.read_text() == "a"


@pytest.mark.parametrize("damage", ["edit", "add", "remove_file", "remove_folder"])
def test_a_damaged_artifact_is_made_again(root: Any, toys: Any, statuses: Statuses, damage: str) -> None:
    folder = root.run(*chain(toys)).output("Join", "joined").path
    file = folder / "schema.pbtxt"
    if damage == "edit":
        file.write_text("a B")
    elif damage == "add":
        (folder / "more.txt").touch()
    elif damage == "remove_file":
        file.unlink()
    else:
        folder.rename(folder.with_name("elsewhere"))
    again = root.run(*chain(toys))
    assert statuses(again) == {"Text": "cached", "second": "cached", "Join": "complete"}
    expected = "is gone" if damage == "remove_folder" else "was changed after it was sealed"
    assert expected in again.step("Join").reason
    assert text_of(again, "Join", "joined") == "a b"
    assert set(statuses(root.run(*chain(toys))).values()) == {"cached"}


def test_a_root_that_is_a_file_is_named(tmp_path: Path, toys: Any) -> None:
    (tmp_path / "root").touch()
    with raises("artifact.write_failed", tmp_path / "root"):
        LocalDagRunner(tmp_path / "root", progress=Silence()).run(Pipeline("p", None, [toys.Text()]))


def test_a_moved_root_keeps_its_cache(root: Any, toys: Any, tmp_path: Path, statuses: Statuses) -> None:
    root.run(*chain(toys))
    root.path.rename(tmp_path / "moved")
    result = LocalDagRunner(tmp_path / "moved", progress=Silence()).run(Pipeline("p", None, chain(toys)))
    assert set(statuses(result).values()) == {"cached"}


def test_a_restored_lineage_store_removes_no_artifact_of_the_runs_it_forgot(root: Any, toys: Any) -> None:
    store = root.path / "lineage.db"
    root.run(toys.Text(content="one"))
    backup = store.read_bytes()
    forgotten = root.run(toys.Text(content="two")).output("Text", "text").path
    store.write_bytes(backup)
    text = toys.Text(content="three")
    failed = root.run(text, toys.Fail(text=text.outputs["text"]))
    again = root.run(toys.Text(content="three"))
    assert (forgotten / "schema.pbtxt").read_text() == "two"
    assert text_of(again, "Text", "text") == "three"
    assert again.output("Text", "text").path != forgotten
    assert failed.step("Text").status == "complete"


def test_only_what_the_execution_made_is_removed(root: Any, toys: Any) -> None:
    made = root.run(toys.Text(content="one")).output("Text", "text").path
    layout = RootLayout(root.path)
    (layout.staging(1) / ".temp").mkdir(parents=True)
    remove_outputs(layout, "another run", "Text", 1)
    assert (made / "schema.pbtxt").read_text() == "one"
    assert not root.staged()
