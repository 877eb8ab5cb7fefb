"""What cannot work is rejected when a pipeline is declared, not after hours of training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assay.artifacts import Artifact, Examples, Model, Schema, TransformCache
from assay.components import Evaluator, ImportExampleGen, InfraValidator, Transform
from assay.components.example_gen.config import PayloadFormat
from assay.components.infra_validator import (
    LocalDockerConfig,
    RequestSpec,
    ServingSpec,
    TensorFlowServing,
)
from assay.errors import UsageError
from assay.spec import Importer, RuntimeParameter

CONFIG = {
    "model_specs": [{"label_key": "label"}],
    "slicing_specs": [{}],
    "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
}


def given(artifact_type: type[Artifact]) -> Any:
    return Importer(source_uri="somewhere", artifact_type=artifact_type).outputs["result"]


DECLARATIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "fairness": (
        lambda: Evaluator(
            examples=given(Examples), model=given(Model), eval_config=CONFIG, fairness_indicator_thresholds=[0.5]
        ),
        "FairnessIndicators",
    ),
    "tf_compat_v1": (
        lambda: Transform(examples=given(Examples), schema=given(Schema), module_file="m.py", force_tf_compat_v1=True),
        "TensorFlow 2 function",
    ),
    "unread cache": (
        lambda: Transform(
            examples=given(Examples), schema=given(Schema), module_file="m.py", analyzer_cache=given(TransformCache)
        ),
        "it would not be read",
    ),
    "sequence examples": (
        lambda: ImportExampleGen(input_base="data", payload_format=PayloadFormat.FORMAT_TF_SEQUENCE_EXAMPLE),
        "FORMAT_TF_SEQUENCE_EXAMPLE",
    ),
    "records of another proto": (
        lambda: ImportExampleGen(input_base="data", payload_format=PayloadFormat.FORMAT_PROTO),
        "not FORMAT_PROTO",
    ),
    "ignored docker settings": (lambda: LocalDockerConfig(client_base_url="tcp://x"), "client_base_url"),
    "docker without an image": (
        lambda: InfraValidator(model=given(Model), serving_spec=ServingSpec(local_docker=LocalDockerConfig())),
        "names no image",
    ),
    "two images": (
        lambda: InfraValidator(
            model=given(Model), serving_spec=ServingSpec(tensorflow_serving=TensorFlowServing(tags=["1", "2"]))
        ),
        "names 2 images",
    ),
    "warm-up without examples": (
        lambda: InfraValidator(model=given(Model), request_spec=RequestSpec(make_warmup=True)),
        "none are wired",
    ),
}


@pytest.mark.parametrize("case", DECLARATIONS)
def test_what_cannot_work_is_rejected_at_the_declaration(case: str) -> None:
    declare, said = DECLARATIONS[case]
    with pytest.raises(UsageError, match=said):
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
