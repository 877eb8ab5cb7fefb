"""Where a step's inputs come from: earlier steps, importers, and resolvers that ask the lineage store."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import cast

from assay.artifacts.base import Artifact
from assay.artifacts.store import adopt
from assay.errors import ArtifactError, UsageError
from assay.lineage import queries
from assay.lineage.records import ArtifactRecord
from assay.runners.local.session import Session, artifact_of
from assay.spec.channel import Channel, OutputChannel
from assay.spec.importer import Importer
from assay.spec.node import ComponentNode
from assay.spec.resolver import (
    LatestArtifactStrategy,
    LatestBlessedModelStrategy,
    Resolver,
    SpanRangeStrategy,
)
from assay.spec.spans import RangeConfig, RollingRange, StaticRange

Inputs = dict[str, tuple[Artifact, ...]]


def resolve_inputs(session: Session, node: ComponentNode) -> Inputs:
    """Gives a step's input artifacts by key; an optional input that nothing feeds is left out.

    Resolvers are asked last, so that what the step already has can be ruled out: a candidate is never its own baseline.

    Raises:
        UsageError: If a required input has no artifact, or one input has several where it takes one.
        ArtifactError: If an artifact is gone.
    """
    found: Inputs = {}
    channels = node.input_channels()
    resolved = {key for key, wired in channels.items() if any(_resolver_of(channel) for channel in wired)}
    for key in sorted(channels, key=lambda key: key in resolved):
        declared = node.spec.inputs[key]
        present = [artifact for artifacts in found.values() for artifact in artifacts]
        artifacts = tuple(
            artifact for channel in channels[key] for artifact in _artifacts_of(session, channel, present)
        )
        if not artifacts:
            if declared.optional:
                continue
            raise UsageError(
                "run.no_input",
                f"{node.id} needs {key} ({declared.artifact.type().name}), and {channels[key][0]!r} found none in the "
                f"lineage store of {session.layout.root}.",
            )
        if len(artifacts) > 1 and not declared.many:
            raise UsageError(
                "run.many_inputs", f"{node.id} takes one {key}, but {channels[key][0]!r} carries {len(artifacts)}."
            )
        found[key] = artifacts
    return {key: found[key] for key in channels if key in found}


def _resolver_of(channel: Channel) -> Resolver | None:
    if isinstance(channel, OutputChannel) and isinstance(channel.node, Resolver):
        return channel.node
    return None


def _artifacts_of(session: Session, channel: Channel, present: Collection[Artifact]) -> tuple[Artifact, ...]:
    resolver = _resolver_of(channel)
    channel = cast("OutputChannel", channel)
    if resolver is None:
        return session.results[channel.node.id].outputs.get(channel.key, ())
    excluded = {artifact.digest for artifact in present if artifact.type_name == channel.type.type().name}
    return tuple(artifact_of(record, channel.type) for record in _found(session, resolver, channel.key, excluded))


def _found(session: Session, resolver: Resolver, key: str, excluded: Collection[str]) -> tuple[ArtifactRecord, ...]:
    """Asks the lineage store what a resolver's strategy asks for."""
    channel = resolver.channels[key]
    type_name = channel.type.type().name
    producer = channel.node.id if isinstance(channel, OutputChannel) else channel.producer_component_id
    pipeline = session.pipeline.name
    match resolver.strategy:
        case LatestBlessedModelStrategy():
            return _blessed(session, type_name, excluded)
        case LatestArtifactStrategy():
            latest = queries.latest_artifact(
                session.store, type_name, pipeline=pipeline, node_id=producer, exclude_digests=excluded
            )
            return (latest,) if latest else ()
        case SpanRangeStrategy(range_config=config):
            return _spans(session, type_name, config, producer)


def _spans(session: Session, type_name: str, config: RangeConfig, producer: str | None) -> tuple[ArtifactRecord, ...]:
    """The artifacts whose span lies in a range, newest span first.

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


def _blessed(session: Session, type_name: str, excluded: Collection[str]) -> tuple[ArtifactRecord, ...]:
    """The latest blessed model, or its blessing.

    Raises:
        ArtifactError: If the model that was blessed last is gone: a lost baseline is not "no baseline yet".
    """
    answer = queries.latest_blessed_model(session.store, session.pipeline.name, exclude_digests=excluded)
    if answer.model is not None and not Path(answer.model.location).is_dir():
        session.store.mark_deleted([answer.model.id])
        answer = queries.latest_blessed_model(session.store, session.pipeline.name, exclude_digests=excluded)
    if answer.lost:
        lost = answer.lost[0]
        raise ArtifactError(
            "resolver.baseline_lost",
            f"The model that {session.pipeline.name} blessed last is gone: "
            f"{lost.properties.get('current_model') or lost.location}.",
            "Restore its folder; without it, nothing can be compared with it. To start over, use a new --root.",
        )
    if answer.model is None or answer.blessing is None:
        return ()
    return (answer.model if type_name == "Model" else answer.blessing,)


def import_artifact(node: Importer) -> Artifact:
    """Describes the folder that an importer names, in place.

    Raises:
        ArtifactError: If the folder is missing or is not of the importer's type.
    """
    artifact = adopt(Path(node.source_uri).resolve(), node.artifact_type)
    for name, value in node.properties.items():
        artifact.properties[name] = value
    return artifact
