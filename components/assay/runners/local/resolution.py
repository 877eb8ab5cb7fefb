"""Where a step's inputs come from: earlier steps, importers, and resolvers that ask the lineage store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from assay.artifacts.base import Artifact
from assay.artifacts.store import adopt, damage
from assay.errors import ArtifactError, UsageError
from assay.gating.blessing import revocation_of
from assay.lineage import queries
from assay.lineage.records import ArtifactRecord
from assay.runners.local.session import Session, artifact_of
from assay.spec.channel import Channel, OutputChannel
from assay.spec.importer import Importer
from assay.spec.node import ComponentNode
from assay.spec.resolver import (
    LatestArtifactStrategy,
    LatestBlessedModelStrategy,
    RangeConfig,
    Resolver,
    RollingRange,
    SpanRangeStrategy,
    StaticRange,
)

Inputs = dict[str, tuple[Artifact, ...]]


def resolve_inputs(session: Session, node: ComponentNode) -> Inputs:
    """Return a step's input artifacts by key; an optional input that nothing feeds is left out.

    Raises:
        UsageError: If a required input has no artifact, or one input has several where it takes one.
        ArtifactError: If an artifact is gone.
    """
    channels = node.input_channels()
    made = [
        artifact
        for wired in channels.values()
        for channel in wired
        if _resolver_of(channel) is None
        for artifact in _put_out(session, channel)
    ]
    search = _Search(session, made)
    found: Inputs = {}
    for key, wired in channels.items():
        declared = node.spec.inputs[key]
        artifacts = tuple(artifact for channel in wired for artifact in search.artifacts_of(channel))
        if not artifacts:
            if declared.optional:
                continue
            raise UsageError(
                "run.no_input",
                f"{node.id} needs {key} ({declared.artifact.__name__}), and {wired[0]!r} found none in the "
                f"lineage store of {session.layout.root}.",
            )
        if len(artifacts) > 1 and not declared.many:
            raise UsageError(
                "run.many_inputs", f"{node.id} takes one {key}, but {wired[0]!r} carries {len(artifacts)}."
            )
        found[key] = artifacts
    return found


def _resolver_of(channel: Channel) -> Resolver | None:
    if isinstance(channel, OutputChannel) and isinstance(channel.node, Resolver):
        return channel.node
    return None


def _put_out(session: Session, channel: Channel) -> tuple[Artifact, ...]:
    channel = cast("OutputChannel", channel)
    return session.results[channel.node.id].outputs.get(channel.key, ())


@dataclass(frozen=True, slots=True)
class _Search:
    """What resolvers find for one step.

    Attributes:
        made: The step's inputs that this run made; resolvers pass over them: a candidate is never its own baseline.
        blessed: Answers by resolver id, so that a model and its blessing belong together whatever is blessed meanwhile.
    """

    session: Session
    made: Sequence[Artifact]
    blessed: dict[str, tuple[ArtifactRecord, ArtifactRecord] | None] = field(default_factory=dict)

    def artifacts_of(self, channel: Channel) -> tuple[Artifact, ...]:
        """Return the artifacts that a channel carries."""
        resolver = _resolver_of(channel)
        if resolver is None:
            return _put_out(self.session, channel)
        records = self._found(resolver, cast("OutputChannel", channel).key)
        return tuple(artifact_of(record, channel.type) for record in records)

    def _found(self, resolver: Resolver, key: str) -> tuple[ArtifactRecord, ...]:
        """Asks the lineage store what a resolver's strategy asks for."""
        wanted = resolver.channels[key]
        type_name = wanted.type.type().name
        store, pipeline = self.session.store, self.session.pipeline.name
        producer = wanted.node.id if isinstance(wanted, OutputChannel) else wanted.producer_component_id
        match resolver.strategy:
            case LatestBlessedModelStrategy():
                if resolver.id not in self.blessed:
                    self.blessed[resolver.id] = _blessed(self.session, self._digests("Model"))
                pair = self.blessed[resolver.id]
                return () if pair is None else (pair[0] if type_name == "Model" else pair[1],)
            case LatestArtifactStrategy():
                excluded = self._digests(type_name)
                return _whole(
                    self.session,
                    lambda: queries.latest_artifact(
                        store, type_name, pipeline=pipeline, node_id=producer, exclude_digests=excluded
                    ),
                )
            case SpanRangeStrategy(range_config=config):
                return _whole(self.session, lambda: _spans(self.session, type_name, config, producer))

    def _digests(self, type_name: str) -> set[str]:
        return {artifact.digest for artifact in self.made if artifact.type_name == type_name}


def _whole(
    session: Session, ask: Callable[[], ArtifactRecord | Sequence[ArtifactRecord] | None]
) -> tuple[ArtifactRecord, ...]:
    """Asks until every artifact of the answer is there as it was recorded; the others are recorded as deleted."""
    while True:
        answer = ask()
        records = (answer,) if isinstance(answer, ArtifactRecord) else tuple(answer or ())
        damaged = [record.id for record in records if damage(Path(record.location), record.digest)]
        if not damaged:
            return records
        session.store.mark_deleted(damaged)


def _spans(session: Session, type_name: str, config: RangeConfig, producer: str | None) -> tuple[ArtifactRecord, ...]:
    """Return the artifacts whose span lies in a range, newest span first.

    Raises:
        UsageError: Unless exactly one kind of range is given.
    """
    where = {"pipeline": session.pipeline.name, "node_id": producer}
    match config:
        case RangeConfig(static_range=StaticRange() as static, rolling_range=None):
            first, last = static.start_span_number, static.end_span_number
            return queries.span_range(session.store, type_name, first, last, **where)
        case RangeConfig(static_range=None, rolling_range=RollingRange() as rolling):
            found = queries.rolling_spans(
                session.store, type_name, rolling.num_spans, skip=rolling.skip_num_recent_spans, **where
            )
            return tuple(record for record in found if int(str(record.properties["span"])) >= rolling.start_span_number)
    raise UsageError("resolver.range", "SpanRangeStrategy needs exactly one of static_range and rolling_range.")


def check_baselines(session: Session) -> None:
    """Check, before any step runs, that the baseline of a pipeline that has one is still there.

    Raises:
        ArtifactError: The model that was blessed last, or its blessing, is lost.
    """
    strategies = (node.strategy for node in session.pipeline.nodes if isinstance(node, Resolver))
    if any(isinstance(strategy, LatestBlessedModelStrategy) for strategy in strategies):
        _blessed(session, ())


def _blessed(session: Session, excluded: Collection[str]) -> tuple[ArtifactRecord, ArtifactRecord] | None:
    """Return the latest blessed model and its blessing.

    Raises:
        ArtifactError: If the model that was blessed last is gone: a lost baseline is not "no baseline yet".
    """
    store = session.store
    answer = queries.latest_blessed_model(
        store,
        session.pipeline.name,
        exclude_digests=excluded,
        is_revoked=lambda blessing: revocation_of(Path(blessing.location)) is not None,
    )
    blessing = answer.lost[0] if answer.lost else answer.blessing
    if blessing is None:
        return None
    # Records of deleted models count: a folder that was restored serves again.
    models = store.artifacts("Model", digest=str(blessing.properties.get("current_model_digest")), state=None)
    damages = [(model, damage(Path(model.location), model.digest)) for model in models]
    whole = [model for model, damaged in damages if not damaged]
    if whole and not damage(Path(blessing.location), blessing.digest):
        return whole[0], blessing
    reasons = [f"{model.location} {damaged}" for model, damaged in damages if damaged]
    raise ArtifactError(
        "resolver.baseline_lost",
        f"The model that {session.pipeline.name} blessed last, or its blessing, is lost: "
        f"{'; '.join(reasons) or blessing.location}.",
        "Restore the folder, or revoke the blessing to compare with the model blessed before it: "
        f"assay revoke {blessing.location} --reason TEXT.",
    )


def import_artifact(node: Importer) -> Artifact:
    """Describe the folder that an importer names, in place.

    Raises:
        ArtifactError: If the folder is missing or is not of the importer's type.
    """
    artifact = adopt(Path(node.source_uri).resolve(), node.artifact_type)
    for name, value in node.properties.items():
        artifact.properties[name] = value
    return artifact
