"""Columns with hostile names, and structs beside columns of the same text, from the data to the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a.b", "a'b", "a/b", "a b", "(a)", "ключ")
ROWS = 200


def table(value: str, inner: str = "u", fare: float = 1.0) -> pa.Table:
    columns: dict[str, object] = {name: ["x", "y", value, "x"] * (ROWS // 4) for name in NAMES}
    columns["a"] = [{"b": inner, "fare": fare + row % 7} for row in range(ROWS)]
    columns["a.fare"] = [1.0 + row % 7 for row in range(ROWS)]
    return pa.table(columns)


@pytest.fixture(scope="module")
def schema() -> assay.Schema:
    return assay.infer_schema(assay.statistics(table("x")))


def test_findings_of_hostile_names_have_their_evidence(schema: assay.Schema) -> None:
    report = assay.validate(table("foreign"), schema)
    found = {finding.feature: finding for finding in report.findings}
    assert found.keys() == {"'a.b'", "'a''b'", "a/b", "a b", "(a)", "ключ"}
    for path, finding in found.items():
        assert (finding.evidence.count, finding.evidence.values) == (50, ("foreign",))
        assert finding.evidence.schema_field == f"string_domain[{path}]"


def test_a_verdict_does_not_pass_what_it_fails(schema: assay.Schema) -> None:
    verdict = assay.validate(table("x", inner="foreign"), schema).verdict
    failed = {check.subject for check in verdict.checks if not check.ok}
    passed = {check.subject for check in verdict.checks if check.ok}
    assert failed == {"a.b"}
    assert "'a.b'" in passed
    assert not passed & {"a", "a.b"}


def test_rules_of_a_field_and_of_a_column_of_its_text_stand_apart(schema: assay.Schema) -> None:
    rows = assay.validate(table("x", inner="foreign"), schema, rows=True).rows
    rows = assay.validate(table("x", inner="foreign"), schema).rows()
    broken = [outcome.rule_id for outcome in rows.outcomes if not outcome.ok]
    assert broken == ["a.b.domain"]
    assert "'a.b'.domain" in {outcome.rule_id for outcome in rows.outcomes}


def test_drift_of_a_field_beside_a_column_of_its_text() -> None:
    report = assay.drift(table("x"), table("x", fare=9.0))
    assert [feature.feature for feature in report.drifted] == ["a.fare"]


def test_a_limit_may_name_a_column_by_its_plain_name() -> None:
    limits = {"a'b": assay.DriftThresholds(psi=0.001), "a.b": assay.DriftThresholds(psi=0.001)}
    report = assay.drift(table("x"), table("foreign"), thresholds=limits)
    assert {feature.feature for feature in report.drifted} == {"'a''b'"}  # 'a.b' is the field of the struct


def test_statistics_files_of_such_names_are_read_again(tmp_path: Path) -> None:
    pq.write_table(table("x"), tmp_path / "data.parquet")
    statistics = assay.statistics(str(tmp_path / "data.parquet"))
    assert {feature.feature for feature in statistics.features} >= {"a.b", "'a.b'", "a.fare", "'a.fare'"}
