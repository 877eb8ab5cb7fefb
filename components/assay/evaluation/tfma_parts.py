"""Parts of TFMA's evaluator that it does not export, named in one place.

They are the same in TFMA 0.47 and 0.52; the oracle tests hold what is made of them against TFMA's own pipeline.
"""

from __future__ import annotations

from tensorflow_model_analysis.evaluators import metrics_plots_and_validations_evaluator as _evaluator

# ruff: noqa: SLF001


Preprocessor = _evaluator._PreprocessorDoFn
ComputationsCombiner = _evaluator._ComputationsCombineFn
separate_computations = _evaluator._filter_and_separate_computations
is_private_metric = _evaluator._is_private_metrics
is_diffable = _evaluator._is_metric_diffable
filter_by_key_type = _evaluator._filter_by_key_type
