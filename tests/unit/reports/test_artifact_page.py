from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import assay
from assay.artifacts import Artifact, ArtifactType, ExampleAnomalies, Examples, ExampleStatistics, Schema
from assay.artifacts.store import Producer, seal
from assay.errors import ArtifactError
from assay.reports import TEMPLATE_VERSION, render
from raising import raises

Tables = Callable[[str], list[dict[str, Any]]]


def test_a_page_is_one_file_that_asks_nothing_of_a_network(statistics: ExampleStatistics) -> None:
    html = render(statistics.path)
    assert html.startswith("<!doctype html>")
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', html)
    assert "url(" not in html
    assert "@import" not in html
    assert f"report {TEMPLATE_VERSION}" in html


def test_the_features_that_differ_most_come_first(statistics: ExampleStatistics, tables: Tables) -> None:
    features = tables(render(statistics))[0]
    assert [column[0] for column in features["columns"]][:5] == ["Feature", "Type", "Distribution", "", "Differs"]
    assert features["sort"] == -5
    assert features["series"] == ["train", "eval"]
    row = next(row for row in features["rows"] if row[0][0] == "fare")
    assert row[5] == [0.125, 0.2]  # missing, of 8 and of 5 examples
    assert row[3] == ["train", "eval"]


def test_script_in_values_stays_text(statistics: ExampleStatistics, tables: Tables) -> None:
    html = render(statistics)
    assert "<script>window.broken" not in html
    assert "<img" not in html
    kind = next(row for row in tables(html)[0]["rows"] if row[0][0] == "kind")
    assert any("</script><script>" in value[0] for value in kind[-1][1])


def test_an_artifact_that_tfx_wrote_is_known_by_its_files(schema: Schema, anomalies: ExampleAnomalies) -> None:
    assert '<p class="kind">Schema</p>' in render(schema.path)
    (anomalies.path / "verdict.json").unlink()
    assert '<p class="kind">Example anomalies</p>' in render(anomalies.path)


def test_anomalies_have_their_evidence(
    anomalies: ExampleAnomalies, statistics: ExampleStatistics, tables: Tables
) -> None:
    html = render(anomalies)
    assert "not at hand" in html  # no run's record tells which statistics were validated
    shown = render(anomalies, related={"statistics": statistics})
    assert "not at hand" not in shown
    checks = tables(shown)[0]
    failed = [row for row in checks["rows"] if row[1][0] == "failed"]
    assert failed
    assert failed == checks["rows"][: len(failed)]


def test_an_unexpected_value_is_shown_with_rows_that_have_it(
    tmp_path: Path, anomalies: ExampleAnomalies, statistics: ExampleStatistics, rows: pa.Table, tables: Tables
) -> None:
    examples = Examples(tmp_path / "examples")
    lists = rows.set_column(1, "kind", pa.array([[kind] if kind else None for kind in rows["kind"].to_pylist()]))
    for shown in (rows, lists):
        with examples.writer("train", shown.schema) as writer:
            for batch in shown.to_batches():
                writer.write(batch)
        html = render(anomalies, related={"statistics": statistics, "examples": examples})
        kind = next(row for row in tables(html)[0]["rows"] if row[0] == ["kind", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"])
        found = next(part for part in kind[-1] if part and str(part[0]).startswith("Row "))
        assert found[0].startswith("Row 3: kind: </script>")
        assert found[1] == "Row 7: kind: نقد, fare: 30, count: 2"


def test_the_page_of_an_unknown_type_has_its_properties_and_files(tmp_path: Path, tables: Tables) -> None:
    class RowReport(Artifact):
        declaration = ArtifactType("RowReport", layout=("rows.txt",))

    made = RowReport(tmp_path / "staging")
    made.path.mkdir()
    (made.path / "rows.txt").write_text("12")
    seal(made, tmp_path / "sealed", Producer(node_id="CountRows", output_key="report", pipeline="taxi", run_id="r1"))
    html = render(tmp_path / "sealed")
    assert "CountRows.report" in html
    assert tables(html)[-1]["rows"][0][:2] == ["rows.txt", 2]


def test_a_folder_that_is_no_artifact_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with raises("report.unknown", "notes.txt", kind=ArtifactError):
        render(tmp_path)
    with raises("report.no_folder"):
        render(tmp_path / "gone")


@pytest.mark.parametrize("rows", [0, 1])
def test_statistics_of_next_to_nothing_are_shown(tmp_path: Path, rows: int, tables: Tables) -> None:
    table = pa.table({"a": pa.array([1.0] * rows, pa.float64()), "b": pa.array(["x"] * rows, pa.string())})
    artifact = ExampleStatistics(tmp_path / "statistics")
    artifact.write("train", assay.statistics(table).proto)
    features = tables(render(artifact.path))[0]
    assert len(features["rows"]) in {0, 2}  # without a row there may be no features


def test_of_many_features_the_quick_divergence_is_the_one_that_a_few_have(tmp_path: Path, tables: Tables) -> None:
    def page(copies: int) -> dict[str, Any]:
        first = {f"{name}{at}": values for at in range(copies) for name, values in COLUMNS.items()}
        artifact = ExampleStatistics(tmp_path / str(copies))
        for split, count in (("train", 40), ("eval", 15)):
            artifact.write(split, assay.statistics(pa.table(first).slice(0, count)).proto)
        return {row[0][0]: row[4] for row in tables(render(artifact))[0]["rows"]}

    few, many = page(1), page(101)
    assert len(many) > 300
    assert {name: many[name] for name in few} == few
    assert many["text100"] == many["text0"] > 0


COLUMNS = {
    "number": [float(at * at % 37) for at in range(40)],
    "text": [f"value {at // 3}" for at in range(40)],
    "empty": pa.array([None] * 40, pa.float64()),
}
