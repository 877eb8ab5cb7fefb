"""DeLong's areas and covariances of two models in every slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.uncertainty.delong import delong

if TYPE_CHECKING:
    from assay.kernels.metrics.view import View
    from assay.kernels.uncertainty.delong import Areas
    from assay.kernels.uncertainty.kept_rows import OrderedRows


def sliced_areas(rows: OrderedRows, view: View) -> list[Areas] | None:
    """Gives the areas of all models in each slice.

    Args:
        rows: All rows.
        view: How labels and predictions are paired; a view that makes several pairs of a row has no closed form.

    Returns:
        One for each slice, in the order of `rows.slices`; None where rows weigh differently, labels are not 0 and 1, or
        a row makes several pairs.
    """
    pairs = [view.pairs(rows.labels, predictions) for predictions in rows.predictions]
    labels = pairs[0].labels
    plain = all(one.rows is None for one in pairs) and np.all(pairs[0].weigh(rows.weights) == 1)
    # A view by rank pairs the models with different labels, so their rows are not the same.
    if not plain or not np.isin(labels, (0, 1)).all() or any(not np.array_equal(one.labels, labels) for one in pairs):
        return None
    orders = [np.argsort(one.predictions) for one in pairs]
    ranks = [np.empty(len(order), dtype=np.int64) for order in orders]
    for order, rank in zip(orders, ranks, strict=True):
        rank[order] = np.arange(len(order))
    result = []
    for cells in rows.slices.values():
        chosen = rows.rows_of(cells)
        place = np.empty(len(rows), dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        # Sorting ranks, which are distinct integers, is several times faster than sorting scores.
        own = [place[order[np.sort(rank[chosen])]] for order, rank in zip(orders, ranks, strict=True)]
        result.append(delong(labels[chosen], [one.predictions[chosen] for one in pairs], own))
    return result
