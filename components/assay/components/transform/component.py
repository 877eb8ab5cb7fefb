"""The Transform component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from assay.artifacts.anomalies import ExampleAnomalies
from assay.artifacts.examples import Examples
from assay.artifacts.schema import Schema
from assay.artifacts.statistics import ExampleStatistics
from assay.artifacts.transform_graph import TransformCache, TransformGraph
from assay.components.transform.config import OutputFormat, SplitsConfig, StatsType
from assay.data.splits import PARQUET
from assay.data.tf_example import without_structs
from assay.errors import UsageError
from assay.spec import ExecutionContext, Input, Inputs, Output, UserFunction, component
from assay.spec.annotations import UserModuleMark
from assay.spec.channel import Foreseen, check_splits, foreseen_splits
from assay.spec.user_code import check_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from assay.components.transform.analysis import AnalyzedRows
    from assay.components.transform.application import TransformFunction
    from assay.engines.base import Shard


def _check(arguments: Mapping[str, Any]) -> None:
    if "analyzer_cache" in arguments and arguments.get("disable_analyzer_cache"):
        raise UsageError(
            "transform.cache_disabled",
            "analyzer_cache is given, but disable_analyzer_cache is true, so it would be ignored.",
            "Pass disable_analyzer_cache=False, or remove analyzer_cache.",
        )

    check_place(arguments, "preprocessing_fn")
    there = foreseen_splits(arguments["examples"])
    if there is not None and "splits_config" in arguments:
        _Splits.of(sorted(there), arguments["splits_config"])


def _foresee(arguments: Mapping[str, Any]) -> dict[str, Foreseen]:
    """Return which outputs stay empty, and the splits of the transformed rows."""
    after = ("post_transform_schema", "post_transform_stats", "post_transform_anomalies")
    found: dict[str, Foreseen] = {}
    if arguments.get("disable_statistics"):
        found |= dict.fromkeys(("pre_transform_schema", "pre_transform_stats", *after), _WITHOUT_STATISTICS)
    if arguments.get("materialize") is False:
        return found | dict.fromkeys(("transformed_examples", *after), _NOT_MATERIALIZED)
    there = foreseen_splits(arguments["examples"])
    if there is not None and "splits_config" in arguments:
        splits = _Splits.of(sorted(there), arguments["splits_config"]).transform
        found["transformed_examples"] = Foreseen(splits=splits)
    return found


_WITHOUT_STATISTICS = Foreseen(empty="disable_statistics is true")
_NOT_MATERIALIZED = Foreseen(empty="materialize is false, so only the graph is made")


@component(
    libraries=("tensorflow", "tensorflow-transform"),
    requires=("tensorflow", "tensorflow_transform", "apache_beam"),
    check=_check,
    foresee=_foresee,
    positional=(
        "examples",
        "schema",
        "module_file",
        "preprocessing_fn",
        "splits_config",
        "analyzer_cache",
        "materialize",
        "disable_analyzer_cache",
        "force_tf_compat_v1",
        "custom_config",
        "disable_statistics",
        "stats_options_updater_fn",
    ),
    refused={
        "force_tf_compat_v1": "The graph is traced as a TensorFlow 2 function: port TF1-only code of preprocessing_fn "
        "(tf.compat.v1 placeholders, sessions, collections)."
    },
)
def Transform(
    context: ExecutionContext,
    examples: Inputs[Examples],
    schema: Input[Schema],
    transform_graph: Output[TransformGraph],
    *,
    transformed_examples: Output[Examples] | None,
    pre_transform_schema: Output[Schema] | None,
    pre_transform_stats: Output[ExampleStatistics] | None,
    post_transform_schema: Output[Schema] | None,
    post_transform_stats: Output[ExampleStatistics] | None,
    post_transform_anomalies: Output[ExampleAnomalies] | None,
    updated_analyzer_cache: Output[TransformCache] | None,
    analyzer_cache: Input[TransformCache] | None = None,
    module_file: Annotated[str, UserModuleMark("preprocessing_fn")] | None = None,
    preprocessing_fn: UserFunction | None = None,
    splits_config: SplitsConfig | None = None,
    materialize: bool = True,
    output_file_format: OutputFormat = PARQUET,
    disable_analyzer_cache: bool = True,
    disable_statistics: bool = False,
    custom_config: dict[str, Any] | None = None,
    stats_options_updater_fn: UserFunction | None = None,
) -> None:
    """Transform rows by tf.Transform's `preprocessing_fn`, and export the graph that serving uses too.

    The analyzers see the splits to analyse only, so that nothing of an evaluation split leaks into training.

    Args:
        context: The run that the step is part of.
        examples: The raw rows.
        schema: Types and shapes of the raw rows.
        transform_graph: The graph as `tft.TFTransformOutput` reads it.
        transformed_examples: The transformed rows of each split; empty where `materialize` is false.
        pre_transform_schema: The schema of the raw rows.
        pre_transform_stats: Statistics of the analysed splits.
        post_transform_schema: The schema of the transformed rows.
        post_transform_stats: Statistics of the transformed splits; with `materialize` only, as the two others after.
        post_transform_anomalies: What the transformed rows have against their schema.
        updated_analyzer_cache: Analyzer results of the analysed rows; empty where the cache is disabled.
        analyzer_cache: Analyzer results of an earlier run: rows of the same splits of the same artifacts are not
            analysed again.
        module_file: A Python file that defines `preprocessing_fn(inputs)` or `preprocessing_fn(inputs, custom_config)`,
            and maybe `stats_options_updater_fn(stats_type, stats_options)`.
        preprocessing_fn: Its dotted name instead, where it is importable.
        splits_config: Splits to analyse (`train` by default) and to transform (all by default).
        materialize: Whether to write the transformed rows; without, only the graph is made.
        output_file_format: `parquet` or `tfrecord_gzip`.
        disable_analyzer_cache: Whether to do without the cache. TFX's default is False; writing the cache takes longer
            than analysing data that one machine reads in seconds, so here it is asked for.
        disable_statistics: Leaves out the statistics, schemas and anomalies before and after.
        custom_config: Passed to `preprocessing_fn`, where it takes it.
        stats_options_updater_fn: The dotted name of a function that changes the options of the statistics; it is looked
            for in `module_file` where there is one.
    """
    # TensorFlow, TFT and Beam take seconds to import; declaring a pipeline must not.
    from assay.components.transform.analysis import CacheFolders
    from assay.components.transform.compute import Preprocessing, build_graph
    from assay.components.transform.stats_options import load_stats_options_updater

    updater = load_stats_options_updater(module_file, stats_options_updater_fn)
    cache = None
    if not disable_analyzer_cache and updated_analyzer_cache is not None:
        cache = CacheFolders(analyzer_cache.path if analyzer_cache else None, updated_analyzer_cache.path)

    splits = _Splits.of([split for one in examples for split in one.split_names], splits_config)
    raw_schema = schema.read()
    graph = build_graph(
        Preprocessing(module_file=module_file, preprocessing_fn=preprocessing_fn, custom_config=custom_config or {}),
        without_structs(raw_schema),
        _rows_to_analyze(examples, splits.analyze),
        transform_graph.path,
        temp_dir=context.temp_dir,
        beam_pipeline_args=context.beam_pipeline_args,
        cache=cache,
    )
    if materialize and transformed_examples is not None:
        transformed_examples.properties["file_format"] = output_file_format
        _write_rows(context, graph, examples, splits.transform, transformed_examples)
    if disable_statistics:
        return
    from assay.components.transform.statistics import write_anomalies, write_statistics

    if pre_transform_schema is not None and pre_transform_stats is not None:
        pre_transform_schema.write(raw_schema)
        before = {split: _Rows(examples, split) for split in splits.analyze}
        options, chosen = updater.options(StatsType.PRE_TRANSFORM, raw_schema) if updater else (None, raw_schema)
        write_statistics(pre_transform_stats, before, chosen, context.engine, options)
    if materialize and transformed_examples is not None and post_transform_stats is not None:
        transformed_schema = transform_graph.transformed_schema()
        after = {split: _Rows([transformed_examples], split) for split in splits.transform}
        options, chosen = (
            updater.options(StatsType.POST_TRANSFORM, transformed_schema) if updater else (None, transformed_schema)
        )
        statistics = write_statistics(post_transform_stats, after, chosen, context.engine, options)
        if post_transform_schema is not None:
            post_transform_schema.write(transformed_schema)
        if post_transform_anomalies is not None:
            write_anomalies(post_transform_anomalies, statistics, transformed_schema)


@dataclass(frozen=True, slots=True)
class _Splits:
    """The splits that a run analyses and transforms."""

    analyze: tuple[str, ...]
    transform: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str], config: SplitsConfig | None) -> _Splits:
        """Return the configured splits among those that there are, or all to transform.

        Raises:
            UsageError: If a split is in none of the examples, or none is to be analysed.
        """
        there = tuple(dict.fromkeys(names))
        config = config or SplitsConfig()
        chosen = cls(config.analyze, config.transform or there)
        if not chosen.analyze:
            raise UsageError("transform.no_analyze_split", "splits_config.analyze names no split; name at least one.")
        check_splits(there, (*chosen.analyze, *chosen.transform), "splits_config", "transform.unknown_split")
        return chosen


@dataclass(frozen=True, slots=True)
class _Rows:
    """A split of several artifacts, as one source of an engine."""

    examples: Sequence[Examples]
    split: str

    @property
    def shards(self) -> Sequence[Shard]:
        """The parts, in order of the artifacts."""
        return [shard for one in self._holding for shard in one.source(self.split).shards]

    @property
    def bounded(self) -> bool:
        """Whether each part is small enough for a worker to hold."""
        return all(one.source(self.split).bounded for one in self._holding)

    @property
    def num_rows(self) -> int:
        """Rows as their producers counted them."""
        return sum(one.num_rows(self.split) for one in self._holding)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Return all rows, in order."""
        for shard in self.shards:
            yield from shard.batches()

    @property
    def _holding(self) -> list[Examples]:
        return [one for one in self.examples if self.split in one.split_names]


def _rows_to_analyze(examples: Sequence[Examples], splits: Sequence[str]) -> list[AnalyzedRows]:
    """Return each split of each artifact, named by the artifact's digest."""
    from assay.components.transform.analysis import AnalyzedRows

    return [
        # A Beam path and a folder's name: neither may contain the digest's colon.
        AnalyzedRows(f"{one.digest.replace(':', '-') or at}-{split}", f"split '{split}'", one.source(split).shards)
        for split in splits
        for at, one in enumerate(examples)
        if split in one.split_names
    ]


def _write_rows(
    context: ExecutionContext,
    graph: TransformFunction,
    examples: Sequence[Examples],
    splits: Sequence[str],
    output: Examples,
) -> None:
    """Write the transformed rows of each split, and check that there are as many as raw ones."""
    from assay.components.transform.compute import transform

    for split in splits:
        rows = _Rows(examples, split)
        with output.writer(split, graph.schema) as writer:
            for batch in transform(graph, rows.batches(), f"split '{split}'"):
                writer.write(batch)
        context.count_rows(split, read=rows.num_rows, written=output.rows[split])
    output.properties["split_names"] = list(splits)
    output.properties["span"] = max(one.span for one in examples)
    output.properties["payload_format"] = "FORMAT_PARQUET" if output.file_format == PARQUET else "FORMAT_TF_EXAMPLE"
