"""The steps that compiled pipelines add: conditions that KFP cannot decide, and gates that stop a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from assay.runners.kfp import ExampleValidator, ImportSchemaGen, component_of
from assay.runners.kfp.control_steps import Condition, Gate
from raising import raises

MakeTask = Callable[..., Any]


def holds(task: MakeTask, predicate: dict[str, Any], **more: Any) -> bool:
    found: bool = task(component_of(Condition), predicate=predicate, **more).run().outputs["holds"]
    return found


class TestCondition:
    @pytest.mark.parametrize(
        ("predicate", "expected"),
        [
            ({"compare": [3, ">", 2]}, True),
            ({"compare": ["a", "==", "b"]}, False),
            ({"not": {"compare": [3, ">=", 3]}}, False),
            ({"or": [{"compare": [1, "<", 0]}, {"compare": [True, "==", 1]}]}, True),
            ({"and": [{"compare": [1, "<=", 1]}, {"compare": [1, "!=", 1]}]}, False),
        ],
    )
    def test_decides(self, predicate: dict[str, Any], expected: bool, task: MakeTask) -> None:
        assert holds(task, predicate) is expected

    def test_reads_properties_of_artifacts(self, examples: dsl.Artifact, schema: dsl.Artifact, task: MakeTask) -> None:
        predicate = {"compare": [{"property": "file_format", "of": 0}, "==", "parquet"]}
        assert holds(task, predicate, artifacts=examples) is True
        assert (
            holds(task, predicate | {"compare": [{"property": "span", "of": 0}, "<", 0]}, artifacts=examples) is False
        )

    def test_what_does_not_compare_is_an_error(self, task: MakeTask) -> None:
        with raises("condition.types", "a", "1"):
            holds(task, {"compare": ["a", "<", 1]})

    def test_what_is_no_predicate(self, task: MakeTask) -> None:
        with raises("kfp.predicate", "maybe"):
            holds(task, {"maybe": 1})


class TestGate:
    @pytest.mark.parametrize(("lacks", "exit_code"), [("", 0), ('value: "Blue Cab"\n', 3)])
    def test_fails_for_the_gate_that_ended_well(
        self,
        lacks: str,
        exit_code: int,
        statistics: dsl.Artifact,
        schema: dsl.Artifact,
        tmp_path: Path,
        task: MakeTask,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        text = (Path(schema.path) / "schema.pbtxt").read_text(encoding="utf-8").replace(lacks or "\0", "")
        (tmp_path / "strict.pbtxt").write_text(text, encoding="utf-8")
        strict = task(ImportSchemaGen, schema_file=str(tmp_path / "strict.pbtxt")).run().outputs["schema"]
        judged = task(ExampleValidator.configured(gate="none"), statistics=statistics, schema=strict).run()
        assert judged.exit_code == 0, "KFP keeps nothing of a container that fails"
        stopped = task(component_of(Gate, gate="inputs"), verdict=judged.outputs["anomalies"]).run()
        assert stopped.exit_code == exit_code
        assert ("Gate closed the gate" in capsys.readouterr().err) is bool(exit_code)
