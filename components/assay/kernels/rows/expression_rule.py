"""The rule that an expression over columns holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from assay.kernels.rows.expression import Kind, Term, compile_expression, condition
from assay.kernels.rows.record import BYTES, FLOAT, INT, as_double
from assay.kernels.rows.rule import Rule

if TYPE_CHECKING:
    from assay.kernels.rows.batch_columns import BatchColumns, Mask
    from assay.kernels.rows.record import Record

_KINDS: Final[dict[str, Kind]] = {INT: "number", FLOAT: "number", BYTES: "text"}
_NOTHING: Final = Term("missing", 0.0, known=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionRule(Rule):
    """An expression holds, or cannot be decided because a value is missing, as SQL's CHECK has it.

    A row with several values in a column that the expression reads breaks it.

    Attributes:
        expression: The text, as `expression` compiles it.
    """

    expression: str

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows in which the expression is false or cannot read a value."""
        node, names = compile_expression(self.expression)
        value, known = condition(node(batch.term))
        broken = batch.no_rows() | (known & (value ^ True))
        for name in names:
            if not batch[name].flat:
                broken |= batch[name].count_by_row(batch[name].present_leaves) > 1
        return cast("Mask", broken)

    def breaks(self, record: Record) -> bool:
        """Whether the expression is false or cannot read a value."""
        node, names = compile_expression(self.expression)
        if any(len(record[name].leaves) > 1 for name in names):
            return True

        def read(name: str) -> Term:
            leaves = record[name].leaves
            if not leaves:
                return _NOTHING
            family, value = leaves[0]
            kind = _KINDS.get(family, "mixed")
            return Term(kind, as_double(value) if kind == "number" else value, known=True)

        value, known = condition(node(read))
        return bool(known and not value)
