"""Conditions: predicates on a gate's output, and the block of steps that they guard."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union, cast

from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.spec.channel import ArtifactProperty, OutputParameter

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LITERALS: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool, int, float), "True or False"),  # TFX writes 1 for True
    int: ((int, float), "a number"),
    float: ((int, float), "a number"),
    str: ((str,), "text"),
}
"""For the type of an output, the types of what it can be compared with."""

Operand = Union["OutputParameter", "ArtifactProperty"]


class Predicate:
    """A boolean expression over outputs of steps that have run; combine with `&`, `|` and `~`."""

    def __and__(self, other: Predicate) -> Predicate:
        """Require both conditions."""
        return Combination("and", self, other)

    def __or__(self, other: Predicate) -> Predicate:
        """Require at least one of both conditions."""
        return Combination("or", self, other)

    def __invert__(self) -> Predicate:
        """Negate the predicate."""
        return Negation(self)

    def __bool__(self) -> bool:
        """Refuses Python's own `and`, `or` and `if`, which would decide before the pipeline runs.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            "condition.used_as_bool",
            "A condition on a step's output is not known until the pipeline runs.",
            "Use `with Cond(condition):`, and combine conditions with &, | and ~.",
        )

    def operands(self) -> Iterator[Operand]:
        """Return the outputs that the predicate reads."""
        raise NotImplementedError

    def evaluate(self, value_of: Callable[[Operand], Any]) -> bool:
        """Decides the predicate, given the outputs' values."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class OutputComparison(Predicate):
    """An output compared with a literal value, or with another output."""

    left: Operand
    operator: str
    right: Any

    def __post_init__(self) -> None:
        """Check that the output can have a value that compares with the literal as written.

        Raises:
            UsageError: The condition would be an error, or never or always hold.
        """
        type_ = getattr(self.left, "type", None)
        if isinstance(self.right, Comparable) or type_ not in _LITERALS:
            return
        classes, words = _LITERALS[type_]
        fits = isinstance(self.right, classes) and (type_ is not bool or self.right in (0, 1))
        if not fits:
            raise UsageError(
                "condition.literal",
                f"Condition '{self}' compares {self.left}, which is {words}, with {self.right!r}.",
                f"Compare it with {words}.",
            )

    def __str__(self) -> str:
        right = str(self.right) if isinstance(self.right, Comparable) else repr(self.right)
        return f"{self.left} {self.operator} {right}"

    def operands(self) -> Iterator[Operand]:
        """Return the outputs that are compared."""
        yield self.left
        if isinstance(self.right, Comparable):
            yield cast("Operand", self.right)

    def evaluate(self, value_of: Callable[[Operand], Any]) -> bool:
        """Compare both sides; values that cannot be compared are an error, not False.

        Raises:
            UsageError: If the types do not compare.
        """
        left = value_of(self.left)
        right = value_of(cast("Operand", self.right)) if isinstance(self.right, Comparable) else self.right
        try:
            return bool(_OPERATORS[self.operator](left, right))
        except TypeError:
            raise UsageError(
                "condition.types", f"Condition '{self}' cannot be evaluated: it compares {left!r} with {right!r}."
            ) from None


@dataclass(frozen=True, slots=True, eq=False)
class Combination(Predicate):
    """Two predicates joined by `and` or `or`."""

    word: str
    left: Predicate
    right: Predicate

    def __str__(self) -> str:
        return f"({self.left} {self.word} {self.right})"

    def operands(self) -> Iterator[Operand]:
        """Return the outputs that either side reads."""
        yield from self.left.operands()
        yield from self.right.operands()

    def evaluate(self, value_of: Callable[[Operand], Any]) -> bool:
        """Decides the left side first, and the right one only where it matters."""
        if self.word == "and":
            return self.left.evaluate(value_of) and self.right.evaluate(value_of)
        return self.left.evaluate(value_of) or self.right.evaluate(value_of)


@dataclass(frozen=True, slots=True, eq=False)
class Negation(Predicate):
    """The opposite of a predicate."""

    inner: Predicate

    def __str__(self) -> str:
        return f"not {self.inner}"

    def operands(self) -> Iterator[Operand]:
        """Return the outputs that the inner predicate reads."""
        yield from self.inner.operands()

    def evaluate(self, value_of: Callable[[Operand], Any]) -> bool:
        """Decides the inner predicate and turns it round."""
        return not self.inner.evaluate(value_of)


class Comparable:
    """An output of a step: comparing it builds a predicate instead of deciding now."""

    __slots__ = ()

    def __eq__(self, other: object) -> Predicate:  # type: ignore[override]  # builds a condition, as TFX does
        return OutputComparison(self, "==", other)  # type: ignore[arg-type]  # the two subclasses are the operands

    def __ne__(self, other: object) -> Predicate:  # type: ignore[override]  # builds a condition, as TFX does
        return OutputComparison(self, "!=", other)  # type: ignore[arg-type]  # the two subclasses are the operands

    def __lt__(self, other: object) -> Predicate:
        return OutputComparison(self, "<", other)  # type: ignore[arg-type]  # the two subclasses are the operands

    def __le__(self, other: object) -> Predicate:
        return OutputComparison(self, "<=", other)  # type: ignore[arg-type]  # the two subclasses are the operands

    def __gt__(self, other: object) -> Predicate:
        return OutputComparison(self, ">", other)  # type: ignore[arg-type]  # the two subclasses are the operands

    def __ge__(self, other: object) -> Predicate:
        return OutputComparison(self, ">=", other)  # type: ignore[arg-type]  # the two subclasses are the operands

    __hash__ = object.__hash__


_ACTIVE: ContextVar[tuple[Predicate, ...]] = ContextVar("assay_conditions", default=())


def active_conditions() -> tuple[Predicate, ...]:
    """Return the conditions of the `Cond` blocks that are open where a step is being declared."""
    return _ACTIVE.get()


@contextmanager
def Cond(predicate: Predicate) -> Iterator[None]:  # noqa: N802 (TFX's name)
    """Guards the steps declared inside the `with` block: they run only where `predicate` holds.

    Example:
        ```python
        with Cond(evaluator.outputs["blessed"] == True):
            Pusher(model=trainer.outputs["model"], push_destination=...)
        ```

    Args:
        predicate: A comparison of a step's output (a parameter, or a property of an artifact), or several joined by
            `&`, `|` and `~`.

    Raises:
        UsageError: If `predicate` is not a condition on a step's output.
    """
    if not isinstance(predicate, Predicate):
        raise UsageError(
            "condition.not_a_predicate",
            f"Cond needs a condition on a step's output, got {predicate!r}.",
            'Compare an output: Cond(evaluator.outputs["blessed"] == True).',
        )
    token = _ACTIVE.set((*_ACTIVE.get(), predicate))
    try:
        yield
    finally:
        _ACTIVE.reset(token)
