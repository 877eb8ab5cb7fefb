"""The names of `tfx.v1.components`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.v1.lazy import lazy_names

if TYPE_CHECKING:
    from assay.components import (
        BulkInferrer,
        CsvExampleGen,
        Evaluator,
        ExampleValidator,
        ImportExampleGen,
        ImportSchemaGen,
        InfraValidator,
        Pusher,
        SchemaGen,
        StatisticsGen,
        Trainer,
        Transform,
    )
    from assay.components.trainer.fn_args import DataAccessor, FnArgs, TunerFnResult
    from assay.components.transform import StatsType

__all__ = [
    "BulkInferrer",
    "CsvExampleGen",
    "DataAccessor",
    "Evaluator",
    "ExampleValidator",
    "FnArgs",
    "ImportExampleGen",
    "ImportSchemaGen",
    "InfraValidator",
    "Pusher",
    "SchemaGen",
    "StatisticsGen",
    "StatsType",
    "Trainer",
    "Transform",
    "TunerFnResult",
]

_HOMES = dict.fromkeys(__all__, "assay.components") | dict.fromkeys(
    ("DataAccessor", "FnArgs", "TunerFnResult"), "assay.components.trainer.fn_args"
)
_HOMES["StatsType"] = "assay.components.transform.config"
__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return __all__
