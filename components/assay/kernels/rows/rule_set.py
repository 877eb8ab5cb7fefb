"""The rules of one dataset or one record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assay.errors import UsageError, did_you_mean
from assay.kernels.rows.rule import DatasetRule, RowRule, Rule, UniqueRule
from assay.kernels.rows.structure_rules import KnownColumnsRule, LengthRule, PartRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Rules, sorted by what they need to see.

    Attributes:
        row_rules: Decided by one row alone.
        unique_rules: Name rows, and need all of them to be seen.
        dataset_rules: About the whole dataset: they name no rows.
        unchecked: Constraints of the schema that no rule here covers, each as a sentence.
    """

    row_rules: tuple[RowRule, ...] = ()
    unique_rules: tuple[UniqueRule, ...] = ()
    dataset_rules: tuple[DatasetRule, ...] = ()
    unchecked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = [rule.id for rule in self.rules]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise UsageError(
                "rows.duplicate_id", f"Several rules have the id '{twice[0]}'.", "Give one of them another id."
            )

    @property
    def naming_rules(self) -> tuple[RowRule | UniqueRule, ...]:
        """The rules that name rows, in the order of reports."""
        return (*self.row_rules, *self.unique_rules)

    @property
    def rules(self) -> tuple[RowRule | Rule, ...]:
        """All rules, in the order of reports."""
        return (*self.naming_rules, *self.dataset_rules)

    def __add__(self, other: RuleSet) -> RuleSet:
        """Return both sets' rules.

        Raises:
            UsageError: A rule of one has the id of a rule of the other.
        """
        return RuleSet(
            row_rules=self.row_rules + other.row_rules,
            unique_rules=self.unique_rules + other.unique_rules,
            dataset_rules=self.dataset_rules + other.dataset_rules,
            unchecked=self.unchecked + other.unchecked,
        )

    def of_columns(self, columns: AbstractSet[str]) -> RuleSet:
        """Return the rules that read these columns and no others."""

        def chosen(rules: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(rule for rule in rules if rule.columns and columns >= set(rule.columns))

        return RuleSet(
            row_rules=chosen(self.row_rules),
            unique_rules=chosen(self.unique_rules),
            dataset_rules=chosen(self.dataset_rules),
        )

    def with_severities(self, overrides: Mapping[str, str]) -> RuleSet:
        """Return the rules with other severities by reason (TFDV's anomaly type): those below ERROR reject no row."""

        def changed(rule: Any) -> Any:
            level = overrides.get(rule.reason)
            return rule if level is None else replace(rule, severity="error" if level == "ERROR" else "warning")

        return replace(
            self,
            row_rules=tuple(map(changed, self.row_rules)),
            unique_rules=tuple(map(changed, self.unique_rules)),
            dataset_rules=tuple(map(changed, self.dataset_rules)),
        )

    def check_columns(self, found: Iterable[str] = ()) -> None:
        """Check that every column that a rule reads exists: every row would pass a rule on a misspelt column.

        Args:
            found: The columns of the data, in addition to those of the schema.

        Raises:
            UsageError: Neither the data nor the schema has a column that a rule reads.
        """
        known = set(found).union(*(rule.known for rule in self.row_rules if isinstance(rule, KnownColumnsRule)))
        for rule in self.rules:
            if isinstance(rule, (PartRule, LengthRule)):
                continue  # the schema names their columns, and one that is not there breaks them
            for name in rule.columns:
                if name not in known:
                    raise UsageError(
                        "rows.unknown_column",
                        f"The row rule '{rule.id}' refers to the unknown column '{name}'.",
                        did_you_mean(name, known),
                    )
