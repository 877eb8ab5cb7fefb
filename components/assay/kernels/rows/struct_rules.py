"""Rules about the fields of a struct: any rule, held against each struct of a row as if it were a row itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.kernels.feature_path import join_path
from assay.kernels.rows.record import STRUCT
from assay.kernels.rows.rule import RowRule, Rule

if TYPE_CHECKING:
    from assay.kernels.rows.batch_columns import BatchColumns, Mask
    from assay.kernels.rows.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule(Rule):
    """A rule about the fields of every struct in a column.

    Attributes:
        rule: What each struct has to keep, its fields being the columns.
    """

    rule: RowRule

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows with a struct that breaks the rule; a column of anything else is the type rule's affair."""
        column = batch[self.columns[0]]
        if column.family != STRUCT:
            return None
        structs, rows = column.structs
        inner = self.rule.mask(structs)
        if inner is None:
            return None
        broken = column.no_rows()
        broken[rows[inner]] = True
        return broken

    def breaks(self, record: Record) -> bool:
        """Whether a struct breaks the rule."""
        return any(self.rule.breaks(struct) for struct in record[self.columns[0]].structs)


def field_rule(struct: str, rule: RowRule) -> FieldRule:
    """Makes a rule of fields a rule of the struct's column."""
    return FieldRule(
        id=f"{join_path((struct,))}.{rule.id}",
        reason=rule.reason,
        columns=(struct,),
        expectation=f"in {struct}, {rule.expectation}",
        severity=rule.severity,
        rule=rule,
    )
