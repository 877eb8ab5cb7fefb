from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.components.example_validator import ExampleValidator
from assay.components.schema_gen import ImportSchemaGen, SchemaGen
from assay.components.statistics_gen import StatisticsGen
from assay.gating.verdict import read_verdict
from assay.kernels.distances import DriftThresholds
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
    assert {check.subject for check in verdict.checks} == {"the dataset", "company", "fare"}
    assert result.step("ExampleValidator").output_parameters == {
        "blessed": True,
        "num_errors": 0,
        "num_warnings": 0,
        "num_rejected": 0,
    }


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


COMPARED = (
    'feature { name: "company" type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } } }'
    'feature { name: "fare" type: FLOAT }'
)


def _validated(write_examples: WriteExamples, schema: Path, now: pa.Table, **arguments: Any) -> tuple[Any, ...]:
    schema_gen = ImportSchemaGen(schema_file=str(schema))
    examples = write_examples(train=now)
    statistics = StatisticsGen(examples=examples.outputs["result"])
    outputs = {"statistics": statistics.outputs["statistics"], "schema": schema_gen.outputs["schema"]}
    return schema_gen, examples, statistics, ExampleValidator(**outputs, **arguments)


def test_a_first_span_says_that_it_was_not_compared(
    run_steps: RunSteps, write_examples: WriteExamples, tmp_path: Path
) -> None:
    (tmp_path / "schema.pbtxt").write_text(COMPARED)
    refused = run_steps(*_validated(write_examples, tmp_path / "schema.pbtxt", TRAIN))
    assert refused.exit_code == 1
    assert "has no statistics of a previous span to compare with" in refused.step("ExampleValidator").reason
    told = run_steps(*_validated(write_examples, tmp_path / "schema.pbtxt", TRAIN, on_missing_control="warning"))
    assert told.exit_code == 0
    assert told.step("ExampleValidator").output_parameters == {
        "blessed": True,
        "num_errors": 0,
        "num_warnings": 1,
        "num_rejected": 0,
    }


def test_own_checks_and_drift_thresholds_of_a_pipeline(
    run_steps: RunSteps, write_examples: WriteExamples, tmp_path: Path
) -> None:
    (tmp_path / "schema.pbtxt").write_text(
        'feature { name: "company" type: BYTES } feature { name: "fare" type: FLOAT }'
    )
    (tmp_path / "my_checks.py").write_text(
        "from assay import CheckResult, FeatureSummary\n"
        "def fares_are_low(fare: FeatureSummary) -> CheckResult:\n"
        "    '''No fare is above 1.'''\n"
        "    return CheckResult(ok=fare.max <= 1, observed=fare.max, limit=1.0)\n"
        "def checks():\n"
        "    return [fares_are_low]\n"
    )
    before = write_examples(train=pa.table({"company": ["a", "b"] * 500, "fare": [9.0, 8.0] * 500}))
    previous = StatisticsGen(examples=before.outputs["result"]).with_id("Previous")
    steps = _validated(
        write_examples,
        tmp_path / "schema.pbtxt",
        pa.table({"company": ["a", "b"] * 500, "fare": [1.0, 2.0] * 500}),
        previous_statistics=previous.outputs["statistics"],
        checks_file=str(tmp_path / "my_checks.py"),
        drift_thresholds={"fare": DriftThresholds(wasserstein=0.5), "company": DriftThresholds(psi=0.1)},
    )
    result = run_steps(before, previous, *steps)
    verdict = read_verdict(result.output("ExampleValidator", "anomalies").path)
    assert result.exit_code == 3
    assert [(check.kind, check.subject, check.limit_origin) for check in verdict.failed] == [
        ("anomaly", "fare", "drift_thresholds[fare].wasserstein"),
        ("custom_check", "fare", "checks.fares_are_low"),
    ]
    assert "drift_thresholds[company].psi" in {check.limit_origin for check in verdict.checks if check.ok}
