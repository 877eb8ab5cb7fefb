"""TFMA's metrics without a Beam pipeline.

The extractors, preprocessors and combiners are TFMA's own; only their order of execution is ours. Each example is added
once, to the accumulator of its *set* of slices; the accumulators of sets are then merged into slices. With slices by
hour and by payment type, that is one addition per example where TFMA's pipeline makes three.

TFMA's extractors are Beam transforms that map one element to others. A Beam pipeline for them costs seconds before the
first example is looked at: translating the graph, pickling, a worker. A list costs nothing. Only element-wise
transforms have a meaning here; for anything else, TFMA's own pipeline takes over.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.transforms.ptransform import _NamedPTransform
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.evaluators import keras_util
from tensorflow_model_analysis.extractors import unbatch_extractor
from tensorflow_model_analysis.metrics import metric_specs

from assay.evaluation.tfma_config import baseline_name
from assay.evaluation.tfma_parts import (
    ComputationsCombiner,
    Preprocessor,
    is_diffable,
    is_private_metric,
    separate_computations,
)
from assay.gating.metric_values import slice_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa

    from assay.gating.metric_values import SliceKey
    from assay.gating.thresholds import EvalConfig

SlicedMetrics = list[tuple[Any, dict[Any, Any]]]


class NotElementwiseError(Exception):
    """A transform groups or merges; it needs a real pipeline."""


class LocalCollection:
    """Elements in memory, which take `| transform` as a `beam.PCollection` does.

    Attributes:
        elements: The elements.
        pipeline: None: there is no pipeline to ask.
    """

    pipeline = None

    def __init__(self, elements: list[Any]) -> None:
        self.elements = elements

    def __or__(self, transform: Any) -> LocalCollection:
        """Return the elements that `transform` makes of these.

        Raises:
            NotElementwiseError: The transform is not a `ParDo`, nor made of such.
        """
        # `label >> transform` wraps the transform to carry the label.
        if isinstance(transform, _NamedPTransform):
            transform = transform.transform
        if isinstance(transform, beam.ParDo):
            return LocalCollection(_apply(transform, self.elements))
        if isinstance(transform, (beam.GroupByKey, beam.CombineGlobally, beam.CombinePerKey, beam.Flatten)):
            raise NotElementwiseError(str(transform))
        result = transform.expand(self)
        if not isinstance(result, LocalCollection):
            raise NotElementwiseError(str(transform))
        return result


def _apply(transform: beam.ParDo, elements: list[Any]) -> list[Any]:
    arguments = [*transform.args, *transform.kwargs.values()]
    if any(isinstance(argument, beam.pvalue.AsSideInput) for argument in arguments):
        raise NotElementwiseError(str(transform))
    work = transform.fn
    work.setup()
    work.start_bundle()
    made: list[Any] = []
    for element in elements:
        made.extend(work.process(element, *transform.args, **transform.kwargs) or ())
    work.finish_bundle()
    work.teardown()
    return made


@dataclass(frozen=True, slots=True)
class TfmaMetrics:
    """What was computed.

    Attributes:
        sliced: (slice, metrics and plots) as TFMA's evaluator gives them, the whole data first.
        examples: The number of examples in each slice.
    """

    sliced: SlicedMetrics
    examples: dict[SliceKey, int]


@dataclass(slots=True)
class _Accumulation:
    """Accumulators by set of slices, and the number of examples in each."""

    by_slices: dict[frozenset[Any], Any] = field(default_factory=dict)
    examples: Counter[frozenset[Any]] = field(default_factory=Counter)


def can_run_in_process(config: EvalConfig) -> bool:
    """Return whether the configuration needs nothing that groups examples: query keys or confidence intervals."""
    return not (
        any(spec.query_key for spec in config.metrics_specs)
        or config.options.compute_confidence_intervals.value
        or config.cross_slicing_specs
    )


def compute_metrics(
    batches: Iterable[pa.RecordBatch],
    config: EvalConfig,
    models: list[Any],
    extractors: list[Any],
    *,
    schema: Any = None,
    inspect: Callable[[dict[str, Any]], None] = lambda _: None,
) -> TfmaMetrics:
    """Compute metrics and plots for every slice.

    Args:
        batches: The examples as TFMA's batched input: feature columns, and the serialised examples.
        config: The configuration, prepared by [`with_defaults`][...tfma_config.with_defaults].
        models: TFMA's `EvalSharedModel`s; none where the predictions are among the features.
        extractors: TFMA's extractors.
        schema: The schema of the examples, where there is one.
        inspect: Called with the first batch's extracts before any metric is computed; raises to stop.

    Raises:
        NotElementwiseError: An extractor groups examples, so that only a pipeline can run it.
    """
    computations = _computations(config, models, schema)
    preprocess = Preprocessor(computations.non_derived_computations)
    combine = ComputationsCombiner(computations.non_derived_computations)
    preprocess.setup()
    combine.setup()
    keep = _features_to_keep(config, computations)
    accumulation = _Accumulation()
    for number, batch in enumerate(batches):
        extracted = LocalCollection([{constants.ARROW_RECORD_BATCH_KEY: batch}])
        for extractor in extractors:
            if extractor.stage_name == unbatch_extractor.UNBATCH_EXTRACTOR_STAGE_NAME:
                if not number:
                    inspect(extracted.elements[0])
                extracted = LocalCollection([_pruned(element, keep) for element in extracted.elements])
            extracted = extracted | extractor.ptransform
        _add(accumulation, extracted.elements, preprocess, combine)
    return _results(accumulation, config, computations, combine)


def _computations(config: EvalConfig, models: list[Any], schema: Any) -> Any:
    chosen = config.options
    with_own_metrics = not chosen.HasField("include_default_metrics") or chosen.include_default_metrics.value
    computations = []
    for model in models:
        if with_own_metrics and model.include_default_metrics and model.model_type == constants.TF_KERAS:
            computations += keras_util.metric_computations_using_keras_saved_model(
                model.model_name, model.model_loader, config
            )
    computations += metric_specs.to_computations(list(config.metrics_specs), eval_config=config, schema=schema)
    return separate_computations(computations)


def _features_to_keep(config: EvalConfig, computations: Any) -> frozenset[str] | None:
    """Name the features that slices are made of; None where a metric looks at features itself.

    Splitting a batch into examples costs time for each feature, and most serve only the model.
    """
    for computation in computations.non_derived_computations:
        for preprocessor in computation.preprocessors or ():
            wanted = getattr(preprocessor, "include_filter", None)
            if wanted is None or {constants.FEATURES_KEY, constants.TRANSFORMED_FEATURES_KEY} & set(wanted):
                return None
    return frozenset(feature for spec in config.slicing_specs for feature in (*spec.feature_keys, *spec.feature_values))


def _pruned(extracts: dict[str, Any], keep: frozenset[str] | None) -> dict[str, Any]:
    if keep is None:
        return extracts
    pruned = dict(extracts)
    for key in (constants.FEATURES_KEY, constants.TRANSFORMED_FEATURES_KEY):
        if key in pruned:
            pruned[key] = _only(pruned[key], keep)
    return pruned


def _only(features: dict[str, Any], keep: frozenset[str]) -> dict[str, Any]:
    # With two models, transformed features lie one level down, by model.
    return {
        name: _only(value, keep) if isinstance(value, dict) else value
        for name, value in features.items()
        if name in keep or isinstance(value, dict)
    }


def _add(accumulation: _Accumulation, examples: list[dict[str, Any]], preprocess: Any, combine: Any) -> None:
    preprocess.start_bundle()
    for example in examples:
        for inputs in preprocess.process(example):
            slices = frozenset(inputs[constants.SLICE_KEY_TYPES_KEY])
            accumulator = accumulation.by_slices.get(slices)
            if accumulator is None:
                accumulator = combine.create_accumulator()
            accumulation.by_slices[slices] = combine.add_input(accumulator, inputs)
            accumulation.examples[slices] += 1
    preprocess.finish_bundle()


def _results(accumulation: _Accumulation, config: EvalConfig, computations: Any, combine: Any) -> TfmaMetrics:
    sets_of: dict[Any, list[frozenset[Any]]] = {}
    for slices in accumulation.by_slices:
        for key in slices:
            sets_of.setdefault(key, []).append(slices)
    smallest = config.options.min_slice_size.value
    results, examples = [], {}
    for key in sorted(sets_of, key=slice_order):
        sets = sets_of[key]
        examples[key] = sum(accumulation.examples[one] for one in sets)
        if examples[key] < smallest:
            continue
        merged = _merged([accumulation.by_slices[one] for one in sets], computations.non_derived_computations)
        metrics = combine.extract_output(combine.compact(merged))
        results.append((key, _finished(metrics, computations, baseline_name(config))))
    return TfmaMetrics(results, examples)


def _merged(accumulators: list[Any], computations: list[Any]) -> Any:
    """Merge accumulators, computation by computation.

    Merging may change what it merges, and a set of slices belongs to several slices: hence the copies. The combiners
    get one-shot iterators: some of TFMA's (cross-entropy and mean regression errors) count the first of a list twice.
    """
    if len(accumulators) == 1:
        return copy.deepcopy(accumulators[0])
    columns = zip(*(copy.deepcopy(accumulator) for accumulator in accumulators), strict=True)
    return tuple(
        computation.combiner.merge_accumulators(iter(column))
        for computation, column in zip(computations, columns, strict=True)
    )


def _finished(metrics: dict[Any, Any], computations: Any, baseline: str | None) -> dict[Any, Any]:
    """Add the metrics that derive from others, and differences from the baseline; drop TFMA's private ones."""
    finished = dict(metrics)
    for computation in computations.derived_computations:
        finished.update(computation.result(finished))
    finished.update(_differences(finished, baseline))
    for computation in computations.ci_derived_computations:
        finished.update(computation.result(finished))
    return {key: value for key, value in finished.items() if not is_private_metric(key)}


def _differences(metrics: dict[Any, Any], baseline: str | None) -> dict[Any, Any]:
    if baseline is None:
        return {}
    return {
        key.make_diff_key(): value - metrics[key.make_baseline_key(baseline)]
        for key, value in metrics.items()
        if not key.is_diff
        and not is_private_metric(key)
        and key.model_name != baseline
        and key.make_baseline_key(baseline) in metrics
        and is_diffable(value)
    }
