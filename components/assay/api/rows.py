"""Rows that were validated: which of them broke which rule, and the quarantine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from assay.api.cells import beside_cells
from assay.artifacts.outputs import output_folder
from assay.artifacts.quarantine import QuarantineCounts, write_separated
from assay.data.parquet import ParquetWriter
from assay.engines.embedded import EmbeddedEngine
from assay.files import write_durably
from assay.kernels.identity import written_columns
from assay.kernels.rows.data_schema import DataSchema
from assay.kernels.rows.declared_rules import compile_rules
from assay.kernels.rows.rule_set import RuleSet
from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.separation import Separation, rejected_schema
from assay.kernels.rows.validation import find_duplicates, validate_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from assay.kernels.rows.declared_rules import RuleLike
    from assay.kernels.rows.row_report import RowReport
    from assay.validation import Expectations

CLEAN = "clean.parquet"
REJECTED = "rejected.parquet"
COUNTS = "counts.json"


@dataclass(frozen=True, slots=True)
class ValidatedRows:
    """A source of rows, and the rules that they must meet."""

    source: Any
    rules: RuleSet

    def of_columns(self, columns: AbstractSet[str]) -> ValidatedRows:
        """Return the same rows, with only the rules that read these columns."""
        return replace(self, rules=self.rules.of_columns(columns))

    def report(self) -> RowReport:
        """Count the rows that break each rule."""
        source, _ = beside_cells(self.source, self._keys, all_columns=False)
        return validate_rows(partial(EmbeddedEngine().reduce, source), self.rules)

    def quarantine(self, folder: str | Path) -> QuarantineCounts:
        """Write clean and rejected rows; see `Report.quarantine`."""
        with output_folder(Path(folder), (CLEAN, REJECTED, COUNTS), _paths(self.source)) as place:
            return self._separate(place)

    @property
    def _keys(self) -> set[str]:
        return {name for rule in self.rules.unique_rules for name in rule.columns}

    def _separate(self, folder: Path) -> QuarantineCounts:
        engine = EmbeddedEngine()
        source, codes = beside_cells(self.source, self._keys, all_columns=True)
        reduce = partial(engine.reduce, source)
        found: pa.Schema = reduce(DataSchema())
        columns = pa.schema([(name, found.field(held).type) for name, held in written_columns(found, codes)])
        parts = engine.map(source, Separation(self.rules, find_duplicates(reduce, self.rules), codes))
        with ParquetWriter(folder / CLEAN, columns) as clean:
            counts = write_separated(parts, folder / REJECTED, rejected_schema(columns), clean)
        write_durably(folder / COUNTS, msgspec.json.format(msgspec.json.encode(counts), indent=2) + b"\n")
        return counts


def _paths(source: Any) -> list[Path]:
    """Return the files that a source reads; a source in memory has none."""
    return [Path(shard.path) for shard in getattr(source, "shards", ()) if hasattr(shard, "path")]


def rows_to_validate(source: Any, expected: Expectations, rules: Sequence[RuleLike]) -> ValidatedRows:
    """Validate the rows of a source against the schema and the user's own rules.

    Raises:
        UsageError: A rule has the id of another, or cannot be compiled; or the environment is unknown.
    """
    compiled = schema_rules(expected.schema, expected.environment) + compile_rules(rules)
    return ValidatedRows(source, compiled.with_severities(expected.severity_overrides))
