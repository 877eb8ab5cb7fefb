"""Compile the domain of a schema's feature into rules of its values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from assay.errors import UsageError, did_you_mean
from assay.kernels.feature_path import join_path
from assay.kernels.rows.record import BYTES, FLOAT, INT
from assay.kernels.rows.rule import Rule, ShareRule, shown, shown_limit
from assay.kernels.rows.value_tests import (
    AnyOf,
    Finite,
    NotNan,
    NumberBound,
    NumberText,
    ValidText,
    ZeroOrOne,
    float_limit,
    shortest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tensorflow_metadata.proto.v0.schema_pb2 import (
        BoolDomain,
        Feature,
        FloatDomain,
        IntDomain,
        Schema,
        StringDomain,
    )

    from assay.kernels.rows.batch_columns import BatchColumns, Mask, ValueTest
    from assay.kernels.rows.record import Record

_NAMED_VALUES = 5


@dataclass(frozen=True, slots=True)
class TimeText:
    """Text is a time in a format.

    Attributes:
        format: With the directives of `strptime`.
    """

    format: str

    def integer(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def real(self, _value: Any) -> Any:
        """Ignore values of this family."""
        return False

    def text(self, value: str) -> bool:
        """Return whether the text is not a time in this format."""
        try:
            datetime.strptime(value, self.format)  # noqa: DTZ007 (the time itself is of no interest)
        except ValueError:
            return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule(Rule):
    """A row's values pass a test.

    Attributes:
        test: What each value has to pass.
    """

    test: ValueTest

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Return rows with a value that fails."""
        column = batch[self.columns[0]]
        leaves = column.broken_leaves(self.test)
        return None if leaves is None or not leaves.any() else column.rows_with(leaves)

    def breaks(self, record: Record) -> bool:
        """Return whether a value fails."""
        test = self.test
        for family, value in record[self.columns[0]].leaves:
            if (
                (family == BYTES and test.text(value))
                or (family == FLOAT and test.real(value))
                or (family == INT and test.integer(value))
            ):
                return True
        return False


def domain_rules(feature: Feature, schema: Schema) -> Iterator[ValueRule]:
    """Compiles a feature's domain, its own or a shared one.

    A domain applies to a value by the value's own family, as in TFDV: text in the place of a number is read as one.

    Raises:
        UsageError: The feature names a domain that the schema does not have.
    """
    kind, domain = _domain(feature, schema)
    name = feature.name
    if kind == "string_domain":
        yield _rule(f"{join_path((name,))}.utf8", "ENUM_TYPE_INVALID_UTF8", name, f"{name} is UTF-8 text", ValidText())
        if not _tolerated(feature):
            yield _outside(name, domain)
    elif kind == "int_domain":
        yield from _int_rules(name, domain)
    elif kind == "float_domain":
        yield from _float_rules(name, domain)
    elif kind == "bool_domain":
        yield from _bool_rules(name, domain)
    elif kind in {"time_domain", "time_of_day_domain"} and domain.string_format:
        text = TimeText(domain.string_format)
        expectation = f"{name} is a time as {shown(domain.string_format)}"
        yield _rule(f"{join_path((name,))}.time", "TIME_UNEXPECTED_FORMAT", name, expectation, text)


def _domain(feature: Feature, schema: Schema) -> tuple[str | None, Any]:
    kind: str | None = feature.WhichOneof("domain_info")
    if kind != "domain":
        return kind, getattr(feature, kind) if kind else None
    shared = {
        domain.name: (domain_kind, domain)
        for domain_kind in ("float_domain", "int_domain", "string_domain")
        for domain in getattr(schema, domain_kind)
    }
    if feature.domain not in shared:
        raise UsageError(
            "schema.unknown_domain",
            f"Feature '{feature.name}' names the domain '{feature.domain}', which the schema does not have.",
            did_you_mean(feature.domain, shared),
        )
    return shared[feature.domain]


def share_rules(feature: Feature, schema: Schema) -> Iterator[ShareRule]:
    """Compile a domain that a share of all values may leave (`min_domain_mass`): one row can neither break nor keep it.

    Raises:
        UsageError: The feature names a domain that the schema does not have.
    """
    kind, domain = _domain(feature, schema)
    tolerated = _tolerated(feature)
    if kind == "string_domain" and tolerated:
        rule = _outside(feature.name, domain)
        yield ShareRule(
            id=rule.id,
            reason=rule.reason,
            columns=rule.columns,
            expectation=f"{rule.expectation} in all but {tolerated:.4g} of its values",
            test=rule.test,
            max_share=tolerated,
        )


def _tolerated(feature: Feature) -> float:
    """Return the share of values that may be outside of the domain, computed as in TFDV's core."""
    constraints = feature.distribution_constraints
    return 1.0 - constraints.min_domain_mass if constraints.HasField("min_domain_mass") else 0.0


def _rule(id: str, reason: str, name: str, expectation: str, test: ValueTest) -> ValueRule:  # noqa: A002
    return ValueRule(id=id, reason=reason, columns=(name,), expectation=expectation, test=test)


def _outside(name: str, domain: StringDomain) -> ValueRule:
    values = list(domain.value)
    expectation = f"{name} is one of {_named(values)}"
    return _rule(
        f"{join_path((name,))}.domain",
        "ENUM_TYPE_UNEXPECTED_STRING_VALUES",
        name,
        expectation,
        AnyOf(frozenset(values)),
    )


def _int_rules(name: str, domain: IntDomain) -> Iterator[ValueRule]:
    yield _rule(
        f"{join_path((name,))}.number_text",
        "INT_TYPE_NOT_INT_STRING",
        name,
        f"{name} spells a whole number",
        NumberText("INT"),
    )
    for side in _sides(domain):
        limit = getattr(domain, side)
        yield _limit_rule(name, side, limit, f"INT_TYPE_{_SIZES[side]}_INT", NumberBound(side, limit, None, "INT"))


def _float_rules(name: str, domain: FloatDomain) -> Iterator[ValueRule]:
    yield _rule(
        f"{join_path((name,))}.number_text",
        "FLOAT_TYPE_STRING_NOT_FLOAT",
        name,
        f"{name} spells a number",
        NumberText("FLOAT"),
    )
    for side in _sides(domain):
        limit = getattr(domain, side)
        test = NumberBound(side, 0, float_limit(side, limit), "FLOAT", whole_applies=False)
        yield _limit_rule(name, side, shortest(limit), f"FLOAT_TYPE_{_SIZES[side]}_FLOAT", test)
    if domain.disallow_nan:
        yield _rule(f"{join_path((name,))}.nan", "FLOAT_TYPE_HAS_NAN", name, f"{name} is not NaN", NotNan())
    if domain.disallow_inf:
        yield _rule(f"{join_path((name,))}.inf", "FLOAT_TYPE_HAS_INF", name, f"{name} is finite", Finite())


def _bool_rules(name: str, domain: BoolDomain) -> Iterator[ValueRule]:
    texts = [getattr(domain, field) for field in ("true_value", "false_value") if domain.HasField(field)]
    yield _limit_rule(name, "min", 0, "BOOL_TYPE_SMALL_INT", NumberBound("min", 0, None))
    yield _limit_rule(name, "max", 1, "BOOL_TYPE_BIG_INT", NumberBound("max", 1, None))
    yield _rule(
        f"{join_path((name,))}.zero_or_one", "BOOL_TYPE_UNEXPECTED_FLOAT", name, f"{name} is 0 or 1", ZeroOrOne()
    )
    yield _rule(
        f"{join_path((name,))}.bool_text",
        "BOOL_TYPE_UNEXPECTED_STRING",
        name,
        f"{name} is one of {_named(texts)}" if texts else f"{name} is not text",
        AnyOf(frozenset(texts), undecodable=True),
    )


def _limit_rule(name: str, side: str, limit: float, reason: str, test: NumberBound) -> ValueRule:
    word = "at least" if side == "min" else "at most"
    return _rule(f"{join_path((name,))}.{side}", reason, name, f"{name} is {word} {shown_limit(limit)}", test)


def _sides(domain: IntDomain | FloatDomain) -> Sequence[Literal["min", "max"]]:
    sides: tuple[Literal["min", "max"], ...] = ("min", "max")
    return [side for side in sides if domain.HasField(side)]


def _named(values: list[str]) -> str:
    named = ", ".join(shown(value) for value in values[:_NAMED_VALUES])
    return named + (f" … ({len(values)} values)" if len(values) > _NAMED_VALUES else "")


_SIZES = {"min": "SMALL", "max": "BIG"}
