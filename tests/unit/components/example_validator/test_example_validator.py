from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.components.example_validator import ExampleValidator
from assay.components.schema_gen import ImportSchemaGen, SchemaGen
from assay.components.statistics_gen import StatisticsGen
from assay.gate.verdict import read_verdict
from assay.runners.local import RunResult
from assay.spec import Importer

TRAIN = pa.table({"company": ["a", "b"] * 10, "fare": [1.0, 2.0] * 10})
UNSEEN = pa.table({"company": ["a", "zzz"] * 10, "fare": [1.0, 2.0] * 10})

RunSteps = Callable[..., RunResult]
WriteExamples = Callable[..., Importer]


def _steps(write_examples: WriteExamples, eval_table: pa.Table, **arguments: Any) -> tuple[Any, ...]:
    examples = write_examples(train=TRAIN, eval=eval_table)
    statistics = StatisticsGen(examples=examples.outputs["result"])
    schema = SchemaGen(statistics=statistics.outputs["statistics"], exclude_splits=["eval"])
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"], **arguments
    )
    return examples, statistics, schema, validator


def test_data_that_fits_opens_the_gate(run_steps: RunSteps, write_examples: WriteExamples) -> None:
    result = run_steps(*_steps(write_examples, TRAIN))
    verdict = read_verdict(result.output("ExampleValidator", "anomalies").path)
    assert result.exit_code == 0
    assert verdict.ok
    assert verdict.summary == "No anomalies."
    assert {check.subject for check in verdict.checks} == {"the data set", "company", "fare"}
    assert result.step("ExampleValidator").output_parameters == {"blessed": True, "num_errors": 0, "num_warnings": 0}


def test_an_unseen_value_closes_the_gate_and_is_named(run_steps: RunSteps, write_examples: WriteExamples) -> None:
    result = run_steps(*_steps(write_examples, UNSEEN))
    anomalies = result.output("ExampleValidator", "anomalies")
    verdict = read_verdict(anomalies.path)
    assert result.exit_code == 3
    assert [check.id for check in verdict.failed] == ["eval/company/ENUM_TYPE_UNEXPECTED_STRING_VALUES"]
    assert "zzz" in verdict.failed[0].sentence
    assert anomalies.properties["blessed"] == {"train": 1, "eval": 0}
    assert list(anomalies.read("eval").anomaly_info) == ["company"]
    assert not anomalies.read("train").anomaly_info


@pytest.mark.parametrize(
    ("fail_on", "overrides", "exit_code", "blessed"),
    [
        ("never", {}, 0, False),
        ("error", {"ENUM_TYPE_UNEXPECTED_STRING_VALUES": "WARNING"}, 0, True),
        ("warning", {"ENUM_TYPE_UNEXPECTED_STRING_VALUES": "WARNING"}, 3, False),
    ],
)
def test_fail_on_and_severities_decide_together(
    run_steps: RunSteps,
    write_examples: WriteExamples,
    fail_on: str,
    overrides: dict[str, str],
    exit_code: int,
    blessed: bool,
) -> None:
    result = run_steps(*_steps(write_examples, UNSEEN, fail_on=fail_on, severity_overrides=overrides))
    assert result.exit_code == exit_code
    assert result.step("ExampleValidator").output_parameters["blessed"] is blessed
    assert read_verdict(result.output("ExampleValidator", "anomalies").path).failed


def test_a_closed_gate_stops_what_has_not_started(run_steps: RunSteps, write_examples: WriteExamples) -> None:
    steps = _steps(write_examples, UNSEEN)
    after = SchemaGen(statistics=steps[1].outputs["statistics"]).with_id("Later").after(steps[-1])
    result = run_steps(*steps, after)
    assert result.step("Later").status == "skipped"
    assert "ExampleValidator closed the gate" in result.step("Later").reason


def test_drift_from_the_previous_span_is_found(
    run_steps: RunSteps, write_examples: WriteExamples, tmp_path: Path
) -> None:
    schema_file = tmp_path / "schema.pbtxt"
    schema_file.write_text(
        'feature { name: "company" type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } } }'
        'feature { name: "fare" type: FLOAT }'
    )
    schema = ImportSchemaGen(schema_file=str(schema_file))
    now, before = write_examples(train=TRAIN), write_examples(train=UNSEEN)
    statistics = StatisticsGen(examples=now.outputs["result"])
    previous = StatisticsGen(examples=before.outputs["result"]).with_id("Previous")
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"],
        schema=schema.outputs["schema"],
        previous_statistics=previous.outputs["statistics"],
    )
    result = run_steps(schema, now, before, statistics, previous, validator)
    failed = read_verdict(result.output("ExampleValidator", "anomalies").path).failed
    assert [check.details["anomaly_type"] for check in failed] == ["COMPARATOR_L_INFTY_HIGH"]


def test_an_unknown_environment_is_an_error(run_steps: RunSteps, write_examples: WriteExamples) -> None:
    result = run_steps(*_steps(write_examples, TRAIN, environment="SERVING"))
    assert result.exit_code == 1
    assert "Environment 'SERVING' is not among" in result.step("ExampleValidator").reason
