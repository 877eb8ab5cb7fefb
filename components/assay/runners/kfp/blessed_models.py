"""Where runs on a cluster find the models that earlier runs blessed: a folder (or URL) of records, or a lineage store.

KFP gives a step no way to ask for artifacts of other runs. A step that blesses a model therefore records it in a place
that all runs share, and the step `LatestBlessedModel` looks there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.artifacts.base import Artifact
from assay.errors import ArtifactError, LineageError
from assay.files import write_durably
from assay.runners.kfp.storage import open_store

if TYPE_CHECKING:
    from assay.lineage import LineageStore
    from assay.lineage.records import NewArtifact

# The environment variable that names the registry, so that a database's password may come from a secret.
VARIABLE = "ASSAY_REGISTRY"
_DATABASES = {"postgresql", "sqlite", "mysql"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An artifact by where it lies and what it holds."""

    uri: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """A model that was blessed, with its blessing."""

    model: Placed
    blessing: Placed


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedStep:
    """A step that ended well, for the registry.

    Attributes:
        inputs: Artifacts that it read, with their places, by key.
        outputs: Artifacts that it gave, with their places, by key.
        output_parameters: Values that it put out.
        exit_code: What the gate asks for that it closed; 0 otherwise.
    """

    inputs: Mapping[str, tuple[tuple[Artifact, str], ...]]
    outputs: Mapping[str, tuple[Artifact, str]]
    output_parameters: Mapping[str, Any]
    exit_code: int = 0

    def blessed(self) -> RegisteredModel | None:
        """Return the model that the step blessed, if any."""
        for blessing, uri in self.outputs.values():
            if blessing.type_name == "ModelBlessing" and blessing.properties.get("blessed") == 1:
                digest = blessing.properties.get("current_model_digest")
                for found in self.inputs.values():
                    for model, where in found:
                        if model.type_name == "Model" and model.digest == digest:
                            return RegisteredModel(
                                model=Placed(uri=where, digest=model.digest),
                                blessing=Placed(uri=uri, digest=blessing.digest),
                            )
        return None


@dataclass(slots=True, kw_only=True)
class StepRecord:
    """What a registry holds of a step: all of it in a lineage store; in a folder, only a model that it blessed.

    In a lineage store a step is RUNNING from its start, so that one that is killed is not missing there. The run stands
    as its steps do: Kubeflow tells none of them how it ended.

    Attributes:
        registry: Where it is kept; empty for nowhere.
        execution: The step's number in the lineage store.
        parameters: The step's parameters.
    """

    registry: str
    pipeline: str
    run_id: str
    node: str
    component: str
    execution: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def start(self, inputs: Mapping[str, tuple[tuple[Artifact, str], ...]], parameters: Mapping[str, Any]) -> None:
        """Record that the step runs, and the steps whose artifacts it reads that KFP took from its cache.

        Raises:
            LineageError: If the store cannot be written.
        """
        if not is_database(self.registry):
            return
        self.parameters = parameters
        with _lineage_store(self.registry) as store:
            self.run_id = self.run_id or f"{self.pipeline}-{time.time_ns()}"
            try:
                store.start_run(self.run_id, self.pipeline, {}, owner=self.run_id)
            except LineageError as error:  # an earlier step of the run came first
                if error.code != "lineage.run_exists":
                    raise
            read = {
                key: [store.register_artifact(_described(*each)).id for each in found] for key, found in inputs.items()
            }
            self._record_cached(store, [artifact for found in read.values() for artifact in found])
            self.execution = store.start_execution(self.run_id, self.node, self.component, "", dict(parameters), read)
            store.settle_run(self.run_id)

    def complete(self, ended: FinishedStep) -> None:
        """Record that the step ended well, whatever the gate says that it closed.

        Raises:
            LineageError: If the store cannot be written.
            ArtifactError: If the folder cannot be.
        """
        if not is_database(self.registry):
            self._record_blessed(ended.blessed())
            return
        with _lineage_store(self.registry) as store:
            if store.execution(self.execution).state != "RUNNING":  # a runner with the same store took it for dead
                self.start(ended.inputs, self.parameters)
            outputs = {key: [_described(*each)] for key, each in ended.outputs.items()}
            store.complete_execution(self.execution, outputs, dict(ended.output_parameters), {})
            store.settle_run(self.run_id, ended.exit_code)

    def fail(self, code: str, message: str) -> None:
        """Record that the step failed.

        Raises:
            LineageError: If the store cannot be written.
        """
        if not is_database(self.registry):
            return
        if not self.execution:
            self.start({}, {})
        with _lineage_store(self.registry) as store:
            store.fail_execution(self.execution, code, message)
            store.settle_run(self.run_id)

    def _record_cached(self, store: LineageStore, artifacts: list[int]) -> None:
        """Record the steps of an earlier run that made artifacts: KFP runs nothing that could record itself."""
        nodes = {each.node_id for each in store.executions_of(self.run_id)}
        makers = [maker for each in artifacts if (maker := store.artifact(each).producer_id) is not None]
        for maker in dict.fromkeys(makers):
            source = store.execution(maker)
            if source.node_id in nodes or source.run_id == self.run_id or source.state != "COMPLETE":
                continue
            if store.run(source.run_id).pipeline != self.pipeline:
                continue
            read = {key: [each.id for each in found] for key, found in store.inputs_of(maker).items()}
            self._record_cached(store, [each for found in read.values() for each in found])
            what = (self.run_id, source.node_id, source.component, source.fingerprint, dict(source.parameters), read)
            store.record_cached(*what, source_execution_id=maker)

    def _record_blessed(self, blessed: RegisteredModel | None) -> None:
        if blessed is None or not self.registry:
            return
        # The name sorts by time, so that the latest is found without reading the others.
        name = f"{time.time_ns():020d}-{blessed.model.digest.removeprefix('sha256:')[:12]}.json"
        document = {**asdict(blessed), "run_id": self.run_id, "node": self.node}
        content = json.dumps(document, indent=1).encode() + b"\n"
        if "://" in self.registry:
            open_store(f"{self.registry.rstrip('/')}/{self.pipeline}").write(name, content)
            return
        if not Path(self.registry).absolute().parent.is_dir():
            raise _missing(self.registry, "its parent folder does not exist")
        folder = Path(self.registry) / self.pipeline
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / name, content)


def _lineage_store(registry: str) -> LineageStore:
    # SQLAlchemy takes a while to import, and most steps record nothing.
    from assay.lineage import LineageStore  # noqa: PLC0415

    return LineageStore.open(registry, root="/")


def _described(artifact: Artifact, uri: str) -> NewArtifact:
    from assay.lineage.records import NewArtifact  # noqa: PLC0415 (as above)

    return NewArtifact(
        type=artifact.type_name,
        uri=uri,
        digest=artifact.digest,
        properties=dict(artifact.properties),
        rows=dict(artifact.rows),
    )


def latest_blessed(
    registry: str, pipeline: str, exclude: Collection[str], is_revoked: Callable[[str], bool] = lambda _: False
) -> RegisteredModel | None:
    """Return the model that a pipeline blessed last; None where it never blessed one.

    Args:
        registry: The folder, URL or database.
        pipeline: The pipeline's name.
        exclude: Digests of models to pass over, such as the candidate that is being judged.
        is_revoked: Whether the blessing at a path or URL was revoked; it is passed over then.

    Raises:
        ArtifactError: If the registry holds something else.
        LineageError: If the store cannot be read, or says that the model is gone.
    """
    if is_database(registry):
        return _latest_in_lineage(registry, pipeline, exclude, is_revoked)
    for name, content in _records(registry, pipeline):
        try:
            document = json.loads(content)
            found = RegisteredModel(model=Placed(**document["model"]), blessing=Placed(**document["blessing"]))
        except (ValueError, KeyError, TypeError):
            raise ArtifactError(
                "kfp.registry_record",
                f"{name} in the registry is not a record of a blessed model.",
                "Remove it, or name another registry.",
            ) from None
        if found.model.digest not in exclude and not is_revoked(found.blessing.uri):
            return found
    return None


def _records(registry: str, pipeline: str) -> Iterator[tuple[str, bytes]]:
    """Return the records of a pipeline, the latest first; one is read when it is asked for.

    Raises:
        ArtifactError: If there is no place for them: a volume that is not mounted is not a first run.
    """
    if "://" not in registry:
        if not Path(registry).absolute().parent.is_dir():
            raise _missing(registry, "its parent folder does not exist")
        for path in sorted((Path(registry) / pipeline).glob("*.json"), reverse=True):
            yield str(path), path.read_bytes()
        return
    store = open_store(f"{registry.rstrip('/')}/{pipeline}")
    names = store.names()
    if not names and not store.is_there():
        raise _missing(registry, "there is no such bucket")
    for name in sorted(names, reverse=True):
        if name.endswith(".json"):
            yield f"{store.uri}/{name}", store.read(name)


def _missing(registry: str, why: str) -> ArtifactError:
    return ArtifactError(
        "kfp.registry_missing",
        f"The registry {registry} cannot exist: {why}.",
        "Correct its name, or create or mount its parent; a first run starts with an empty registry.",
    )


def is_database(registry: str) -> bool:
    """Tells a lineage store (a database's URL, or a `.db` file) from a folder."""
    return registry.partition(":")[0].partition("+")[0] in _DATABASES or registry.endswith(".db")


def _latest_in_lineage(
    registry: str, pipeline: str, exclude: Collection[str], is_revoked: Callable[[str], bool]
) -> RegisteredModel | None:
    from assay.lineage import queries  # noqa: PLC0415 (as above)

    with _lineage_store(registry) as store:
        answer = queries.latest_blessed_model(
            store,
            pipeline,
            exclude_digests=exclude,
            is_revoked=lambda blessing: is_revoked(blessing.location),
        )
    if answer.lost:
        raise ArtifactError(
            "kfp.baseline_lost",
            f"The model that {pipeline} blessed last, or its blessing, is recorded as deleted: "
            f"{answer.lost[0].location}.",
            "Restore it: the baseline is required for the comparison.",
        )
    if answer.model is None or answer.blessing is None:
        return None
    return RegisteredModel(
        model=Placed(uri=answer.model.location, digest=answer.model.digest),
        blessing=Placed(uri=answer.blessing.location, digest=answer.blessing.digest),
    )
