"""Prebuilt ML validation components that share typed artifacts, in TFX's own formats.

Importing this package is cheap: a name is looked up when it is first used (PEP 562), so that `import assay` loads
neither TensorFlow nor Beam nor any data library.

Example:
    ```python
    from assay import ExecutionContext, Input, Output, Pipeline, component
    from assay.artifacts import Examples
    from assay.components import StatisticsGen
    ```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.lazy import lazy_names

if TYPE_CHECKING:
    from assay.api import Report, infer_schema, merge_statistics, validate
    from assay.api.drift import DriftReport, drift
    from assay.api.evaluation import evaluate, gate
    from assay.api.evaluation_report import Evaluation, GateReport
    from assay.api.inputs import ConfigLike, DataLike, ModelLike, SchemaLike, StatisticsLike
    from assay.api.skew import leakage, skew
    from assay.api.statistics import Statistics, statistics
    from assay.data.csv_types import CsvOptions
    from assay.errors import AssayError
    from assay.kernels.distances import DriftThresholds
    from assay.kernels.feature_summary import FeatureSummary
    from assay.kernels.rows.record_validator import RowValidator
    from assay.kernels.statistics import SlicingSpec, StatisticsOptions
    from assay.runners.local import LocalDagRunner
    from assay.schema import SchemaEditor
    from assay.spec import (
        Channel,
        Cond,
        ExecutionContext,
        Importer,
        Input,
        Inputs,
        Output,
        Pipeline,
        Resolver,
        RuntimeParameter,
        UserModule,
        component,
    )
    from assay.validation import CheckResult

__version__ = "0.1.0.dev0"

_HOME = {
    "AssayError": "assay.errors",
    "Channel": "assay.spec",
    "CheckResult": "assay.validation",
    "Cond": "assay.spec",
    "ConfigLike": "assay.api.inputs",
    "CsvOptions": "assay.data.csv_types",
    "DataLike": "assay.api.inputs",
    "DriftThresholds": "assay.kernels.distances",
    "DriftReport": "assay.api",
    "Evaluation": "assay.api.evaluation_report",
    "ExecutionContext": "assay.spec",
    "FeatureSummary": "assay.kernels.feature_summary",
    "GateReport": "assay.api.evaluation_report",
    "Importer": "assay.spec",
    "Input": "assay.spec",
    "Inputs": "assay.spec",
    "LocalDagRunner": "assay.runners.local",
    "ModelLike": "assay.api.inputs",
    "Output": "assay.spec",
    "Pipeline": "assay.spec",
    "Report": "assay.api",
    "Resolver": "assay.spec",
    "RowValidator": "assay.kernels.rows.record_validator",
    "RuntimeParameter": "assay.spec",
    "SchemaEditor": "assay.schema",
    "SchemaLike": "assay.api.inputs",
    "SlicingSpec": "assay.kernels.statistics",
    "Statistics": "assay.api",
    "StatisticsLike": "assay.api.inputs",
    "StatisticsOptions": "assay.kernels.statistics",
    "UserModule": "assay.spec",
    "component": "assay.spec",
    "drift": "assay.api",
    "evaluate": "assay.api.evaluation",
    "gate": "assay.api.evaluation",
    "infer_schema": "assay.api",
    "leakage": "assay.api.skew",
    "merge_statistics": "assay.api",
    "skew": "assay.api.skew",
    "statistics": "assay.api",
    "validate": "assay.api",
}

__all__ = [
    "AssayError",
    "Channel",
    "CheckResult",
    "Cond",
    "ConfigLike",
    "CsvOptions",
    "DataLike",
    "DriftReport",
    "DriftThresholds",
    "Evaluation",
    "ExecutionContext",
    "FeatureSummary",
    "GateReport",
    "Importer",
    "Input",
    "Inputs",
    "LocalDagRunner",
    "ModelLike",
    "Output",
    "Pipeline",
    "Report",
    "Resolver",
    "RowValidator",
    "RuntimeParameter",
    "SchemaEditor",
    "SchemaLike",
    "SlicingSpec",
    "Statistics",
    "StatisticsLike",
    "StatisticsOptions",
    "UserModule",
    "__version__",
    "component",
    "drift",
    "evaluate",
    "gate",
    "infer_schema",
    "leakage",
    "merge_statistics",
    "skew",
    "statistics",
    "validate",
]


_look_up = lazy_names(__name__, _HOME)


def __getattr__(name: str) -> Any:
    """Import the home of a name when it is first used."""
    if name in _HOME:
        from assay.errors import check_arrow_and_numpy  # noqa: PLC0415  (import assay loads no library)

        check_arrow_and_numpy()
    return _look_up(name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return __all__
