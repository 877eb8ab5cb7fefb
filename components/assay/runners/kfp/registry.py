"""Where runs on a cluster find the models that earlier runs blessed: a folder (or URL) of records, or a lineage store.

KFP gives a step no way to ask for artifacts of other runs. A step that blesses a model therefore records it in a place
that all runs share, and the step `LatestBlessedModel` looks there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assay.artifacts.base import Artifact
from assay.artifacts.store import write_durably
from assay.errors import ArtifactError, LineageError
from assay.runners.kfp.object_store import open_store

# The environment variable that names the registry, so that a database's password may come from a secret.
VARIABLE = "ASSAY_REGISTRY"
_DATABASES = {"postgresql", "sqlite", "mysql"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An artifact by where it lies and what it holds."""

    uri: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlessedModel:
    """A model that was blessed, with its blessing."""

    model: Placed
    blessing: Placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A step that ended well, for the lineage store.

    Attributes:
        inputs: Artifacts that it read, with their places, by key.
        outputs: Artifacts that it gave, with their places, by key.
    """

    pipeline: str
    run_id: str
    node: str
    component: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, tuple[tuple[Artifact, str], ...]]
    outputs: Mapping[str, tuple[Artifact, str]]
    output_parameters: Mapping[str, Any]

    def blessed(self) -> BlessedModel | None:
        """The model that the step blessed, if it did."""
        for blessing, uri in self.outputs.values():
            if blessing.type_name == "ModelBlessing" and blessing.properties.get("blessed") == 1:
                digest = blessing.properties.get("current_model_digest")
                for found in self.inputs.values():
                    for model, where in found:
                        if model.type_name == "Model" and model.digest == digest:
                            return BlessedModel(
                                model=Placed(uri=where, digest=model.digest),
                                blessing=Placed(uri=uri, digest=blessing.digest),
                            )
        return None


def record(registry: str, ended: Ended) -> None:
    """Records a step: all of it in a lineage store; in a folder, only a model that it blessed.

    Raises:
        LineageError: If the store cannot be written.
        ArtifactError: If the folder cannot be.
    """
    if is_database(registry):
        _record_lineage(registry, ended)
        return
    blessed = ended.blessed()
    if blessed is None:
        return
    # The name sorts by time, so that the latest is found without reading the others.
    name = f"{time.time_ns():020d}-{blessed.model.digest.removeprefix('sha256:')[:12]}.json"
    content = json.dumps({**asdict(blessed), "run_id": ended.run_id, "node": ended.node}, indent=1).encode() + b"\n"
    if "://" in registry:
        open_store(f"{registry.rstrip('/')}/{ended.pipeline}").write(name, content)
        return
    if not Path(registry).absolute().parent.is_dir():
        raise _missing(registry, "its parent folder does not exist")
    folder = Path(registry) / ended.pipeline
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / name, content)


def latest_blessed(registry: str, pipeline: str, exclude: Collection[str]) -> BlessedModel | None:
    """Gives the model that a pipeline blessed last; None where it never blessed one.

    Args:
        registry: The folder, URL or database.
        pipeline: The pipeline's name.
        exclude: Digests of models to pass over, such as the candidate that is being judged.

    Raises:
        ArtifactError: If the registry holds something else.
        LineageError: If the store cannot be read, or says that the model is gone.
    """
    if is_database(registry):
        return _latest_in_lineage(registry, pipeline, exclude)
    for name, content in _records(registry, pipeline):
        try:
            document = json.loads(content)
            found = BlessedModel(model=Placed(**document["model"]), blessing=Placed(**document["blessing"]))
        except (ValueError, KeyError, TypeError):
            raise ArtifactError(
                "kfp.registry_record",
                f"{name} in the registry is no record of a blessed model.",
                "Remove it, or name another registry.",
            ) from None
        if found.model.digest not in exclude:
            return found
    return None


def _records(registry: str, pipeline: str) -> Iterator[tuple[str, bytes]]:
    """The records of a pipeline, the latest first; one is read when it is asked for.

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
        f"The registry {registry} cannot be there: {why}.",
        "Correct its name, or mount or make what holds it: a first run finds a registry that is empty.",
    )


def is_database(registry: str) -> bool:
    """Tells a lineage store (a database's URL, or a `.db` file) from a folder."""
    return registry.partition(":")[0].partition("+")[0] in _DATABASES or registry.endswith(".db")


def _record_lineage(registry: str, ended: Ended) -> None:
    # SQLAlchemy takes a while to import, and most steps record nothing.
    from assay.lineage import SqlLineageStore  # noqa: PLC0415
    from assay.lineage.records import NewArtifact  # noqa: PLC0415

    def described(artifact: Artifact, uri: str) -> NewArtifact:
        return NewArtifact(
            type=artifact.type_name,
            uri=uri,
            digest=artifact.digest,
            properties=dict(artifact.properties),
            rows=dict(artifact.rows),
        )

    run_id = ended.run_id or f"{ended.pipeline}-{time.time_ns()}"
    with SqlLineageStore.open(registry, root="/") as store:
        try:
            store.start_run(run_id, ended.pipeline, {}, owner=run_id)
        except LineageError as error:  # an earlier step of the run came first
            if error.code != "lineage.run_exists":
                raise
        inputs = {
            key: [store.register_artifact(described(*each)).id for each in found] for key, found in ended.inputs.items()
        }
        execution = store.start_execution(run_id, ended.node, ended.component, "", dict(ended.parameters), inputs)
        outputs = {key: [described(*each)] for key, each in ended.outputs.items()}
        store.complete_execution(execution, outputs, dict(ended.output_parameters), {})
        # No process outlives the step, and a run that looks alive would be taken for a dead one.
        store.finish_run(run_id, "COMPLETE", 0)


def _latest_in_lineage(registry: str, pipeline: str, exclude: Collection[str]) -> BlessedModel | None:
    from assay.lineage import SqlLineageStore, queries  # noqa: PLC0415 (as above)

    with SqlLineageStore.open(registry, root="/") as store:
        answer = queries.latest_blessed_model(store, pipeline, exclude_digests=exclude)
    if answer.lost:
        raise ArtifactError(
            "kfp.baseline_lost",
            f"The model that {pipeline} blessed last, or its blessing, is recorded as gone: {answer.lost[0].location}.",
            "Restore it; without it, nothing can be compared with it.",
        )
    if answer.model is None or answer.blessing is None:
        return None
    return BlessedModel(
        model=Placed(uri=answer.model.location, digest=answer.model.digest),
        blessing=Placed(uri=answer.blessing.location, digest=answer.blessing.digest),
    )
