"""The `component.yaml` beside each component: in step with its declaration, and loaded by KFP."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import components as kfp_components
from kfp import dsl
from kfp.compiler import Compiler

from assay import components
from assay.runners.kfp.descriptors import descriptor, descriptor_path


def described(text: str) -> Any:
    """What a descriptor says, without the version of the SDK that wrote it."""
    document = yaml.safe_load(text)
    del document["sdkVersion"]
    return document


@pytest.fixture
def served() -> Iterator[str]:
    folder = str(Path(components.__file__).parent)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", components.__all__)
def test_is_in_step_with_the_declaration(name: str, update_golden: bool) -> None:
    if update_golden:
        descriptor_path(name).write_text(descriptor(name), encoding="utf-8")
    found = descriptor_path(name).read_text(encoding="utf-8")
    message = "declarations changed: run `python -m assay.runners.kfp.descriptors` and review the diff"
    assert described(descriptor(name)) == described(found), message


@pytest.mark.parametrize("name", components.__all__)
def test_loads_from_a_file_and_from_text(name: str) -> None:
    path = descriptor_path(name)
    spec = getattr(components, name).spec
    for loaded in (
        kfp_components.load_component_from_file(str(path)),
        kfp_components.load_component_from_text(path.read_text(encoding="utf-8")),
    ):
        inputs = set(loaded.component_spec.inputs or {})
        assert set(spec.inputs) | set(spec.parameters) <= inputs
        assert set(spec.outputs) | set(spec.output_parameters) <= set(loaded.component_spec.outputs)


def test_loads_from_a_url(served: str) -> None:
    loaded = kfp_components.load_component_from_url(f"{served}/statistics_gen/component.yaml")
    assert loaded.name == "statistics-gen"


def test_a_loaded_one_is_used_in_a_pipeline(tmp_path: Path) -> None:
    loaded = kfp_components.load_component_from_file(str(descriptor_path("CsvExampleGen")))
    statistics = kfp_components.load_component_from_file(str(descriptor_path("StatisticsGen")))

    def pipeline() -> None:
        statistics(examples=loaded(input_base="gs://lake/trips").outputs["examples"])

    del pipeline.__annotations__["return"]  # text under `from __future__ import annotations`, which KFP cannot read
    Compiler().compile(dsl.pipeline(name="p")(pipeline), str(tmp_path / "p.yaml"))
    tasks = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))["root"]["dag"]["tasks"]
    assert tasks["statistics-gen"]["dependentTasks"] == ["csv-example-gen"]
