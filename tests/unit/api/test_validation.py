"""`assay.validate` and `assay.drift` on whatever data is at hand."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

import assay
from assay.gating.verdict import read_verdict
from assay.kernels.rows.declared_rules import NotNull
from assay.kernels.statistics import SlicingSpec, StatisticsOptions
from raising import raises

GOOD = pa.table({"city": ["a", "b"] * 20, "fare": [1.5, 2.5] * 20})
BAD = pa.table({"city": ["a", "<b>z</b>"] * 20, "fare": [1.5, None] * 20})


class Page(HTMLParser):
    """Collects tags and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onclick"}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def schema() -> Any:
    return assay.infer_schema(GOOD)


def test_good_data_passes(schema: Any) -> None:
    report = assay.validate(GOOD, schema)
    assert report.ok
    assert not report.findings
    assert str(report) == "No anomalies."


def test_bad_data_says_what_and_where(schema: Any) -> None:
    report = assay.validate(BAD, schema)
    assert not report.ok
    assert {(found.feature, found.type) for found in report.findings} == {
        ("city", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"),
        ("fare", "FEATURE_TYPE_LOW_FRACTION_PRESENT"),
        ("fare", "INVALID_FEATURE_SHAPE"),
    }
    assert set(report.anomalies.anomaly_info) == {"city", "fare"}


@pytest.mark.parametrize("kind", ["pandas", "csv", "parquet", "statistics", "file"])
def test_every_kind_of_data_gives_the_same_findings(kind: str, schema: Any, tmp_path: Path) -> None:
    frame: pd.DataFrame = BAD.to_pandas()
    if kind == "csv":
        frame.to_csv(tmp_path / "bad.csv", index=False)
    if kind == "parquet":
        pq.write_table(BAD, tmp_path / "bad.parquet")
    if kind == "file":
        assay.statistics(BAD).save(tmp_path / "bad.pb")
    data = {
        "pandas": frame,
        "csv": tmp_path / "bad.csv",
        "parquet": str(tmp_path / "bad.parquet"),
        "statistics": assay.statistics(BAD) if kind == "statistics" else None,
        "file": tmp_path / "bad.pb",
    }[kind]
    findings = assay.validate(data, schema).findings
    assert [found.sentence for found in findings] == [f.sentence for f in assay.validate(BAD, schema).findings]


def test_a_notebook_shows_a_page_that_is_safe_and_self_contained(schema: Any) -> None:
    page = Page(assay.validate(BAD, schema)._repr_html_())
    assert page.tags.count("b") == 1  # the heading; the value <b>z</b> is text
    assert not {"script", "link", "img"} & set(page.tags)
    assert "<b>z</b>" in page.text
    assert "failed" in page.text
    assert "passed" in Page(assay.validate(GOOD, schema)._repr_html_()).text
    assert "40 examples" in Page(assay.statistics(BAD)._repr_html_()).text


def test_a_part_of_a_frame_fits_the_schema_of_another_part() -> None:
    whole = pd.DataFrame({"area": [1, None, 3, 4, 5, 6], "size": [1.0, 2.0, 3.0, None, 5.0, 6.5]})
    before, after = whole[:3], whole[4:5]  # pandas keeps `area` as floats, though nothing is missing any more
    schema = assay.infer_schema(before)
    report = assay.validate(after, schema, rows=True)
    assert report.ok, report
    assert report.rows().num_rejected == 0
    assert assay.validate(whole[3:], assay.infer_schema(whole[3:])).ok
    floats = assay.infer_schema(whole[["size"]])
    assert assay.validate(whole[["size"]][:4], floats).ok  # whole floats with one missing stay floats


def test_findings_and_rows_print_as_sentences(schema: Any) -> None:
    report = assay.validate(BAD, schema, rows=True)
    assert str(report.findings[0]) == report.findings[0].sentence
    assert str(report.rows()).startswith("40 rows: 20 clean, 20 rejected\n")


def test_findings_as_a_frame(schema: Any) -> None:
    frame = assay.validate(BAD, schema).to_pandas()
    assert list(frame.feature) == ["city", "fare", "fare"]
    assert set(frame["count"].dropna()) == {20}


def test_files_that_tfdv_reads(schema: Any, tmp_path: Path) -> None:
    report = assay.validate(BAD, schema)
    report.save(tmp_path / "out")
    assert anomalies_pb2.Anomalies.FromString((tmp_path / "out/SchemaDiff.pb").read_bytes()) == report.anomalies
    saved = statistics_pb2.DatasetFeatureStatisticsList.FromString((tmp_path / "out/FeatureStats.pb").read_bytes())
    assert saved == report.statistics.proto
    assert read_verdict(tmp_path / "out") == report.verdict


def test_slices_are_validated(schema: Any) -> None:
    options = StatisticsOptions(slices=(SlicingSpec(feature_keys=("city",)),))
    data = pa.table({"city": ["a", "b"] * 20, "fare": [1.5] * 40})
    assert assay.validate(data, schema, options=options).ok
    report = assay.validate(BAD, schema, options=options)
    assert set(report.slices) == {"city_<b>z</b>", "city_a"}
    assert {found.slice for found in report.findings} == {"", "city_<b>z</b>"}
    assert {check.slice for check in report.verdict.checks} == {"data", "data/city_a", "data/city_<b>z</b>"}


class TestRows:
    def test_which_rows_broke_which_rule(self, schema: Any) -> None:
        rows = assay.validate(BAD, schema).rows()
        assert (rows.num_rows, rows.num_rejected) == (40, 20)
        assert {outcome.rule_id: outcome.num_broken for outcome in rows.broken}["city.domain"] == 20

    def test_quarantine_adds_up(self, schema: Any, tmp_path: Path) -> None:
        counts = assay.validate(BAD, schema).quarantine(tmp_path / "q")
        assert (counts.read, counts.clean, counts.rejected) == (40, 20, 20)
        rejected = pq.read_table(tmp_path / "q/rejected.parquet")
        assert rejected["assay_row"].to_pylist() == list(range(1, 40, 2))

    def test_rows_count_in_the_verdict_when_asked(self, schema: Any) -> None:
        report = assay.validate(BAD, schema, rows=True)
        assert any(check.kind == "row_rule" and not check.ok for check in report.verdict.checks)
        assert not any(check.kind == "row_rule" for check in assay.validate(BAD, schema).verdict.checks)

    def test_severities_are_those_of_rows_too(self, schema: Any) -> None:
        milder = dict.fromkeys(("ENUM_TYPE_UNEXPECTED_STRING_VALUES", "INVALID_FEATURE_SHAPE"), "WARNING")
        milder |= dict.fromkeys(("FEATURE_TYPE_LOW_FRACTION_PRESENT", "SCHEMA_MISSING_COLUMN"), "WARNING")
        report = assay.validate(BAD, schema, rows=True, severity_overrides=milder)
        assert report.ok
        assert {outcome.severity for outcome in report.rows().broken} == {"warning"}
        assert report.rows().num_rejected == 0

    def test_statistics_have_no_rows(self, schema: Any) -> None:
        report = assay.validate(assay.statistics(BAD), schema)
        with raises("rows.statistics"):
            report.rows()


class TestChecks:
    def test_checks_of_statistics_and_rows_in_one_list(self, schema: Any) -> None:
        def mean_fare_is_low(fare: assay.FeatureSummary) -> assay.CheckResult:
            """The mean fare is at most 1."""
            return assay.CheckResult(ok=(fare.mean or 0) <= 1, observed=fare.mean, limit=1.0)

        def fares_are_low(fare: np.ndarray) -> np.ndarray:
            """Every fare is at most 2."""
            return fare <= 2

        report = assay.validate(GOOD, schema, checks=[mean_fare_is_low, fares_are_low, NotNull(column="city")])
        assert not report.ok
        assert [(check.kind, check.subject, check.observed) for check in report.verdict.failed] == [
            ("custom_check", "fare", 2.0),
            ("row_rule", "fare", 20.0),
        ]
        assert "data/rows/city.not_null" in {check.id for check in report.verdict.checks if check.ok}

    def test_a_module_gives_its_list(self, schema: Any, tmp_path: Path) -> None:
        module = tmp_path / "my_checks.py"
        module.write_text("def checks():\n    return []\n")
        with raises("checks.list", "my_checks.py"):
            assay.validate(GOOD, schema, checks=module)

    def test_what_is_no_check_is_refused(self, schema: Any) -> None:
        with raises("checks.kind", "3"):
            assay.validate(GOOD, schema, checks=[3])

    def test_a_check_of_rows_needs_rows(self, schema: Any) -> None:
        with raises("checks.rows"):
            assay.validate(assay.statistics(GOOD), schema, checks=[NotNull(column="city")])


def test_an_unknown_level_is_refused(schema: Any) -> None:
    with raises("validate.fail_on", "fail_on", "eror", "error"):
        assay.validate(GOOD, schema, fail_on="eror")  # type: ignore[arg-type]


def test_what_cannot_apply_is_refused_before_data_is_read(schema: Any) -> None:
    schema.feature[0].drift_comparator.infinity_norm.threshold = 0.1
    with raises("schema.cannot_apply"):
        assay.validate("no/such/file.csv", schema)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"environment": "SERVING"}, ("schema.unknown_environment", "SERVING")),
        ({"severity_overrides": {"SCHEMA_NEW_COLUM": "ERROR"}}, ("anomalies.unknown_name", "SCHEMA_NEW_COLUM")),
        ({"severity_overrides": {"SCHEMA_NEW_COLUMN": "FATAL"}}, ("anomalies.unknown_name", "FATAL")),
        ({"drift_thresholds": assay.DriftThresholds(psi=0.1)}, ("drift.no_previous",)),
    ],
)
def test_unknown_names_are_refused_before_data_is_read(
    schema: Any, arguments: dict[str, Any], expected: tuple[str, ...]
) -> None:
    with raises(*expected):
        assay.validate("no/such/file.csv", schema, **arguments)


def test_severities_decide_with_fail_on(schema: Any) -> None:
    data = GOOD.append_column("more", pa.array([1] * 40))
    assert not assay.validate(data, schema).ok
    overrides = {"SCHEMA_NEW_COLUMN": "WARNING"}
    assert assay.validate(data, schema, severity_overrides=overrides).ok
    assert not assay.validate(data, schema, severity_overrides=overrides, fail_on="warning").ok


def test_a_frame_with_columns_named_as_attributes_of_a_source() -> None:
    frame = pd.DataFrame({"shards": [1, 2], "bounded": [1, 2]})
    assert assay.statistics(frame).num_examples == 2


class TestCompare:
    def test_the_same_data(self) -> None:
        report = assay.drift(GOOD, GOOD)
        assert report.ok
        assert str(report) == "0 of 2 features drifted."

    def test_drift_with_its_bins(self) -> None:
        rng = np.random.default_rng(1)
        now, before = (pa.table({"fare": rng.normal(shift, 1, 1000)}) for shift in (1, 0))
        report = assay.drift(before, now)
        assert [feature.feature for feature in report.drifted] == ["fare"]
        assert len(report.drifted[0].bins) == 10
        assert "kolmogorov_smirnov" in str(report)
        assert {"drift", "≤"} <= {word for word in ("drift", "≤") if word in Page(report._repr_html_()).text}
        assert report.to_pandas().exceeded.any()

    def test_data_and_its_own_statistics_do_not_drift(self) -> None:
        rng = np.random.default_rng(2)
        table = pa.table({"fare": rng.exponential(size=3000), "n": rng.integers(0, 50, 3000)})
        assert assay.drift(assay.statistics(table), table).ok

    def test_limits_can_be_set(self) -> None:
        assert not assay.drift(GOOD, BAD).ok
        assert assay.drift(GOOD, BAD, thresholds=assay.DriftThresholds()).ok


def test_a_schema_that_contradicts_itself_is_a_finding(schema: Any) -> None:
    """TFDV passes: the range that nothing can be in is looked at in one direction only."""
    fare = next(feature for feature in schema.feature if feature.name == "fare")
    fare.float_domain.min, fare.float_domain.max = 9.0, 3.0
    report = assay.validate(GOOD, schema, severity_overrides={"FLOAT_TYPE_SMALL_FLOAT": "WARNING"})
    assert not report.ok
    (found,) = [each for each in report.findings if each.type == "INVALID_SCHEMA_SPECIFICATION"]
    assert (found.feature, found.name, found.severity) == ("fare", "range_is_empty", "error")
    assert "The schema contradicts itself" in str(report)


def test_a_schema_is_inferred_with_the_decisions_of_a_patch(tmp_path: Path) -> None:
    (tmp_path / "patch.yaml").write_text("version: 1\nentries:\n- {feature: fare, set: {float_domain: {min: 0}}}\n")
    inferred = assay.infer_schema(GOOD, patch=tmp_path / "patch.yaml")
    assert next(feature for feature in inferred.feature if feature.name == "fare").float_domain.min == 0
    assert next(feature for feature in inferred.feature if feature.name == "fare").float_domain.HasField("min")


def test_a_prompt_and_a_failed_assertion_show_lines_and_no_protos(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("a,b\n1,plain\n2,other\n")
    (tmp_path / "new.csv").write_text(f"a,b\n1,plain\n2,{'x' * 1_000_000}\n")
    schema = assay.infer_schema(tmp_path / "old.csv")
    statistics = assay.statistics(tmp_path / "new.csv")
    report = assay.validate(tmp_path / "new.csv", schema)
    drift = assay.drift(tmp_path / "new.csv", tmp_path / "old.csv")
    for shown in (statistics, report, report.rows(), drift):
        assert repr(shown) == str(shown)
        assert len(repr(shown)) < 5000
    assert len(report._repr_html_()) < 20_000
    assert "x" * 1_000_000 in report.findings[0].description


def test_a_schema_in_every_form_that_its_type_names(tmp_path: Path) -> None:
    editor = assay.SchemaEditor(assay.infer_schema(GOOD))
    (tmp_path / "schema.pbtxt").write_text(str(editor.schema))
    for schema in (editor, editor.schema, tmp_path, tmp_path / "schema.pbtxt", str(tmp_path / "schema.pbtxt")):
        assert assay.validate(GOOD, schema).ok
