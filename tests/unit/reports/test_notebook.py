"""What notebooks show of artifacts, statistics and runs."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import scenes

import assay
from assay.components import CsvExampleGen, StatisticsGen
from assay.reports import render, show
from assay.runners.local import LocalDagRunner, Silence
from assay.spec import Pipeline


def test_statistics_are_a_table_with_histograms_and_no_script() -> None:
    html = assay.statistics(scenes.rows(40))._repr_html_()
    assert "40 examples, 10 features" in html
    assert html.count("<svg") == 9  # the feature without values has none
    assert "<script" not in html
    assert "&lt;/script&gt;" in html


def test_of_very_many_features_the_first_are_shown() -> None:
    html = assay.statistics(pa.table({f"f{at}": [1] for at in range(130)}))._repr_html_()
    assert "The first 100 of 130 features." in html


def test_an_artifact_shows_its_type_and_rows_and_escapes_what_it_holds(tmp_path: Path) -> None:
    examples = scenes.make_examples(tmp_path / "examples")
    examples.properties["input_fingerprint"] = scenes.HOSTILE
    html = examples._repr_html_()
    assert "<b>Examples</b>" in html
    assert ">50<" in html
    assert "<script" not in html


def test_a_whole_page_is_shown_in_a_frame_of_its_own(tmp_path: Path) -> None:
    schema = scenes.make_schema(tmp_path / "schema")
    shown = show(schema)
    framed = re.fullmatch(
        r'<iframe sandbox="allow-scripts" .* srcdoc="([^"]*)"></iframe>', shown._repr_html_(), re.DOTALL
    )
    assert framed is not None
    assert unescape(framed[1]) == shown.html == render(schema)
    shown.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == shown.html


def test_a_run_shows_its_steps(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pyarrow.csv.write_csv(scenes.rows(60).select(["fare", "trips"]), tmp_path / "data" / "rows.csv")
    examples = CsvExampleGen(input_base=str(tmp_path / "data"))
    statistics = StatisticsGen(examples=examples.outputs["examples"])
    result = LocalDagRunner(progress=Silence()).run(Pipeline("trips", tmp_path / "root", [examples, statistics]))
    html = result._repr_html_()
    assert "passed" in html
    assert html.index("CsvExampleGen") < html.index("StatisticsGen")
    assert "<script" not in html
