"""Metrics of rankings: each query orders its rows by their predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from assay.errors import UsageError
from assay.kernels.metrics.matrices import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.kernels.metrics.rows import EvaluatedRows, Floats, Ints

RankingKind = Literal[
    "ndcg",
    "mean_reciprocal_rank",
    "min_label_position",
    "total_queries",
    "total_documents",
    "min_documents",
    "max_documents",
]

MEANS: frozenset[RankingKind] = frozenset({"ndcg", "mean_reciprocal_rank", "min_label_position"})
"""The kinds that are means over queries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingMetric:
    """A metric of queries; a query counts by the weight that all its rows have.

    Attributes:
        name: TFMA's name, which is also its kind; `mean_reciprocal_rank` is an addition to TFMA's.
        kind: What is computed.
        top_k: How many ranks count (`ndcg`, `mean_reciprocal_rank`); None for all.
        left_out: Whether the value is the weight of the queries that do not count, not the mean over the others.
    """

    name: str
    kind: RankingKind
    top_k: int | None = None
    left_out: bool = False

    @property
    def sub_key(self) -> str:
        """The rank as TFMA writes it in a metric's key."""
        return "" if self.top_k is None else f"topK:{self.top_k}"


def ndcg(top_k: int | None = None) -> RankingMetric:
    """Return normalised discounted cumulative gain: gain / log2(1 + rank), over that of the best order.

    Queries without a positive gain do not count, and negative gains have no value (scikit-learn rejects them): the best
    order of a query could have less than nothing. Of equal predictions the lower gain ranks first: ties earn nothing.
    """
    return RankingMetric(name="ndcg", kind="ndcg", top_k=top_k)


def mean_reciprocal_rank(top_k: int | None = None) -> RankingMetric:
    """Return the mean of 1 / rank of the first row with a positive label; 0 for a query without one."""
    return RankingMetric(name="mean_reciprocal_rank", kind="mean_reciprocal_rank", top_k=top_k)


def min_label_position() -> RankingMetric:
    """Return the mean rank of the first row with a positive label, over the queries that have one."""
    return RankingMetric(name="min_label_position", kind="min_label_position")


def query_statistics() -> tuple[RankingMetric, ...]:
    """Return the numbers of queries and rows, and the minimum and maximum of a query (each times its weight)."""
    kinds: tuple[RankingKind, ...] = ("total_queries", "total_documents", "min_documents", "max_documents")
    return tuple(RankingMetric(name=kind, kind=kind) for kind in kinds)


@dataclass(slots=True)
class Queries:
    """The rows of all queries. A query may be spread over batches, so rows are held until the end.

    A query whose rows are in different slices is ranked in each slice by its rows there.
    """

    parts: list[tuple[Ints, Any, Floats, Floats, Floats, Floats]] = field(default_factory=list)

    def add(self, cells: Ints, rows: EvaluatedRows, predictions: Floats, weights: Floats) -> None:
        """Add rows.

        Raises:
            UsageError: The columns name no query.
        """
        if rows.query is None:
            raise UsageError("metrics.no_query", "Ranking metrics require a query key that groups the rows.")
        gains = rows.labels if rows.gains is None else rows.gains
        self.parts.append((cells, rows.query, predictions, rows.labels, gains, weights))

    def merge(self, other: Queries, cells: Ints) -> None:
        """Add other rows, whose cells have these numbers here."""
        self.parts.extend((cells[part[0]], *part[1:]) for part in other.parts)

    def of_slices(self, members: Sequence[Ints]) -> list[QueryRows]:
        """Return the rows of each slice, for its cells."""
        cells, query, *numbers = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        _, codes = np.unique(query.astype(str), return_inverse=True)
        order = np.argsort(cells, kind="stable")
        bounds = np.searchsorted(cells[order], np.arange(int(cells.max(initial=0)) + 2))
        result = []
        for chosen in members:
            known = chosen[chosen < len(bounds) - 1]
            rows = np.concatenate([order[:0], *(order[bounds[cell] : bounds[cell + 1]] for cell in known.tolist())])
            rows = rows[numbers[-1][rows] != 0]
            _, own = np.unique(codes.reshape(-1)[rows], return_inverse=True)
            result.append(QueryRows(own.reshape(-1), *(column[rows] for column in numbers)))
        return result


@dataclass(frozen=True, slots=True)
class QueryRows:
    """The rows of one slice that weigh anything.

    Attributes:
        codes: The query of each row, counted from 0.
        predictions: Of each row.
        labels: Of each row.
        gains: Of each row.
        weights: Of each row.
    """

    codes: Ints
    predictions: Floats
    labels: Floats
    gains: Floats
    weights: Floats


def weights_of_queries(rows: QueryRows) -> Floats:
    """Return the weight of each query; NaN for one whose rows do not all weigh the same."""
    queries = int(rows.codes.max(initial=-1)) + 1
    heaviest = _greatest(rows.codes, rows.weights, queries)
    return np.where(heaviest == -_greatest(rows.codes, -rows.weights, queries), heaviest, np.nan)


def ranking_value(metric: RankingMetric, rows: QueryRows) -> float:
    """Return the metric over the queries of a slice."""
    if not len(rows.codes):
        return float("nan")
    weight = weights_of_queries(rows)
    sizes = np.bincount(rows.codes) * weight
    if metric.kind == "total_queries":
        return float(weight.sum())
    if metric.kind == "total_documents":
        return float(sizes.sum())
    if metric.kind == "min_documents":
        return float(sizes.min())
    if metric.kind == "max_documents":
        return float(sizes.max())
    values, counted = values_of_queries(metric, rows, weight)
    if metric.left_out:
        return float((weight * (counted == 0)).sum())
    return float(ratio((values * counted).sum(), counted.sum()))


def values_of_queries(metric: RankingMetric, rows: QueryRows, weight: Floats) -> tuple[Floats, Floats]:
    """Return the value of each query, of which the metric is the mean, and what it counts by.

    Args:
        metric: Of kind `ndcg`, `mean_reciprocal_rank` or `min_label_position`.
        rows: The rows of a slice.
        weight: Of each query.
    """
    codes, predictions, labels, gains = rows.codes, rows.predictions, rows.labels, rows.gains
    queries = len(weight)
    unknown = np.bincount(codes, np.isnan(predictions) | np.isnan(gains if metric.kind == "ndcg" else labels)) > 0
    limit = metric.top_k or len(codes)
    if metric.kind == "ndcg":
        found = _discounted(codes, -predictions, gains, limit, queries)
        best = _discounted(codes, -gains, gains, limit, queries)
        counted = weight * (_greatest(codes, gains, queries) > 0)
        value = np.nan_to_num(ratio(found, best))
    else:
        rank = _first_positive_rank(codes, predictions, labels, queries)
        value = rank if metric.kind == "min_label_position" else np.where(rank <= limit, 1 / rank, 0.0)
        counted = weight * np.isfinite(rank) if metric.kind == "min_label_position" else weight
        value = np.where(np.isfinite(value), value, 0.0)
    return np.where(unknown, np.nan, value), counted


def _discounted(codes: Ints, ascending: Floats, gains: Floats, limit: int, queries: int) -> Floats:
    order = np.lexsort((gains, ascending, codes))
    ranks = _ranks(codes[order])
    discounts = np.where(ranks <= limit, 1 / np.log2(ranks + 1), 0.0)
    return np.bincount(codes[order], gains[order] * discounts, minlength=queries).astype(np.float64)


def _first_positive_rank(codes: Ints, predictions: Floats, labels: Floats, queries: int) -> Floats:
    order = np.lexsort((labels, -predictions, codes))
    ranks = np.where(labels[order] > 0, _ranks(codes[order]), np.inf)
    first = np.full(queries, np.inf)
    np.minimum.at(first, codes[order], ranks)
    return first


def _ranks(sorted_codes: Ints) -> Ints:
    starts = np.flatnonzero(np.concatenate([[True], sorted_codes[1:] != sorted_codes[:-1]]))
    lengths = np.diff(np.append(starts, len(sorted_codes)))
    return np.arange(len(sorted_codes)) - np.repeat(starts, lengths) + 1


def _greatest(codes: Ints, values: Floats, queries: int) -> Floats:
    result = np.full(queries, -np.inf)
    np.maximum.at(result, codes, values)
    return result
