"""Resolver: inputs that are found in the lineage store instead of being made in this run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.artifacts.blessing import ModelBlessing
from assay.artifacts.model import Model
from assay.errors import UsageError
from assay.spec.channel import Channel, OutputChannel, Outputs
from assay.spec.node import Node
from assay.spec.values import canonical, typed


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRange:
    """Spans from a first to a last, both included.

    Attributes:
        start_span_number: The first.
        end_span_number: The last.
    """

    start_span_number: int
    end_span_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingRange:
    """The newest spans.

    Attributes:
        num_spans: How many.
        start_span_number: None below this one is taken.
        skip_num_recent_spans: How many of the very newest are left out first.
    """

    num_spans: int
    start_span_number: int = 0
    skip_num_recent_spans: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeConfig:
    """A range of spans: exactly one of the two.

    Attributes:
        static_range: From a first to a last.
        rolling_range: The newest.
    """

    static_range: StaticRange | None = None
    rolling_range: RollingRange | None = None


@dataclass(frozen=True, slots=True)
class LatestArtifactStrategy:
    """The newest artifact of the channel's type."""


@dataclass(frozen=True, slots=True)
class LatestBlessedModelStrategy:
    """The newest blessed model that is not the consumer's own candidate, with its blessing.

    A candidate is never its own baseline: where a run is repeated, the baseline is the one it was judged against.
    """


@dataclass(frozen=True, slots=True)
class SpanRangeStrategy:
    """The artifacts whose span lies in a range, newest span first.

    Attributes:
        range_config: The range.
    """

    range_config: RangeConfig


Strategy = LatestArtifactStrategy | LatestBlessedModelStrategy | SpanRangeStrategy


class Resolver(Node):
    """Finds artifacts in the lineage store; the output keys are the names of the channels given.

    Example:
        ```python
        Resolver(
            strategy_class=LatestBlessedModelStrategy,
            model=Channel(type=Model),
            model_blessing=Channel(type=ModelBlessing),
        ).with_id("latest_blessed_model_resolver")
        ```

    Args:
        strategy_class: How artifacts are chosen: `LatestArtifactStrategy`, `LatestBlessedModelStrategy` or
            `SpanRangeStrategy`.
        config: The strategy's own options by name, such as `{"range_config": RangeConfig(...)}`.
        **channels: What is looked for, by output key.

    Raises:
        UsageError: There is no channel, one is of another kind, or the strategy is unknown or wants other channels.

    Attributes:
        strategy: How the artifacts are chosen.
        channels: What is looked for, by output key.
    """

    def __init__(
        self, strategy_class: type[Strategy], config: Mapping[str, Any] | None = None, **channels: Channel
    ) -> None:
        super().__init__("Resolver")
        if not channels:
            raise UsageError("resolver.no_channel", "Resolver needs a channel, such as model=Channel(type=Model).")
        for key, channel in channels.items():
            if not isinstance(channel, Channel):
                raise UsageError("resolver.channel", f"Resolver.{key} takes Channel(type=…), got {channel!r}.")
        self.strategy = _strategy(strategy_class, config or {})
        if isinstance(self.strategy, LatestBlessedModelStrategy):
            types = sorted(channel.type.type().name for channel in channels.values())
            if types not in (["Model"], ["Model", "ModelBlessing"]):
                raise UsageError(
                    "resolver.blessed_model_channels",
                    "LatestBlessedModelStrategy needs model=Channel(type=Model) and, if wanted, "
                    f"model_blessing=Channel(type=ModelBlessing); got {', '.join(types)}.",
                )
        self.channels = channels
        self.outputs = Outputs(self, {key: OutputChannel(self, key, channel.type) for key, channel in channels.items()})

    def upstream(self) -> list[Node]:
        """Add the producers of channels that are outputs of this very pipeline."""
        found = super().upstream()
        found += [channel.node for channel in self.channels.values() if isinstance(channel, OutputChannel)]
        return list(dict.fromkeys(found))


def latest_blessed_model() -> Resolver:
    """Return the usual resolver of an Evaluator's baseline, with outputs `model` and `model_blessing`."""
    resolver = Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
    )
    resolver.id = "latest_blessed_model_resolver"
    return resolver


def _strategy(strategy_class: type[Strategy], config: Mapping[str, Any]) -> Strategy:
    if strategy_class not in {LatestArtifactStrategy, LatestBlessedModelStrategy, SpanRangeStrategy}:
        raise UsageError(
            "resolver.strategy",
            f"Unknown strategy {strategy_class!r}.",
            "Known: LatestArtifactStrategy, LatestBlessedModelStrategy, SpanRangeStrategy.",
        )
    strategy: Strategy = typed(canonical(config, "Resolver.config"), strategy_class, "Resolver.config")
    return strategy
