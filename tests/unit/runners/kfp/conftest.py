"""Runs a KFP component as KFP's own local code does: its executor input, its placeholders, its reading of outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import pytest
from kfp import dsl
from kfp.local import executor_input_utils, executor_output_utils, placeholder_utils

from assay.runners.kfp import StatisticsGen
from assay.runners.kfp.step import parse_command_line, run_step

COMPANIES = ("Red Cab", "Blue Cab", "Green Cab")


@dataclass
class Task:
    """A task of a component, whose inputs are what other tasks put out."""

    component: Any
    folder: Path
    arguments: dict[str, Any]
    mounts: Path = Path("/")
    exit_code: int = -1
    command: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec = self.component.component.pipeline_spec
        self.spec = next(each for name, each in spec.components.items())
        container = next(iter(spec.deployment_spec.fields["executors"].struct_value.fields.values()))
        listed = container.struct_value.fields["container"].struct_value.fields
        self.template = [each.string_value for key in ("command", "args") for each in listed[key].list_value.values]
        # An optional input that nothing feeds is one that KFP's local code cannot do without.
        for name in list(self.spec.input_definitions.artifacts):
            if name not in self.arguments:
                del self.spec.input_definitions.artifacts[name]
        self.given = executor_input_utils.construct_executor_input(
            component_spec=self.spec,
            arguments=self.arguments,
            task_root=str(self.folder),
            block_input_artifact=False,
        )
        self.given_dict = executor_input_utils.executor_input_to_dict(self.given, self.spec)
        self.command = placeholder_utils.replace_placeholders(
            full_command=self.template,
            executor_input_dict=self.given_dict,
            pipeline_resource_name="a-pipeline-1",
            task_resource_name=self.component.spec.name,
            pipeline_root=str(self.folder.parent),
            unique_pipeline_id="run-1",
        )

    def placed(self, root: str) -> Task:
        """The task with its artifacts in an object store, as KFP's driver names them."""
        for name, listed in self.given.outputs.artifacts.items():
            listed.artifacts[0].uri = f"{root}/{name}"
            self.given_dict["outputs"]["artifacts"][name]["artifacts"][0]["uri"] = f"{root}/{name}"
        self.command[self.command.index("--executor-input") + 1] = json.dumps(self.given_dict)
        return self

    def run(self) -> Task:
        """Runs the step in this process."""
        arguments = [*self.command[3:], "--mounts", str(self.mounts)]
        self.exit_code = run_step(parse_command_line(arguments))
        return self

    @property
    def outputs(self) -> dict[str, Any]:
        """What KFP makes of the step's files."""
        found: dict[str, Any] = executor_output_utils.get_outputs_for_task(self.given, self.spec)
        return found


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., Task]:
    """Gives a function that makes a task of a component with arguments."""
    made: list[Task] = []

    def make(component: Any, /, **arguments: Any) -> Task:
        made.append(Task(component, tmp_path / "root" / f"task-{len(made)}", arguments))
        return made[-1]

    return make


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    """A CSV of 90 trips."""
    folder = tmp_path / "trips"
    folder.mkdir()
    rows = [f"{n % 30 + 0.5},{COMPANIES[n % 3]},{n}" for n in range(90)]
    (folder / "trips.csv").write_text("\n".join(["miles,company,n", *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def examples(trips: Path, task: Callable[..., Task]) -> dsl.Artifact:
    """The trips as Examples."""
    from assay.runners.kfp import CsvExampleGen

    return task(CsvExampleGen, input_base=str(trips)).run().outputs["examples"]


@pytest.fixture
def statistics(examples: dsl.Artifact, task: Callable[..., Task]) -> dsl.Artifact:
    """The statistics of the trips."""
    return task(StatisticsGen, examples=examples).run().outputs["statistics"]


@pytest.fixture
def schema(statistics: dsl.Artifact, task: Callable[..., Task]) -> dsl.Artifact:
    """The schema of the trips."""
    from assay.runners.kfp import SchemaGen

    return task(SchemaGen, statistics=statistics).run().outputs["schema"]


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """An S3 server, which takes longer to start and to stop than most of its tests do."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The file system of an S3 server with an empty bucket `store`, as the environment of a step names it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    filesystem = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)
    if filesystem.exists("store"):  # moto's buckets live as long as the process
        filesystem.rm("store", recursive=True)
    filesystem.mkdir("store")
    return filesystem
