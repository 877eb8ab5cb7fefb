"""The messages of an `EvalConfig`, under the names of `import tensorflow_model_analysis as tfma`.

TFMA 0.52, which Python 3.12 and newer have, no longer exports them, though TFX's own pipelines say `tfma.EvalConfig`.
They need neither TFMA nor TensorFlow, so that a pipeline file starts ten seconds earlier.
"""

from __future__ import annotations

import absl.logging  # noqa: F401 (TFX's pipelines use it without importing it, because TFMA does)

from assay.protos import tfma as _messages

__all__ = [
    "AggregationOptions",
    "BinarizationOptions",
    "ConfidenceIntervalOptions",
    "CrossSliceMetricThreshold",
    "CrossSliceMetricThresholds",
    "CrossSlicingSpec",
    "EvalConfig",
    "ExampleWeightOptions",
    "GenericChangeThreshold",
    "GenericValueThreshold",
    "MetricConfig",
    "MetricDirection",
    "MetricThreshold",
    "MetricsSpec",
    "ModelSpec",
    "Options",
    "PaddingOptions",
    "PerSliceMetricThreshold",
    "PerSliceMetricThresholds",
    "RepeatedInt32Value",
    "RepeatedStringValue",
    "SlicingSpec",
]

AggregationOptions = _messages.AggregationOptions
BinarizationOptions = _messages.BinarizationOptions
ConfidenceIntervalOptions = _messages.ConfidenceIntervalOptions
CrossSliceMetricThreshold = _messages.CrossSliceMetricThreshold
CrossSliceMetricThresholds = _messages.CrossSliceMetricThresholds
CrossSlicingSpec = _messages.CrossSlicingSpec
EvalConfig = _messages.EvalConfig
ExampleWeightOptions = _messages.ExampleWeightOptions
GenericChangeThreshold = _messages.GenericChangeThreshold
GenericValueThreshold = _messages.GenericValueThreshold
MetricConfig = _messages.MetricConfig
MetricDirection = _messages.MetricDirection
MetricThreshold = _messages.MetricThreshold
MetricsSpec = _messages.MetricsSpec
ModelSpec = _messages.ModelSpec
Options = _messages.Options
PaddingOptions = _messages.PaddingOptions
PerSliceMetricThreshold = _messages.PerSliceMetricThreshold
PerSliceMetricThresholds = _messages.PerSliceMetricThresholds
RepeatedInt32Value = _messages.RepeatedInt32Value
RepeatedStringValue = _messages.RepeatedStringValue
SlicingSpec = _messages.SlicingSpec
