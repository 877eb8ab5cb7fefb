"""What Kubeflow may take from an earlier run: it compares values, and sees none of the files that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from kfp import dsl
from kfp.compiler import Compiler

from assay.components import Evaluator, ParquetExampleGen, StatisticsGen
from assay.kernels.statistics import StatisticsOptions
from assay.runners import kfp as steps
from assay.runners.kfp.components import is_cacheable as may_cache
from assay.spec.node import ComponentNode


def is_cacheable(node: ComponentNode) -> bool:
    return may_cache(node.spec, node.arguments)


def test_statistics_without_vocabularies() -> None:
    examples = ParquetExampleGen(input_base="data").outputs["examples"]
    assert is_cacheable(StatisticsGen(examples=examples))
    assert is_cacheable(StatisticsGen(examples=examples, stats_options=StatisticsOptions(num_top_values=3)))
    of_words = StatisticsOptions(vocab_paths={"companies": "elsewhere/words.txt"})
    assert not is_cacheable(StatisticsGen(examples=examples, stats_options=of_words))


def test_evaluations_whose_configuration_is_a_value(tmp_path: Path) -> None:
    def cacheable(config: Any, **more: Any) -> bool:
        examples = ParquetExampleGen(input_base="data").outputs["examples"]
        return is_cacheable(Evaluator(examples=examples, eval_config=config, **more))

    specs = {"model_specs": [{"label_key": "label", "prediction_key": "p"}]}
    plain = specs | {"metrics_specs": [{"metrics": [{"class_name": "AUC"}]}]}
    assert cacheable(plain)
    own = {"class_name": "Cost", "module": str(tmp_path / "costs.py")}
    assert not cacheable(specs | {"metrics_specs": [{"metrics": [own]}]})
    (tmp_path / "waivers.yaml").write_text("[]")
    assert not cacheable(plain, waivers_file=str(tmp_path / "waivers.yaml"))


def test_steps_inside_of_an_authors_pipeline(tmp_path: Path) -> None:
    """KFP caches every step unless it is told not to: a resolver would find its first answer for ever."""
    (tmp_path / "schema.pbtxt").write_text("")

    def declared(data: str = "s3://lake"):  # type: ignore[no-untyped-def]  # noqa: ANN202 (KFP reads no annotations that are text)
        raw = dsl.importer(artifact_uri="s3://b/raw", artifact_class=dsl.Dataset).output
        baseline = steps.LatestBlessedModel(registry="s3://ml/registry").outputs["model"]
        examples = steps.CsvExampleGen(input_base="s3://lake").outputs["examples"]
        steps.StatisticsGen(examples=examples)
        steps.ParquetExampleGen(input_base_artifact=raw)
        steps.ImportSchemaGen(schema_file=str(tmp_path / "schema.pbtxt"))
        steps.ImportSchemaGen(schema_file="s3://lake/schema.pbtxt")
        steps.Evaluator(examples=examples, baseline_model=baseline, eval_config={"model_specs": [{"label_key": data}]})
        steps.Pusher(model=baseline, push_destination={"filesystem": {"base_directory": "/models"}})
        steps.CsvExampleGen(input_base="s3://frozen").set_caching_options(enable_caching=True)

    declared.__annotations__ = {"data": str}
    Compiler().compile(dsl.pipeline(name="p")(declared), str(tmp_path / "p.yaml"))
    tasks = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))["root"]["dag"]["tasks"]
    cached = {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}
    assert cached - {"importer"} == {"statistics-gen", "parquet-example-gen", "import-schema-gen", "csv-example-gen-2"}
