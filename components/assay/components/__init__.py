"""The prebuilt components, one package each; a name is imported when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lazy import lazy_names

if TYPE_CHECKING:
    from assay.components.bulk_inferrer import BulkInferrer
    from assay.components.evaluator import Evaluator
    from assay.components.example_gen import CsvExampleGen, ImportExampleGen, ParquetExampleGen
    from assay.components.example_validator import ExampleValidator
    from assay.components.infra_validator import InfraValidator
    from assay.components.pusher import Pusher
    from assay.components.schema_gen import ImportSchemaGen, SchemaGen
    from assay.components.statistics_gen import StatisticsGen
    from assay.components.trainer import Trainer
    from assay.components.transform import Transform

FOLDERS = {
    "BulkInferrer": "bulk_inferrer",
    "CsvExampleGen": "example_gen",
    "Evaluator": "evaluator",
    "ExampleValidator": "example_validator",
    "ImportExampleGen": "example_gen",
    "ImportSchemaGen": "schema_gen",
    "InfraValidator": "infra_validator",
    "ParquetExampleGen": "example_gen",
    "Pusher": "pusher",
    "SchemaGen": "schema_gen",
    "StatisticsGen": "statistics_gen",
    "Trainer": "trainer",
    "Transform": "transform",
}
"""The folder of each component."""

__all__ = [
    "BulkInferrer",
    "CsvExampleGen",
    "Evaluator",
    "ExampleValidator",
    "ImportExampleGen",
    "ImportSchemaGen",
    "InfraValidator",
    "ParquetExampleGen",
    "Pusher",
    "SchemaGen",
    "StatisticsGen",
    "Trainer",
    "Transform",
]


__getattr__ = lazy_names(__name__, {name: f".{folder}" for name, folder in FOLDERS.items()})


def __dir__() -> list[str]:
    """Return the components, loaded or not."""
    return __all__
