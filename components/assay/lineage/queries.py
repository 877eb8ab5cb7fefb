"""What resolvers and the release gate ask of a lineage store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from assay.lineage.records import ArtifactRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from assay.lineage.records import ExecutionRecord, JsonObject
    from assay.lineage.store import LineageReader


@dataclass(frozen=True, slots=True, kw_only=True)
class BlessedModel:
    """The answer to "which blessed model is the latest?", with the reason where there is none.

    Attributes:
        model: The model; None where there is none to be had.
        blessing: The blessing that names it.
        lost: Newer blessings, the newest first, whose model or own files are gone. A gate that finds a model in spite
            of them compares with an older one than the last that was blessed.
        excluded: Newer blessings that were passed over because their model's digest was excluded.
    """

    model: ArtifactRecord | None = None
    blessing: ArtifactRecord | None = None
    lost: tuple[ArtifactRecord, ...] = ()
    excluded: tuple[ArtifactRecord, ...] = ()

    @property
    def status(self) -> Literal["found", "gone", "excluded", "never"]:
        """`never`: nothing was ever blessed; `gone`: something was, and is lost; `excluded`: only excluded models."""
        if self.model is not None:
            return "found"
        if self.lost:
            return "gone"
        return "excluded" if self.excluded else "never"


def producer(store: LineageReader, artifact_id: int) -> ExecutionRecord | None:
    """Gives the execution that made an artifact; None for one that was registered outside a run."""
    made_by = store.artifact(artifact_id).producer_id
    return None if made_by is None else store.execution(made_by)


def latest_artifact(
    store: LineageReader,
    type_name: str,
    *,
    pipeline: str | None = None,
    node_id: str | None = None,
    properties: JsonObject | None = None,
    exclude_digests: Collection[str] = (),
) -> ArtifactRecord | None:
    """Gives the live artifact of a type that was recorded last.

    Args:
        store: The store.
        type_name: The type.
        pipeline: Only what an execution of this pipeline gave.
        node_id: Only what an execution of this node gave.
        properties: Only artifacts with these values.
        exclude_digests: Contents to pass over, such as that of the candidate itself.
    """
    wanted = (properties or {}).items()
    for artifact in store.artifacts(type_name, pipeline=pipeline, node_id=node_id):
        if artifact.digest in exclude_digests:
            continue
        if all(name in artifact.properties and artifact.properties[name] == value for name, value in wanted):
            return artifact
    return None


def latest_blessed_model(
    store: LineageReader,
    pipeline: str | None = None,
    *,
    exclude_digests: Collection[str] = (),
    is_revoked: Callable[[ArtifactRecord], bool] = lambda _: False,
) -> BlessedModel:
    """Finds the model that was blessed last and still exists.

    A blessing of predictions names no model, and is passed over. Others name their model by digest, so a model that was
    copied or imported again keeps its blessing, whichever pipeline it is recorded in.

    Args:
        store: The store.
        pipeline: Only blessings that an execution of this pipeline gave.
        exclude_digests: Models to pass over, such as the candidate that is being judged.
        is_revoked: Whether a blessing was revoked; it is passed over then.
    """
    lost: list[ArtifactRecord] = []
    excluded: list[ArtifactRecord] = []
    for blessing in store.artifacts("ModelBlessing", pipeline=pipeline, state=None):
        if blessing.properties.get("blessed") != 1:
            continue
        digest = str(blessing.properties.get("current_model_digest") or "")
        if not digest or is_revoked(blessing):
            continue
        if digest in exclude_digests:
            excluded.append(blessing)
            continue
        models = store.artifacts("Model", digest=digest) if blessing.state == "LIVE" else ()
        if models:
            return BlessedModel(model=models[0], blessing=blessing, lost=tuple(lost), excluded=tuple(excluded))
        lost.append(blessing)
    return BlessedModel(lost=tuple(lost), excluded=tuple(excluded))


def span_range(
    store: LineageReader,
    type_name: str,
    first: int,
    last: int,
    *,
    pipeline: str | None = None,
    node_id: str | None = None,
) -> tuple[ArtifactRecord, ...]:
    """Gives one live artifact for each span from `first` to `last` that has one, the latest span first.

    Of several for one span, the one of the highest version counts, and of these the one recorded last.
    """
    newest = _newest_by_span(store.artifacts(type_name, pipeline=pipeline, node_id=node_id))
    return tuple(newest[span] for span in sorted(newest, reverse=True) if first <= span <= last)


def rolling_spans(
    store: LineageReader,
    type_name: str,
    count: int,
    *,
    skip: int = 0,
    pipeline: str | None = None,
    node_id: str | None = None,
) -> tuple[ArtifactRecord, ...]:
    """Gives the artifacts of the `count` latest span numbers, after passing over the `skip` latest.

    As in TFX, a window is a range of span numbers: where one of them has no artifact, the answer is shorter.
    """
    newest = _newest_by_span(store.artifacts(type_name, pipeline=pipeline, node_id=node_id))
    if not newest:
        return ()
    last = max(newest) - skip
    return tuple(newest[span] for span in sorted(newest, reverse=True) if last - count < span <= last)


def _newest_by_span(artifacts: Iterable[ArtifactRecord]) -> dict[int, ArtifactRecord]:
    newest: dict[int, ArtifactRecord] = {}
    for artifact in artifacts:
        span = _integer(artifact.properties.get("span"))
        if span is None:
            continue
        held = newest.get(span)
        if held is None or _age(artifact) > _age(held):
            newest[span] = artifact
    return newest


def _age(artifact: ArtifactRecord) -> tuple[int, int]:
    version = _integer(artifact.properties.get("version"))
    return (-1 if version is None else version, artifact.id)


def _integer(value: object) -> int | None:
    """A span or version; TFX writes them as decimal strings where they are custom properties."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None
