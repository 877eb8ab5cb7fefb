"""TFMA's own pipeline, for what only it can do: another runner, custom extractors, query keys, confidence intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apache_beam as beam
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa

    from assay.gating.limits import EvalConfig


def run_pipeline(
    batches: Iterable[pa.RecordBatch],
    config: EvalConfig,
    models: Any,
    extractors: list[Any],
    output: Path,
    *,
    options: Sequence[str] = (),
) -> None:
    """Computes and writes everything with `tfma.ExtractEvaluateAndWriteResults`.

    Args:
        batches: The examples as TFMA's batched input.
        config: The configuration with TFMA's defaults.
        models: One `EvalSharedModel`, a list of them, or None.
        extractors: TFMA's or the user's extractors.
        output: The folder for TFMA's files.
        options: Options of the Beam runner; the in-process runner by default.
    """
    with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
        _ = (
            pipeline
            | "Examples" >> beam.Create(list(batches), reshuffle=False)
            | "Evaluate"
            >> tfma.ExtractEvaluateAndWriteResults(
                eval_shared_model=models, eval_config=config, extractors=extractors, output_path=str(output)
            )
        )
