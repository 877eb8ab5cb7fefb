"""Every page as a user gets it: of artifacts of every kind, and of a root whose pipeline ran three times."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv
import scenes

import assay
from assay.artifacts import Artifact
from assay.cli.pages.site import FileAddresses, open_site
from assay.components import CsvExampleGen, ExampleValidator, SchemaGen, StatisticsGen
from assay.reports import render, to_html
from assay.reports.comparison_page import comparison_page
from assay.runners.local import LocalDagRunner, Silence
from assay.spec import Pipeline


def run_three_times(folder: Path) -> Path:
    """The root of a pipeline that ran on new data each time."""
    root = folder / "root"
    (folder / "data").mkdir()
    for at in range(3):
        pyarrow.csv.write_csv(scenes.rows(200, 2.0 * at).drop(["empty"]), folder / "data" / "rows.csv")
        examples = CsvExampleGen(input_base=str(folder / "data"))
        statistics = StatisticsGen(examples=examples.outputs["examples"])
        schema = SchemaGen(statistics=statistics.outputs["statistics"])
        anomalies = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
        pipeline = Pipeline("trips", root, [examples, statistics, schema, anomalies])
        assert LocalDagRunner(progress=Silence()).run(pipeline).ok
    return root


def every_page(made: Path, root: Path) -> dict[str, str]:
    """The HTML of each page by its name; the artifacts that they show are made in the folder `made`."""
    schema = scenes.make_schema(made / "schema")
    statistics = scenes.make_statistics(made / "statistics")
    one_row = scenes.ExampleStatistics(made / "one_row")
    one_row.write("train", assay.statistics(scenes.rows(1)).proto)
    changed = scenes.Schema(made / "changed")
    changed.path.mkdir()
    changed.write(assay.infer_schema(scenes.rows(7).drop(["fare"])))
    shown: dict[str, Artifact] = {
        "statistics": statistics,
        "one_row": one_row,
        "schema": schema,
        "examples": scenes.make_examples(made / "examples"),
        "quarantine": scenes.make_quarantine(made / "quarantine"),
        "model_run": scenes.make_model_run(made / "model_run"),
        "evaluation": scenes.make_evaluation(made / "evaluation"),
        "blessing": scenes.make_blessing(made / "blessing"),
        "transform_graph": scenes.make_transform_graph(made / "transform_graph", schema),
        "model": scenes.make_model(made / "model"),
        "pushed_model": scenes.make_pushed_model(made / "pushed_model"),
        "hyperparameters": scenes.make_hyperparameters(made / "hyperparameters"),
        "predictions": scenes.make_predictions(made / "predictions"),
    }
    pages = {name: render(artifact) for name, artifact in shown.items()}
    anomalies = scenes.make_anomalies(made / "anomalies", schema)
    pages["anomalies"] = render(anomalies, related={"statistics": statistics})
    pages["schema_difference"] = to_html(comparison_page(changed.path, schema.path))
    pages["comparison"] = to_html(comparison_page(one_row.path, statistics.path))
    return pages | pages_of_runs(root)


def pages_of_runs(root: Path) -> dict[str, str]:
    with open_site(root) as site:
        last = site.records()[-1]["run_id"]
        artifacts = FileAddresses(frozenset(range(1, 30)), "pages/")
        return {
            "run": site.run(last, artifacts),
            "history": site.pipeline("trips", artifacts),
            "lineage": site.artifact(2, artifacts),
            "root": site.home(artifacts),
        }
