"""Rules beyond a schema, as a user writes them: in Python, or in a YAML or JSON file (`schemas/row_rules.schema.json`).

A schema of tensorflow-metadata has no word for a pattern, a unique key or a comparison of columns.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import msgspec

from assay.documents import parse_json, parse_yaml, read_text
from assay.errors import UsageError
from assay.kernels.expression import OTHER_VALUE, compile_expression, midnight, unreadable
from assay.kernels.rows.domain_rules import ValueRule
from assay.kernels.rows.record import OTHER, STRUCT
from assay.kernels.rows.rule import RowRule, Rule, Severity, UniqueRule, shown, shown_limit
from assay.kernels.rows.rule_set import RuleSet
from assay.kernels.rows.structure_rules import PresenceRule
from assay.kernels.rows.value_tests import NumberBound, Pattern, float_limit, whole_limit

if TYPE_CHECKING:
    from assay.kernels.rows.batch_columns import BatchColumns, Mask
    from assay.kernels.rows.record import Record

Name = Annotated[str, msgspec.Meta(min_length=1)]


# msgspec tells the kinds of a union by a tag, which its Structs have and dataclasses have not.
class _Declared(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    id: str = ""
    severity: Severity = "error"


class NotNull(_Declared, frozen=True, kw_only=True, tag="not_null"):
    """Every row has a value in a column.

    Attributes:
        column: The column.
        id: The rule's id; made of column and kind where empty.
        severity: Whether a row that breaks the rule is rejected (`error`) or counted (`warning`).
    """

    column: Name


class Regex(_Declared, frozen=True, kw_only=True, tag="regex"):
    r"""Every value of a column is text that matches a pattern; missing values pass.

    Attributes:
        column: The column.
        pattern: A regular expression of Python's, `[A-Z]{3}-\d+` for one.
        search: Whether a match anywhere in the text is enough; by default the whole text has to match.
        id: The rule's id; made of column and kind where empty.
        severity: Whether a row that breaks the rule is rejected (`error`) or counted (`warning`).
    """

    column: Name
    pattern: str
    search: bool = False


class Range(_Declared, frozen=True, kw_only=True, tag="range"):
    """Every number of a column lies between two limits, both included; missing values and NaN pass.

    Attributes:
        column: The column.
        min: The least number; none where absent.
        max: The greatest number; none where absent.
        id: Begins the ids of the rules for the two limits; made of the column where empty.
        severity: Whether a row that breaks the rule is rejected (`error`) or counted (`warning`).
    """

    column: Name
    min: float | None = None
    max: float | None = None


class Unique(_Declared, frozen=True, kw_only=True, tag="unique"):
    """No two rows have the same values in the columns; rows that lack one of them pass.

    Attributes:
        columns: The columns of the key.
        id: The rule's id; made of columns and kind where empty.
        severity: Whether a row that breaks the rule is rejected (`error`) or counted (`warning`).
    """

    columns: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]


class Expression(_Declared, frozen=True, kw_only=True, tag="expression"):
    """An expression over columns holds in every row; it passes where a missing value leaves it undecided.

    Attributes:
        holds: A condition such as `tips <= fare and payment in ("Cash", "Card")`; the same language as in slices.
        id: The rule's id; the expression where empty.
        severity: Whether a row that breaks the rule is rejected (`error`) or counted (`warning`).
    """

    holds: Name


class Function(_Declared, frozen=True, kw_only=True, tag="function"):
    """A Python function over columns, by its name; in Python, give the function itself.

    Attributes:
        function: `package.module:function`; see `function_rule`.
        id: The rule's id; the function's name where empty.
        severity: Whether a row that breaks the rule is rejected (`error`) or counted (`warning`).
    """

    function: Annotated[str, msgspec.Meta(pattern=r"^[\w.]+:\w+$")]


DeclaredRule: TypeAlias = NotNull | Regex | Range | Unique | Expression | Function
RuleLike: TypeAlias = DeclaredRule | Callable[..., Any]


class RowRulesFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of row rules.

    Attributes:
        rules: The rules.
        version: Of this layout.
    """

    rules: tuple[DeclaredRule, ...]
    version: Literal[1] = 1


def read_rules(path: Path | str) -> tuple[DeclaredRule, ...]:
    """Read a file of row rules: JSON if its name ends so, else YAML.

    Raises:
        UsageError: There is no such file, or it is not one of row rules; the message says where.
    """
    path = Path(path)
    text = read_text(path, "row rules", code="rows.no_file")
    parse = parse_json if path.suffix == ".json" else parse_yaml
    plain = parse(text, str(path), code="rows.bad_file", hint="See schemas/row_rules.schema.json.")
    try:
        return msgspec.convert(plain, RowRulesFile).rules
    except msgspec.MsgspecError as error:
        raise UsageError(
            "rows.bad_file", f"{path} does not contain row rules: {error}.", "See schemas/row_rules.schema.json."
        ) from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a file of row rules, as `schemas/row_rules.schema.json` ships it."""
    schema = msgspec.json.schema(RowRulesFile)
    for definition in schema["$defs"].values():
        definition["description"] = cleandoc(definition["description"]).split("\n")[0]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "assay row rules", **schema}


def compile_rules(declared: Sequence[RuleLike]) -> RuleSet:
    """Compiles rules that a user wrote.

    Raises:
        UsageError: A pattern, an expression, a range or a function's signature is wrong.
    """
    row_rules: list[RowRule] = []
    unique_rules: list[UniqueRule] = []
    for rule in declared:
        if isinstance(rule, Unique):
            unique_rules.append(_unique(rule))
        elif isinstance(rule, _Declared):
            row_rules.extend(_COMPILERS[type(rule)](rule))
        else:
            row_rules.append(_from_callable(rule))
    return RuleSet(row_rules=tuple(row_rules), unique_rules=tuple(unique_rules))


def _not_null(rule: NotNull) -> list[RowRule]:
    return [
        PresenceRule(
            id=rule.id or f"{rule.column}.not_null",
            reason="NULL_VALUE",
            columns=(rule.column,),
            expectation=f"{rule.column} has a value",
            severity=rule.severity,
        )
    ]


def _regex(rule: Regex) -> list[RowRule]:
    verb = "contains a match of" if rule.search else "matches"
    return [
        ValueRule(
            id=rule.id or f"{rule.column}.regex",
            reason="REGEX_MISMATCH",
            columns=(rule.column,),
            expectation=f"{rule.column} {verb} {shown(rule.pattern)}",
            severity=rule.severity,
            test=Pattern(rule.pattern, rule.search),
        )
    ]


def _range(rule: Range) -> list[RowRule]:
    if rule.min is None and rule.max is None:
        raise UsageError("rows.empty_range", f"The range of '{rule.column}' has neither min nor max.")
    if any(bound is not None and math.isnan(bound) for bound in (rule.min, rule.max)):
        raise UsageError("rows.empty_range", f"The range of '{rule.column}' has a bound that is not a number.")
    if rule.min is not None and rule.max is not None and rule.min > rule.max:
        raise UsageError("rows.empty_range", f"The range of '{rule.column}' has min {rule.min} above max {rule.max}.")
    sides: tuple[tuple[Literal["min", "max"], float | None, str], ...] = (
        ("min", rule.min, "at least"),
        ("max", rule.max, "at most"),
    )
    return [
        ValueRule(
            id=f"{rule.id or rule.column + '.range'}.{side}",
            reason="BELOW_RANGE" if side == "min" else "ABOVE_RANGE",
            columns=(rule.column,),
            expectation=f"{rule.column} is {word} {shown_limit(limit)}",
            severity=rule.severity,
            test=NumberBound(side, whole_limit(side, limit), float_limit(side, limit)),
        )
        for side, limit, word in sides
        if limit is not None
    ]


def _unique(rule: Unique) -> UniqueRule:
    key = ", ".join(rule.columns)
    return UniqueRule(
        id=rule.id or f"{key}.unique",
        reason="DUPLICATE_KEY",
        columns=rule.columns,
        expectation=f"no two rows have the same {key}",
        severity=rule.severity,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionRule(Rule):
    """An expression can read the row and is not false, as SQL's CHECK has it.

    Attributes:
        expression: The text, in the language of `kernels.expression`.
    """

    expression: str

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows in which the expression is false or cannot read a value."""
        return batch.truth(compile_expression(self.expression)).broken

    def breaks(self, record: Record) -> bool:
        """Return whether the expression is false or cannot read a value."""

        def read(name: str) -> Any:
            leaves = record[name].leaves
            if len(leaves) != 1:
                if leaves:
                    raise unreadable(f"Column '{name}' has several values")
                return None
            family, value = leaves[0]
            return _other(value) if family in {STRUCT, OTHER} else value

        return compile_expression(self.expression).is_broken_by(read)


def _other(value: Any) -> Any:
    """Return a time as the expression reads it, and other values as one that it only finds present."""
    if isinstance(value, dt.datetime):
        return value
    return midnight(value) if isinstance(value, dt.date) else OTHER_VALUE


def _expression(rule: Expression) -> list[RowRule]:
    text = re.sub(r"\s+", " ", rule.holds).strip()
    return [
        ExpressionRule(
            id=rule.id or text,
            reason="EXPRESSION_FALSE",
            columns=compile_expression(rule.holds).columns,
            expectation=text,
            severity=rule.severity,
            expression=rule.holds,
        )
    ]


def _function(rule: Function) -> list[RowRule]:
    module, _, name = rule.function.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            "rows.no_function",
            f"Could not import the row rule {rule.function}: {error}.",
            "Write it as module:function, importable from where the rules are used.",
        ) from error
    return [_from_callable(function, rule)]


def _from_callable(function: Callable[..., Any], declared: Function | None = None) -> RowRule:
    # Arrow is loaded for functions only: a validator of single records without any does without it.
    from assay.kernels.rows.function_rule import function_rule  # noqa: PLC0415

    if declared is None:
        return function_rule(function)
    return function_rule(function, severity=declared.severity, id=declared.id)


_COMPILERS: Final[dict[type, Callable[[Any], list[RowRule]]]] = {
    NotNull: _not_null,
    Regex: _regex,
    Range: _range,
    Expression: _expression,
    Function: _function,
}


if __name__ == "__main__":  # python -m assay.kernels.rows.declared_rules > schemas/row_rules.schema.json
    import json
    import sys

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
