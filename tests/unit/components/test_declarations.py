"""What cannot work is rejected when a pipeline is declared, not after hours of training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assay.artifacts import Artifact, Examples, Model, Schema, TransformCache
from assay.components import (
    BulkInferrer,
    CsvExampleGen,
    Evaluator,
    ExampleValidator,
    ImportExampleGen,
    ImportSchemaGen,
    InfraValidator,
    Pusher,
    SchemaGen,
    StatisticsGen,
    Trainer,
    Transform,
)
from assay.components.example_gen.config import PayloadFormat
from assay.components.infra_validator import (
    LocalDockerConfig,
    RequestSpec,
    ServingSpec,
    TensorFlowServing,
)
from assay.errors import UsageError
from assay.spec import Importer, RuntimeParameter
from raising import raises

CONFIG = {
    "model_specs": [{"label_key": "label"}],
    "slicing_specs": [{}],
    "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
}


def given(artifact_type: type[Artifact]) -> Any:
    return Importer(source_uri="somewhere", artifact_type=artifact_type).outputs["result"]


DECLARATIONS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "fairness": (
        lambda: Evaluator(
            examples=given(Examples), model=given(Model), eval_config=CONFIG, fairness_indicator_thresholds=[0.5]
        ),
        ("component.refused_argument", "FairnessIndicators"),
    ),
    "tf_compat_v1": (
        lambda: Transform(examples=given(Examples), schema=given(Schema), module_file="m.py", force_tf_compat_v1=True),
        ("component.refused_argument", "force_tf_compat_v1"),
    ),
    "unread cache": (
        lambda: Transform(
            examples=given(Examples), schema=given(Schema), module_file="m.py", analyzer_cache=given(TransformCache)
        ),
        ("transform.cache_disabled",),
    ),
    "sequence examples": (
        lambda: ImportExampleGen(input_base="data", payload_format=PayloadFormat.FORMAT_TF_SEQUENCE_EXAMPLE),
        ("example_gen.payload_format", "FORMAT_TF_SEQUENCE_EXAMPLE"),
    ),
    "records of another proto": (
        lambda: ImportExampleGen(input_base="data", payload_format=PayloadFormat.FORMAT_PROTO),
        ("example_gen.payload_format", "FORMAT_PROTO"),
    ),
    "ignored docker settings": (
        lambda: LocalDockerConfig(client_base_url="tcp://x"),
        ("infra_validator.docker", "client_base_url"),
    ),
    "docker without an image": (
        lambda: InfraValidator(model=given(Model), serving_spec=ServingSpec(local_docker=LocalDockerConfig())),
        ("infra_validator.container",),
    ),
    "two images": (
        lambda: InfraValidator(
            model=given(Model), serving_spec=ServingSpec(tensorflow_serving=TensorFlowServing(tags=["1", "2"]))
        ),
        ("infra_validator.images", "2"),
    ),
    "warm-up without examples": (
        lambda: InfraValidator(model=given(Model), request_spec=RequestSpec(make_warmup=True)),
        ("infra_validator.warmup",),
    ),
}


@pytest.mark.parametrize("case", DECLARATIONS)
def test_what_cannot_work_is_rejected_at_the_declaration(case: str) -> None:
    declare, expected = DECLARATIONS[case]
    with raises(*expected):
        declare()


def test_an_argument_of_tfx_at_its_default_is_accepted() -> None:
    Evaluator(examples=given(Examples), model=given(Model), eval_config=CONFIG, fairness_indicator_thresholds=None)
    Transform(examples=given(Examples), schema=given(Schema), module_file="m.py", force_tf_compat_v1=False)
    cache = RuntimeParameter("no_cache", bool, False)  # known when the pipeline runs
    Transform(
        examples=given(Examples),
        schema=given(Schema),
        module_file="m.py",
        analyzer_cache=given(TransformCache),
        disable_analyzer_cache=cache,
    )


def rows(tmp_path: Path, **arguments: Any) -> Any:
    (tmp_path / "data.csv").write_text("a\n1\n")
    return CsvExampleGen(input_base=str(tmp_path), **arguments).outputs["examples"]


def transform(examples: Any, **arguments: Any) -> Any:
    return Transform(examples=examples, schema=SCHEMA, module_file="module.py", **arguments)


def train(examples: Any, **arguments: Any) -> Any:
    return Trainer(**{"examples": examples, "module_file": "m.py", "train_args": {}, "eval_args": {}} | arguments)


SCHEMA = ImportSchemaGen(schema_file="schema.pbtxt").outputs["schema"]
TWO = {"split_config": {"splits": [{"name": "fit", "hash_buckets": 1}, {"name": "test", "hash_buckets": 1}]}}


def test_an_output_that_stays_empty_feeds_no_step(tmp_path: Path) -> None:
    graph = transform(rows(tmp_path), materialize=False)
    with raises("node.empty_output", "materialize", "so", "only"):
        train(graph.outputs["transformed_examples"], transform_graph=graph.outputs["transform_graph"])
    with raises("node.empty_output", "materialize"):
        StatisticsGen(examples=graph.outputs["transformed_examples"])
    train(rows(tmp_path), transform_graph=graph.outputs["transform_graph"])
    quiet = transform(rows(tmp_path), disable_statistics=True)
    with raises("node.empty_output", "disable_statistics"):
        SchemaGen(statistics=quiet.outputs["pre_transform_stats"])
    train(quiet.outputs["transformed_examples"])
    later = transform(rows(tmp_path), materialize=RuntimeParameter("materialize", bool))
    train(later.outputs["transformed_examples"])


@pytest.mark.parametrize(
    ("declare", "named", "code"),
    [
        (lambda r: train(r(), eval_args={"splits": ["evl"]}), ("eval_args", "evl"), "trainer.unknown_split"),
        (lambda r: train(r(output_config=TWO)), ("train_args", "train"), "trainer.unknown_split"),
        (
            lambda r: train(transform(r(), splits_config={"transform": ["train"]}).outputs["transformed_examples"]),
            ("eval_args", "eval"),
            "trainer.unknown_split",
        ),
        (lambda r: transform(r(output_config=TWO)), ("splits_config", "train"), "transform.unknown_split"),
        (
            lambda r: BulkInferrer(
                examples=r(), model=train(r()).outputs["model"], data_spec={"example_splits": ["x"]}
            ),
            ("data_spec.example_splits", "x"),
            "bulk_inferrer.split",
        ),
        (
            lambda r: Evaluator(
                examples=r(output_config=TWO), model=train(r()).outputs["model"], eval_config={"slicing_specs": [{}]}
            ),
            ("example_splits", "eval"),
            "evaluator.unknown_split",
        ),
    ],
)
def test_a_split_that_the_examples_will_not_have(
    tmp_path: Path, declare: Any, named: tuple[str, ...], code: str
) -> None:
    with raises(code, *named, kind=UsageError):
        declare(partial(rows, tmp_path))


def test_excluded_splits_are_checked_where_they_are_declared(tmp_path: Path) -> None:
    def statistics(**arguments: Any) -> Any:
        return StatisticsGen(examples=rows(tmp_path), **arguments).outputs["statistics"]

    with raises("splits.unknown", "evl"):
        statistics(exclude_splits=["evl"])
    with raises("splits.none_left", "exclude_splits"):
        statistics(exclude_splits=["eval", "train"])
    train_only = statistics(exclude_splits=["eval"])
    SchemaGen(statistics=train_only, exclude_splits=[])
    for declare in (SchemaGen, partial(ExampleValidator, schema=SCHEMA)):
        with raises("splits.unknown", "eval"):
            declare(statistics=train_only, exclude_splits=["eval"])
    statistics(exclude_splits=RuntimeParameter("excluded", str))


def test_splits_that_only_the_run_knows_are_left_to_it(tmp_path: Path) -> None:
    train(CsvExampleGen(input_base="not there").outputs["examples"], eval_args={"splits": ["test"]})
    named = {"name": RuntimeParameter("name", str), "hash_buckets": 1}
    later = rows(tmp_path, output_config={"split_config": {"splits": [named]}})
    train(later, eval_args={"splits": ["test"]})
    (tmp_path / "Split-test").mkdir()
    train(rows(tmp_path), train_args={"splits": ["test"]}, eval_args={"splits": ["test"]})
    two = rows(tmp_path, input_config={"splits": [{"name": "fit", "pattern": "a*"}, {"name": "test", "pattern": "b*"}]})
    train(two, train_args={"splits": ["fit"]}, eval_args={"splits": ["test"]})


@pytest.mark.parametrize("arguments", [{"module_file": None}, {"run_fn": "package.module.run_fn"}])
def test_a_trainer_has_one_place_of_its_function(tmp_path: Path, arguments: Any) -> None:
    with raises("user_code.place", "module_file", "run_fn"):
        train(rows(tmp_path), **arguments)
    with raises("user_code.place", "module_file", "preprocessing_fn"):
        transform(rows(tmp_path), preprocessing_fn="package.module.preprocessing_fn")


def config(**metric: Any) -> dict[str, Any]:
    return {
        "model_specs": [{"label_key": "label"}],
        "metrics_specs": [{"metrics": [{"class_name": "AUC"} | metric]}],
    }


@pytest.mark.parametrize(
    ("given", "named", "code"),
    [
        (config(class_name="AUCC"), ("AUCC",), "eval_config.unknown_metric"),
        (
            config(threshold={"value_threshold": {"lower_bound": 80}}),
            ("80",),
            "eval_config.out_of_range",
        ),
    ],
)
def test_a_configuration_that_no_model_could_be_judged_by(
    tmp_path: Path, given: Any, named: tuple[str, ...], code: str
) -> None:
    examples = rows(tmp_path)
    model = train(examples).outputs["model"]
    with raises(code, *named, kind=UsageError):
        Evaluator(examples=examples, model=model, eval_config=given)
    Evaluator(examples=examples, model=model, eval_config=given, engine="tfma")
    Evaluator(examples=examples, model=model, eval_config=given, module_file="extractors.py")


def test_an_evaluator_needs_a_model_or_predictions(tmp_path: Path) -> None:
    with raises("evaluator.no_model"):
        Evaluator(examples=rows(tmp_path), eval_config=config())


def test_a_file_is_no_place_to_push_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("file", "file/below"):
        with raises("push_destination.not_a_folder"):
            Pusher(model=given(Model), push_destination={"filesystem": {"base_directory": str(tmp_path / place)}})
    Pusher(model=given(Model), push_destination={"filesystem": {"base_directory": str(tmp_path / "new" / "folder")}})
    Pusher(model=given(Model), push_destination={"filesystem": {"base_directory": "s3://bucket/models"}})
