"""The user's `stats_options_updater_fn`: with which options, and by which schema, statistics are computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import UsageError
from assay.kernels.statistics import StatisticsOptions
from assay.kernels.statistics.options import is_tfdv_options, options_of_tfdv
from assay.spec.user_code import load_function, run_user_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.components.transform.config import StatsType

_NAME = "stats_options_updater_fn"


@dataclass(frozen=True, slots=True)
class StatsOptionsUpdater:
    """The user's function, and how it is named in messages."""

    function: Callable[..., Any]
    place: str
    module_file: str | None

    def options(self, stats_type: StatsType, schema: schema_pb2.Schema) -> tuple[StatisticsOptions, schema_pb2.Schema]:
        """Return TFDV's default options with `schema`, after the user's function changed them.

        Raises:
            UserCodeError: If it raises.
            UsageError: If it gives no `tfdv.StatsOptions`, or one that asks for what is not computed here.
        """
        # TFDV takes seconds to import; few modules have such a function.
        import tensorflow_data_validation as tfdv

        given = schema_pb2.Schema()
        given.CopyFrom(schema)
        with run_user_code(self.place, self.module_file):
            found = self.function(stats_type, tfdv.StatsOptions(schema=given))
        if not is_tfdv_options(found):
            raise UsageError(
                "transform.stats_options",
                f"{self.place} must return a tfdv.StatsOptions; it returned {type(found).__name__}.",
                "End it with `return stats_options`.",
            )
        updated = schema if found.schema is None else found.schema
        found.schema = None
        return options_of_tfdv(found), updated


def load_stats_options_updater(module_file: str | None, dotted: str | None) -> StatsOptionsUpdater | None:
    """Find the user's function: by its dotted name, or in the module file, which need not have one.

    Raises:
        UsageError: If both are given, or the dotted name names no function.
    """
    if dotted is not None:
        if module_file is not None:
            raise UsageError(
                "transform.two_places",
                f"{_NAME} is given, but module_file is, too.",
                f"Define {_NAME} in the module file, or give preprocessing_fn by its dotted name as well.",
            )
        return StatsOptionsUpdater(load_function(None, dotted, _NAME), dotted, None)
    if module_file is None:
        return None
    try:
        function = load_function(module_file, None, _NAME)
    except UsageError as error:
        if error.code != "user_code.no_function":
            raise
        return None
    return StatsOptionsUpdater(function, f"{_NAME} of {Path(module_file).name}", module_file)
