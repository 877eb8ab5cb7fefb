"""ExampleValidator with the rows themselves: rules, quarantine, and rows that splits share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.artifacts import Examples
from assay.components.example_validator import ExampleValidator
from assay.components.schema_gen import ImportSchemaGen
from assay.components.statistics_gen import StatisticsGen
from assay.gating.verdict import read_verdict
from assay.runners.local import RunResult
from assay.spec import Importer

RunSteps = Callable[..., RunResult]
WriteExamples = Callable[..., Importer]

SCHEMA = """
feature { name: "id" type: INT presence { min_fraction: 1 min_count: 1 } }
feature { name: "company" type: BYTES string_domain { value: "a" value: "b" } }
feature { name: "fare" type: FLOAT float_domain { min: 0 } }
"""
GOOD = pa.table({"id": list(range(20)), "company": ["a", "b"] * 10, "fare": [1.0, 2.0] * 10})
BAD = pa.table(
    {
        "id": [100, 101, None, 103, 104, 105, 106, 107, 108, 109],
        "company": ["a", "zzz", "a", "b", "b", "a", "zzz", "a", "a", "a"],
        "fare": [1.0, 2.0, 3.0, -4.0, 5.0, 6.0, -7.0, 8.0, 9.0, None],
    }
)


@pytest.fixture
def steps(write_examples: WriteExamples, tmp_path: Path) -> Callable[..., tuple[Any, ...]]:
    """Gives the steps up to an ExampleValidator that has the rows."""

    def make(splits: dict[str, pa.Table], schema: str = SCHEMA, **arguments: Any) -> tuple[Any, ...]:
        (tmp_path / "schema.pbtxt").write_text(schema)
        imported = ImportSchemaGen(schema_file=str(tmp_path / "schema.pbtxt"))
        examples = write_examples(span=7, **splits)
        statistics = StatisticsGen(examples=examples.outputs["result"])
        validator = ExampleValidator(
            statistics=statistics.outputs["statistics"],
            schema=imported.outputs["schema"],
            examples=examples.outputs["result"],
            **arguments,
        )
        return imported, examples, statistics, validator

    return make


def table(examples: Examples, split: str) -> pa.Table:
    return pa.Table.from_batches(list(examples.batches(split)))


def test_rows_that_break_a_rule_are_counted(run_steps: RunSteps, steps: Any) -> None:
    result = run_steps(*steps({"train": GOOD, "eval": BAD}))
    step = result.step("ExampleValidator")
    assert result.exit_code == 3
    assert step.output_parameters["num_rejected"] == 4
    assert set(step.outputs) == {"anomalies"}
    verdict = read_verdict(result.output("ExampleValidator", "anomalies").path)
    of_rows = {check.id: check for check in verdict.checks if check.kind == "row_rule"}
    assert of_rows["train/rows/fare.min"].ok
    broken = of_rows["eval/rows/fare.min"]
    assert (broken.ok, broken.observed, broken.severity) == (False, 2.0, "error")
    assert "fare is at least 0: broken in 2 of 10 rows (20.00%), row 3 with -4.0 for one" in broken.sentence


def test_a_quarantine_separates_the_rows_and_the_clean_ones_go_on(run_steps: RunSteps, steps: Any) -> None:
    first = steps({"train": GOOD, "eval": BAD}, rows="quarantine")
    imported, validator = first[0], first[-1]
    again = StatisticsGen(examples=validator.outputs["clean_examples"]).with_id("CleanStatistics")
    second = ExampleValidator(
        statistics=again.outputs["statistics"], schema=imported.outputs["schema"], fail_on="warning"
    ).with_id("CleanValidator")
    result = run_steps(*first, again, second)
    assert result.exit_code == 0
    clean, quarantine = (result.output("ExampleValidator", key) for key in ("clean_examples", "quarantine"))
    assert table(clean, "train").equals(GOOD)
    assert table(clean, "eval").equals(BAD.take([0, 4, 5, 7, 8, 9]))
    rejected = pa.Table.from_batches(
        [batch for shard in quarantine.rejected("eval").shards for batch in shard.batches()]
    )
    assert rejected.select(["assay_row", "assay_rules"]).to_pylist() == [
        {"assay_row": 1, "assay_rules": ["company.domain"]},
        {"assay_row": 2, "assay_rules": ["id.presence"]},
        {"assay_row": 3, "assay_rules": ["fare.min"]},
        {"assay_row": 6, "assay_rules": ["company.domain", "fare.min"]},
    ]
    for split, data in (("train", GOOD), ("eval", BAD)):
        counts = quarantine.counts(split)
        assert counts.read == data.num_rows == counts.clean + counts.rejected
    assert (clean.properties["span"], clean.rows) == (7, {"train": 20, "eval": 6})
    assert result.step("ExampleValidator").rows["eval"].rejected == 4
    assert result.step("CleanValidator").output_parameters["num_warnings"] == 0


def test_what_the_quarantine_answers_is_a_warning_and_nothing_else_is(run_steps: RunSteps, steps: Any) -> None:
    stricter = SCHEMA + 'feature { name: "tips" type: FLOAT presence { min_count: 1 } }'
    result = run_steps(*steps({"eval": BAD}, stricter, rows="quarantine"))
    assert result.exit_code == 3
    verdict = read_verdict(result.output("ExampleValidator", "anomalies").path)
    severities = {(check.subject, check.severity) for check in verdict.failed if check.kind == "anomaly"}
    assert severities == {("company", "warning"), ("fare", "warning"), ("id", "warning"), ("tips", "error")}
    assert any("The rows are in quarantine" in check.sentence for check in verdict.failed)


def test_too_large_a_share_closes_the_gate(run_steps: RunSteps, steps: Any) -> None:
    result = run_steps(*steps({"eval": BAD}, rows="quarantine", max_rejected_share=0.3))
    assert result.exit_code == 3
    verdict = read_verdict(result.output("ExampleValidator", "anomalies").path)
    closing = [check for check in verdict.failed if check.severity == "error"]
    assert [(check.id, check.observed, check.limit) for check in closing] == [("eval/rows/rejected_share", 0.4, 0.3)]
    assert "4 of 10 rows (40.00%) are in quarantine; the threshold is 30.00%" in closing[0].sentence


def test_no_row_left_is_an_error(run_steps: RunSteps, steps: Any) -> None:
    result = run_steps(*steps({"eval": BAD.take([1, 3])}, rows="quarantine"))
    assert result.exit_code == 3
    verdict = read_verdict(result.output("ExampleValidator", "anomalies").path)
    assert "and no row is left" in next(check for check in verdict.failed if check.severity == "error").sentence


def test_an_excluded_split_goes_on_whole(run_steps: RunSteps, steps: Any) -> None:
    result = run_steps(*steps({"train": GOOD, "eval": BAD}, rows="quarantine", exclude_splits=["eval"]))
    assert result.exit_code == 0
    assert table(result.output("ExampleValidator", "clean_examples"), "eval").equals(BAD)
    assert result.output("ExampleValidator", "quarantine").counts("eval").rejected == 0


def test_records_of_examples_stay_records(run_steps: RunSteps, steps: Any, tmp_path: Path) -> None:
    folder = tmp_path / "records"
    examples = Examples(folder, properties={"file_format": "tfrecord_gzip"})
    with examples.writer("eval", BAD.schema) as writer:
        writer.write(BAD.combine_chunks().to_batches()[0])
    importer = Importer(folder, Examples)
    imported, *_ = steps({"eval": BAD})
    statistics = StatisticsGen(examples=importer.outputs["result"])
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"],
        schema=imported.outputs["schema"],
        examples=importer.outputs["result"],
        rows="quarantine",
    )
    result = run_steps(imported, importer, statistics, validator)
    clean = result.output("ExampleValidator", "clean_examples")
    assert clean.file_format == "tfrecord_gzip"
    assert [file.suffix for file in clean.files("eval")] == [".gz"]
    assert clean.num_rows("eval") == 6


def test_own_rules_of_rows(run_steps: RunSteps, steps: Any, tmp_path: Path) -> None:
    (tmp_path / "my_checks.py").write_text(
        "import numpy as np\n"
        "def fares_are_low(fare: np.ndarray) -> np.ndarray:\n"
        "    return ~(fare > 8)\n"
        "def checks():\n"
        "    return [fares_are_low]\n"
    )
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nrules:\n- {kind: unique, id: one_each, columns: [company, fare]}\n"
    )
    result = run_steps(
        *steps(
            {"eval": BAD},
            checks_file=str(tmp_path / "my_checks.py"),
            row_rules_file=str(tmp_path / "rules.yaml"),
        )
    )
    verdict = read_verdict(result.output("ExampleValidator", "anomalies").path)
    checks = {check.id: check for check in verdict.checks}
    assert checks["eval/rows/fares_are_low"].observed == 1.0
    assert checks["eval/rows/one_each"].ok


def test_rows_that_splits_share(run_steps: RunSteps, steps: Any) -> None:
    leaking = pa.concat_tables([GOOD.slice(0, 2), BAD.slice(0, 1)])
    told = run_steps(*steps({"train": GOOD, "eval": leaking}, leakage="warning"))
    assert told.exit_code == 0
    closed = run_steps(*steps({"train": GOOD, "eval": leaking}, leakage="error", leakage_by=["id"]))
    assert closed.exit_code == 3
    anomalies = closed.output("ExampleValidator", "anomalies")
    assert anomalies.properties["blessed"] == {"train": 0, "eval": 0}
    (check,) = read_verdict(anomalies.path).failed
    assert (check.id, check.kind, check.observed) == ("train & eval/leakage", "leakage", 2.0)
    assert "train and eval share 2 distinct rows: 2 rows of train (10.00%) and 2 of eval (66.67%)" in check.sentence


def test_a_constraint_that_no_rule_covers_is_told(run_steps: RunSteps, steps: Any) -> None:
    schema = SCHEMA.replace('feature { name: "company"', 'feature { name: "company" presence { min_count: 3 }')
    pictures = schema + 'feature { name: "picture" type: BYTES image_domain { max_image_byte_size: 9 } }'
    data = BAD.append_column("picture", pa.array([b"x"] * 10))
    result = run_steps(*steps({"eval": data}, pictures))
    verdict = read_verdict(result.output("ExampleValidator", "anomalies").path)
    told = [check for check in verdict.checks if not check.applied]
    assert [(check.id, check.ok) for check in told] == [("eval/rows/not_checked/picture", True)]
    assert "not checked row by row: picture: a domain of images" in told[0].sentence


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": "quarantine"}, "rows='quarantine' separates rows"),
        ({"leakage": "error"}, "leakage='error' compares rows"),
        ({"row_rules_file": "rules.yaml"}, "looks at rows"),
        ({"max_rejected_share": 1.5}, "between 0 and 1, got 1.5"),
    ],
)
def test_what_needs_rows_is_refused_without_them(
    run_steps: RunSteps, steps: Any, tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    (tmp_path / "rules.yaml").write_text("version: 1\nrules:\n- {kind: not_null, column: id}\n")
    arguments = {key: str(tmp_path / value) if key == "row_rules_file" else value for key, value in arguments.items()}
    imported, examples, statistics, _ = steps({"eval": GOOD})
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=imported.outputs["schema"], **arguments
    )
    result = run_steps(imported, examples, statistics, validator)
    assert result.exit_code == 1
    assert message in result.step("ExampleValidator").reason


def test_rows_of_other_data_are_refused(run_steps: RunSteps, steps: Any, write_examples: WriteExamples) -> None:
    imported, examples, statistics, _ = steps({"eval": GOOD})
    others = write_examples(train=GOOD)
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"],
        schema=imported.outputs["schema"],
        examples=others.outputs["result"],
    )
    result = run_steps(imported, examples, others, statistics, validator)
    assert "have train only" in result.step("ExampleValidator").reason
