"""What goes wrong around a step on a cluster: rights, machines that go away, numbers that JSON lacks, odd places."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
from kfp import dsl

from assay.artifacts import Artifact, ArtifactType, Examples, Model
from assay.artifacts.types import PropertyDeclaration
from assay.errors import ArtifactError
from assay.runners.kfp import CsvExampleGen, StatisticsGen, component_of
from assay.runners.kfp.executor_io import RuntimeArtifact
from assay.runners.kfp.storage import Places
from assay.spec import ExecutionContext, Input, Output, component
from raising import raises

MakeTask = Callable[..., Any]


def changed(made: Any, change: Callable[[dict[str, Any]], object]) -> Any:
    """The task with another executor input."""
    change(made.given_dict)
    made.command[made.command.index("--executor-input") + 1] = json.dumps(made.given_dict)
    return made


class TestNumbers:
    def test_an_output_that_is_not_finite(self, task: MakeTask) -> None:
        """KFP's launcher reads protobuf's JSON, and would fail a step that did its work without saying where."""
        made = task(component_of(Measure), value="nan")
        with raises("kfp.not_finite", "Measure.score", "nan"):
            made.run()
        assert not Path(made.given.outputs.artifacts["figures"].artifacts[0].uri).exists()

    def test_properties_that_are_not_finite_or_nothing_are_not_shown(self, task: MakeTask) -> None:
        made = task(component_of(Measure), value="0.5").run()
        text = Path(made.given.outputs.output_file).read_text(encoding="utf-8")
        metadata = json.loads(text, parse_constant=pytest.fail)["artifacts"]["figures"]["artifacts"][0]["metadata"]
        assert {key: metadata[key] for key in metadata if key in {"finite", "limit", "nothing"}} == {"finite": 0.5}


class TestRights:
    def test_an_input_that_may_not_be_looked_at(self, examples: dsl.Artifact, task: MakeTask) -> None:
        """What stands in the way is the name's length: root, as whom tests may run, may look at everything."""
        wired = [{"uri": f"/{'x' * 300}"}]
        made = task(StatisticsGen, examples=examples)
        changed(made, lambda given: given["inputs"]["artifacts"]["examples"].update(artifacts=wired))
        with raises("kfp.unreadable", "StatisticsGen.examples", "too", "long"):
            made.run()

    def test_artifacts_that_may_not_be_written(self, trips: Path, task: MakeTask, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        made = task(CsvExampleGen, input_base=str(trips)).placed(str(tmp_path / "file" / "below"))
        with raises("kfp.not_written"):
            made.run()

    def test_a_document_that_may_not_be_written(self, trips: Path, task: MakeTask, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        made = task(CsvExampleGen, input_base=str(trips))
        changed(made, lambda given: given["outputs"].update(outputFile=str(tmp_path / "file" / "out.json")))
        with raises("artifact.write_failed", "out.json"):
            made.run()


class TestPlaces:
    def test_several_artifacts_where_one_is_taken(self, examples: dsl.Artifact, task: MakeTask) -> None:
        def twice(given: dict[str, Any]) -> None:
            given["inputs"]["artifacts"]["examples"]["artifacts"] *= 2

        with raises("kfp.one_artifact", "StatisticsGen.examples", "2", kind=ArtifactError):
            changed(task(StatisticsGen, examples=examples), twice).run()

    def test_a_model_of_another_author(self, tmp_path: Path, task: MakeTask) -> None:
        """Its trainer says what it wrote; until then the message says how."""
        (tmp_path / "model" / "Format-Serving").mkdir(parents=True)
        (tmp_path / "model" / "Format-Serving" / "saved_model.pb").write_text("weights")
        model = dsl.Model(name="model", uri=str(tmp_path / "model"))
        with raises("kfp.not_an_artifact", "artifact_type", "Model"):
            task(component_of(Weigh), model=model).run()
        model.metadata["artifact_type"] = "Model"
        assert task(component_of(Weigh), model=model).run().outputs["given"] is True

    def test_metadata_as_a_server_hands_them_on(self, tmp_path: Path, task: MakeTask) -> None:
        """Its store makes numbers of truth values, and wraps lists and structs; `kfp.local` keeps all as they are."""
        (tmp_path / "kept").mkdir()
        (tmp_path / "kept" / "a.txt").write_text("x")
        kept = {"flag": 1.0, "number": 3.0, "names": {"list": ["a"]}, "sizes": {"struct": {"a": 1.0}}}
        wired = dsl.Artifact(name="x", uri=str(tmp_path / "kept"), metadata={"artifact_type": "Kept", **kept})
        outputs = task(component_of(Tell), kept=wired).run().outputs
        assert outputs["properties"] == {"flag": True, "number": 3, "names": ["a"], "sizes": {"a": 1.0}}

    def test_a_place_that_is_no_text(self, examples: dsl.Artifact, task: MakeTask) -> None:
        def none(given: dict[str, Any]) -> None:
            given["outputs"]["artifacts"]["statistics"]["artifacts"][0]["uri"] = None

        with raises("kfp.executor_input", "--executor-input"):
            changed(task(StatisticsGen, examples=examples), none).run()

    def test_a_path_of_its_own(self, examples: dsl.Artifact, task: MakeTask) -> None:
        def elsewhere(given: dict[str, Any]) -> None:
            given["inputs"]["artifacts"]["examples"]["artifacts"][0] |= {"uri": "s3://b/e", "customPath": examples.path}

        assert changed(task(StatisticsGen, examples=examples), elsewhere).run().exit_code == 0

    def test_the_workspace_of_a_run(self, examples: dsl.Artifact, task: MakeTask, tmp_path: Path) -> None:
        """`dsl.importer(download_to_workspace=True)`; see KFP's own `Artifact.path`."""
        there = tmp_path / "mounts" / "kfp-workspace" / ".artifacts" / "s3" / "b"
        there.mkdir(parents=True)
        Path(examples.path).rename(there / "e")
        wired = RuntimeArtifact(uri="s3://b/e", metadata={"_kfp_workspace": True})
        assert Places(tmp_path, tmp_path / "mounts").find(wired) == there / "e"

    def test_a_model_in_an_image(self, tmp_path: Path) -> None:
        """As KFP's launcher names it; its SDK does since 2.14."""
        uri = "oci://registry.example.com/models/taxi:1"
        there = tmp_path / "oci" / "registry.example.com_models_taxi:1" / "models"
        there.mkdir(parents=True)
        assert Places(tmp_path, tmp_path).find(RuntimeArtifact(uri=uri)) == there


def test_pages_and_properties_name_places_that_outlive_the_step(
    s3: Any, examples: dsl.Artifact, task: MakeTask, tmp_path: Path
) -> None:
    """A reader of KFP's interface has no use for a path in a container that is gone."""
    s3.put(f"{examples.path}/", "store/run/gen/examples", recursive=True)
    stored = dsl.Dataset(name="examples", uri="s3://store/run/gen/examples")
    made = task(component_of(Note), examples=stored).placed("s3://store/run/note").run()
    assert made.outputs["statistics"].metadata["seen"] == "s3://store/run/gen/examples"
    task(StatisticsGen, examples=stored).placed("s3://store/run/stats").run()
    page = s3.cat_file("store/run/stats/html_report").decode()
    assert "s3://store/run/stats/statistics" in page
    assert "assay-step-" not in page


def test_a_machine_that_is_taken_away(task: MakeTask, step_path: str, tmp_path: Path) -> None:
    """The user's code runs inside of what turns its errors into messages; this is none of them."""
    made = task(component_of(Wait), ready=str(tmp_path / "ready"))
    process = subprocess.Popen(
        [sys.executable, *made.command[1:]],
        env=os.environ | {"PYTHONPATH": step_path},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    while not (tmp_path / "ready").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=300)
    assert (process.returncode, said.startswith("Error: The step was stopped from outside (SIGTERM")) == (143, True)


class Notes(Artifact):
    declaration = ArtifactType("Notes", layout=("*.txt",), properties={"seen": PropertyDeclaration("string")})


@component
def Note(examples: Input[Examples], statistics: Output[Notes]) -> None:  # noqa: N802
    """Notes where its input lies."""
    (statistics.path / "notes.txt").write_text("seen")
    statistics.properties["seen"] = examples.uri


class Kept(Artifact):
    kinds: ClassVar[dict[str, Any]] = {"flag": "bool", "number": "int", "names": "list", "sizes": "map"}
    declaration = ArtifactType(
        "Kept", layout=("*.txt",), properties={name: PropertyDeclaration(kind) for name, kind in kinds.items()}
    )


class Told(NamedTuple):
    properties: dict[str, Any]


@component
def Tell(kept: Input[Kept]) -> Told:  # noqa: N802
    """Tells its input's properties."""
    return Told(dict(kept.properties))


class Weighed(NamedTuple):
    given: bool


@component
def Weigh(model: Input[Model]) -> Weighed:  # noqa: N802
    """Looks for the weights."""
    return Weighed((model.serving_path / "saved_model.pb").is_file())


class Score(NamedTuple):
    score: float


class Figures(Artifact):
    declaration = ArtifactType("Figures", layout=("*.txt",))


@component
def Measure(figures: Output[Figures], *, value: str) -> Score:  # noqa: N802
    """Puts out a number."""
    (figures.path / "figures.txt").write_text(value)
    figures.properties |= {"finite": 0.5, "limit": float("inf"), "nothing": None}
    return Score(float(value))


@component
def Wait(context: ExecutionContext, examples: Output[Examples], *, ready: str) -> None:  # noqa: N802
    """Waits."""
    Path(ready).touch()
    time.sleep(120)
