"""Checks single records, at serving time: the same rules and verdicts as for batches, without Arrow or TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.documents import MAX_PROTO_BYTES, parse_text_proto, read_text
from assay.errors import UsageError
from assay.kernels.rows.declared_rules import RuleLike, compile_rules, read_rules
from assay.kernels.rows.record import FLOAT, Record
from assay.kernels.rows.rule import RowRule, Severity, breach_sentence
from assay.kernels.rows.structure_rules import FieldRule, KnownColumnsRule, TypeRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that a record breaks.

    Attributes:
        rule: The rule.
        found: The offending value, or a value for each column where the rule reads several.
    """

    rule: RowRule
    found: Any

    @property
    def rule_id(self) -> str:
        """The rule's id."""
        return self.rule.id

    @property
    def reason(self) -> str:
        """Why, for machines."""
        return self.rule.reason

    @property
    def severity(self) -> Severity:
        """The rule's severity."""
        return self.rule.severity

    @property
    def sentence(self) -> str:
        """Why, in words."""
        return breach_sentence(self.rule, self.found)


class RowValidator:
    """Holds one record at a time against a schema and further rules.

    A validator can be pickled, and then no longer needs the schema, as long as no rule is a lambda or a local function.

    Attributes:
        rules: The rules that it checks.
        unchecked: Rules and constraints that one record cannot decide, each as a sentence.

    Args:
        schema: A schema, or the path of a `schema.pbtxt` or of a folder that holds one.
        rules: More rules: a list of them and of annotated functions, or the path of a file.
        environment: One of the schema's environments, `SERVING` for one.
        json_numbers: Whether records come from JSON, which may write 5.0 as 5: then a whole number is a FLOAT too.

    Raises:
        UsageError: The schema or the rules cannot be read, or a rule reads a column that the schema does not have.

    Example:
        ```python
        validator = assay.RowValidator("schema.pbtxt", environment="SERVING")
        for breach in validator.validate({"fare": -3.0}):
            print(breach.rule_id, breach.sentence)
        ```
    """

    def __init__(
        self,
        schema: Schema | str | PathLike[str],
        rules: Sequence[RuleLike] | str | PathLike[str] = (),
        environment: str | None = None,
        *,
        json_numbers: bool = False,
    ) -> None:
        # The protos are loaded here and not above: an unpickled validator does without them.
        from assay.kernels.rows.schema_rules import schema_rules  # noqa: PLC0415

        parsed = _read_schema(Path(schema)) if isinstance(schema, str | PathLike) else schema
        declared = read_rules(Path(rules)) if isinstance(rules, str | PathLike) else rules
        compiled = schema_rules(parsed, environment) + compile_rules(declared)
        compiled.check_columns()
        self.rules: tuple[RowRule, ...] = compiled.row_rules
        self._real = frozenset(_real_columns(self.rules)) if json_numbers else frozenset()
        self.unchecked: tuple[str, ...] = compiled.unchecked + tuple(
            f"{rule.expectation}: needs the whole dataset" for rule in compiled.rules if rule not in compiled.row_rules
        )

    def validate(self, record: Mapping[str, Any]) -> tuple[Breach, ...]:
        """Return the rules that a record breaks, of any severity, in the rules' order.

        Args:
            record: Python values (numbers, text, bytes, lists of them, numpy's too) by column; None, or no key, for a
                missing one. A whole number is not a FLOAT, like a column of integers, unless `json_numbers`.

        Raises:
            UsageError: The record is not a mapping.
        """
        _check_record(record)
        seen = Record(record, self._real)
        return tuple([Breach(rule, _found(rule, record)) for rule in self.rules if rule.breaks(seen)])

    def is_valid(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record breaks no rule of severity `error`."""
        _check_record(record)
        seen = Record(record, self._real)
        return not any(rule.severity == "error" and rule.breaks(seen) for rule in self.rules)


def _check_record(record: Any) -> None:
    if not isinstance(record, dict) and not hasattr(record, "items"):
        raise UsageError(
            "rows.record",
            f"Expected a record with a value for each column's name, found {type(record).__name__}.",
            "Give a dict; for a pandas row, row.to_dict().",
        )


def _real_columns(rules: Sequence[RowRule]) -> Iterator[str]:
    """Return the columns that hold numbers with decimals; fields of structs with the struct's name before a dot."""
    for rule in rules:
        if isinstance(rule, TypeRule) and rule.family == FLOAT:
            yield rule.columns[0]
        elif isinstance(rule, FieldRule):
            yield from (f"{rule.columns[0]}.{name}" for name in _real_columns([rule.rule]))


def _found(rule: RowRule, record: Mapping[str, Any]) -> Any:
    if isinstance(rule, KnownColumnsRule):
        return {name: value for name, value in record.items() if name not in rule.known and value is not None}
    if len(rule.columns) == 1:
        return record.get(rule.columns[0])
    return {name: record.get(name) for name in rule.columns}


def _read_schema(path: Path) -> Schema:
    from tensorflow_metadata.proto.v0 import schema_pb2  # noqa: PLC0415

    file = path / "schema.pbtxt" if path.is_dir() else path
    text = read_text(file, "a schema's text proto", code="schema.no_file", limit=MAX_PROTO_BYTES)
    return parse_text_proto(text, schema_pb2.Schema(), str(file), code="schema.malformed")
