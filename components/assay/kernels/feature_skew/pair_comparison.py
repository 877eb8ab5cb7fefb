"""Compares pairs of examples feature by feature, and adds up what is found."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.errors import DataError
from assay.kernels.arrow_types import is_list
from assay.kernels.feature_skew.report import FeatureSkew, SkewPair
from assay.kernels.feature_skew.values import equal_rows, has_values
from assay.kernels.identity import NUMBER, PLAIN, Identity
from assay.kernels.python_values import python_value, python_values
from assay.kernels.rows.batch_columns import BatchColumn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from assay.kernels.feature_skew.options import FeatureSkewOptions
    from assay.kernels.identity import Form

    Mask = NDArray[np.bool_]

_MATCH, _BASE_ONLY, _TEST_ONLY, _MISMATCH = "match_count", "base_only", "test_only", "mismatch_count"
_LISTS = {
    _MATCH: "matched_features",
    _BASE_ONLY: "base_only_features",
    _TEST_ONLY: "test_only_features",
    _MISMATCH: "mismatched_features",
}


class PairComparison:
    """Adds up the comparison of pairs.

    Attributes:
        pairs: The first skewed pairs, as many as the options ask for.
        confusion: Pairs by feature, base value and test value.
    """

    def __init__(self, options: FeatureSkewOptions, forms: Mapping[str, Form | None]) -> None:
        self._options = options
        self._forms = forms
        self._counts: dict[str, Counter[str]] = {}
        self.pairs: list[SkewPair] = []
        self.confusion: Counter[tuple[str, str | int | None, str | int | None]] = Counter()

    def add(self, base: pa.RecordBatch, test: pa.RecordBatch) -> None:
        """Adds pairs: row by row a base example and its test example."""
        skip = {*self._options.identifier_features, *self._options.features_to_ignore}
        skewed = np.zeros(base.num_rows, np.bool_)
        outcomes: dict[str, dict[str, Mask]] = {}
        for name in sorted({*base.schema.names, *test.schema.names} - skip):
            form, ndigits = self._forms.get(name), self._options.float_round_ndigits
            outcome, seen = _outcome(_column(base, name), _column(test, name), ndigits, form)
            if not seen.any():
                continue
            outcomes[name] = outcome
            # As in TFDV, a pair of an empty list and no feature at all neither matches nor differs, yet is skewed.
            skewed |= seen & ~outcome[_MATCH]
            self._count(name, outcome)
        for row in np.flatnonzero(skewed)[: self._options.sample_size - len(self.pairs)].tolist():
            self.pairs.append(_skew_pair(base, test, outcomes, row))
        for name in self._options.confusion_features:
            values = zip(_single_values(name, base), _single_values(name, test), strict=True)
            self.confusion.update((name, one, other) for one, other in values)

    def features(self) -> tuple[FeatureSkew, ...]:
        """Gives the counts of each feature that some pair has, by name."""
        return tuple(FeatureSkew(feature_name=name, **counts) for name, counts in sorted(self._counts.items()))

    def _count(self, name: str, outcome: dict[str, Mask]) -> None:
        counts = self._counts.setdefault(name, Counter())
        counts.update({kind: int(np.count_nonzero(mask)) for kind, mask in outcome.items()})


def _outcome(base: pa.Array, test: pa.Array, ndigits: int | None, form: Form | None) -> tuple[dict[str, Mask], Mask]:
    """Gives the pairs of each kind, and those in which either example has the feature, if only as an empty list."""
    one, other = BatchColumn(len(base), base), BatchColumn(len(test), test)
    in_base, in_test = has_values(one), has_values(other)
    both = in_base & in_test
    seen = ~(one.missing & other.missing)
    equal = both & _equal(base, test, ndigits, form) if both.any() else both
    empty = ~in_base & ~in_test & ~one.missing & ~other.missing
    outcome = {
        "base_count": in_base,
        "test_count": in_test,
        _MATCH: equal | empty,
        _BASE_ONLY: in_base & ~in_test,
        _TEST_ONLY: in_test & ~in_base,
        _MISMATCH: both & ~equal,
    }
    return outcome, seen


def _equal(base: pa.Array, test: pa.Array, ndigits: int | None, form: Form | None) -> Mask:
    """Return which pairs have the same value, as written by one type or by two."""
    # A float beside a double is compared in single precision, as in a tf.Example, which holds no doubles.
    if form is not None and form != PLAIN and not (_are_floats(base.type) and _are_floats(test.type)):
        identity = Identity({"": form})
        try:
            base, test = identity.column("", base), identity.column("", test)
        except DataError:  # text that is none of the other side's values: it differs
            return equal_rows(base, test, ndigits)
        if form == NUMBER and ndigits is not None:
            with suppress(pa.ArrowInvalid):  # lists of several numbers
                base, test = (each.cast(pa.string()).cast(pa.float64()) for each in (base, test))
    return equal_rows(base, test, ndigits)


def _are_floats(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind.value_type if is_list(kind) else kind))


def _skew_pair(base: pa.RecordBatch, test: pa.RecordBatch, outcomes: dict[str, dict[str, Mask]], row: int) -> SkewPair:
    lists = {
        field: tuple(name for name, outcome in outcomes.items() if outcome[kind][row]) for kind, field in _LISTS.items()
    }
    return SkewPair(base=_example(base, row), test=_example(test, row), **lists)


def _example(batch: pa.RecordBatch, row: int) -> dict[str, Any]:
    values = {name: python_value(batch.column(at)[row]) for at, name in enumerate(batch.schema.names)}
    return {name: value for name, value in values.items() if value is not None}


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    position = batch.schema.get_field_index(name)
    return pa.nulls(batch.num_rows) if position < 0 else batch.column(position)


def _single_values(name: str, batch: pa.RecordBatch) -> list[str | int | None]:
    return [_single(name, value) for value in python_values(_column(batch, name))]


def _single(name: str, value: Any) -> str | int | None:
    if isinstance(value, list):
        if len(value) > 1:
            raise DataError(
                "feature_skew.several_values",
                f"Pairs of values of '{name}' cannot be counted: it has several in a row.",
            )
        value = value[0] if value else None
    if isinstance(value, float):
        raise DataError("feature_skew.float", f"Pairs of values of '{name}' cannot be counted: they have decimals.")
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
