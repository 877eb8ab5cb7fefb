"""What is evaluated, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from assay.data.tf_example import decode
from assay.engines.embedded.engine import EmbeddedEngine
from assay.gating.policy import Additions
from assay.models.inputs import ExampleBatch, chosen

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.engines.base import Engine, Source
    from assay.gating.metric_values import SliceKey
    from assay.gating.thresholds import EvalConfig
    from assay.gating.verdict import Verdict
    from assay.models.predictor import Predict

_BATCH_ROWS = 4096

MetricsEngine: TypeAlias = Literal["auto", "kernel", "tfma"]
"""Who computes: the kernels and, for what they lack, TFMA; the kernels or nobody; TFMA throughout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What to evaluate.

    Attributes:
        config: The `EvalConfig` as the user wrote it.
        batches: The examples, as lists of serialised `tf.Example`s; may be gone through more than once.
        rows: The same examples as a source of record batches. Either may be left out: it is made of the other.
        model: The candidate: a SavedModel's folder, a Keras file or a function; None where the examples hold its
            predictions.
        baseline: The baseline, likewise; None where there is none.
        schema: The schema of the examples, where there is one.
        data_location: Where the examples are.
        recorded_as: What `eval_config.json` calls a place (of the examples or of a model) instead: what is at a path
            in one run is at another path in the next, and equal inputs give equal files.
        custom_eval_shared_model: The user's function of that name.
        custom_extractors: The user's function of that name.
        beam_pipeline_args: Options of a Beam runner for TFMA's own pipeline.
        metrics_engine: Who computes the metrics.
        engine: Who reads the rows for the kernels.
        additions: What must be significant, which `config` cannot hold.
    """

    config: EvalConfig
    batches: Iterable[Sequence[bytes]] = ()
    rows: Source | None = None
    model: Path | Predict | None = None
    baseline: Path | Predict | None = None
    schema: Any = None
    data_location: str = ""
    recorded_as: Mapping[str, str] = field(default_factory=dict)
    custom_eval_shared_model: Callable[..., Any] | None = None
    custom_extractors: Callable[..., Any] | None = None
    beam_pipeline_args: tuple[str, ...] = ()
    metrics_engine: MetricsEngine = "auto"
    engine: Engine = field(default_factory=EmbeddedEngine)
    additions: Additions = field(default_factory=Additions)

    @property
    def source(self) -> Source:
        """The examples as record batches."""
        return RecordRows(tuple(self.batches)) if self.rows is None else self.rows

    @property
    def serialized(self) -> Iterable[Sequence[bytes]]:
        """The examples as lists of serialised `tf.Example`s."""
        return EncodedRows(self.rows) if self.rows is not None and not self.batches else self.batches

    @property
    def recorded_data(self) -> str:
        """What `eval_config.json` calls the examples."""
        return self.recorded_as.get(self.data_location, self.data_location)

    @property
    def recorded_models(self) -> dict[str, str]:
        """What `eval_config.json` calls the models."""
        places = {"candidate": _place(self.model), "baseline": _place(self.baseline)}
        return {part: self.recorded_as.get(place, place) for part, place in places.items()}


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What came of it.

    Attributes:
        verdict: The gate's decision.
        rows: The number of examples evaluated.
        examples: The number of examples in each slice, where it is known.
        by_tfma: The metrics that TFMA computed, by class; empty where the kernels computed all.
        notes: What a user should know of how it was computed, and what the lint found that does not stop it.
        flips: The rows of failing slices where the candidate did most worse; None without a failure or a baseline, and
            where TFMA computed everything.
    """

    verdict: Verdict
    rows: int
    examples: Mapping[SliceKey, int] = field(default_factory=dict)
    by_tfma: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    flips: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class RecordShard:
    """Serialised `tf.Example`s."""

    records: Sequence[bytes]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Decode the records."""
        batch = decode(self.records)
        yield batch if columns is None else chosen(batch, columns)


@dataclass(frozen=True, slots=True)
class RecordRows:
    """Lists of serialised `tf.Example`s as a Source."""

    records: Sequence[Sequence[bytes]]

    @property
    def shards(self) -> Sequence[RecordShard]:
        """A shard a list."""
        return [RecordShard(one) for one in self.records if one]

    @property
    def bounded(self) -> bool:
        """Whether the rows are bounded: always, since they are in memory."""
        return True


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """A source as lists of serialised `tf.Example`s; may be gone through more than once."""

    source: Source

    def __iter__(self) -> Iterator[list[bytes]]:
        """Return batches of at most 4,096 examples."""
        for shard in self.source.shards:
            for batch in shard.batches():
                for start in range(0, batch.num_rows, _BATCH_ROWS):
                    yield ExampleBatch(batch.slice(start, _BATCH_ROWS)).records.to_pylist()


def _place(model: Any) -> str:
    if model is None:
        return "<unknown>"
    return str(model) if isinstance(model, Path) else getattr(model, "__name__", type(model).__name__)
