"""Labels and predictions that are no numbers: what makes a figure NaN, counted and named."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from assay.gating.verdict import Check, Verdict
from assay.kernels.metrics.rows import numbers

if TYPE_CHECKING:
    from assay.components.evaluator.kernel_engine.predictions import Predictions


def with_missing(verdict: Verdict, predictions: Predictions) -> Verdict:
    """Gives the verdict; where a figure is NaN, with a warning for each column that lacks numbers.

    The rows are gone through again, but only then.
    """
    figures = (figure for check in verdict.checks for figure in (check.observed, check.baseline))
    if not any(figure is not None and math.isnan(figure) for figure in figures):
        return verdict
    keys = predictions.keys
    whose = {"label": keys.label, "candidate's prediction": keys.candidate, "baseline's prediction": keys.baseline}
    columns = {role: name for role, name in whose.items() if name is not None}
    count, first = dict.fromkeys(columns, 0), dict.fromkeys(columns, -1)
    rows = 0
    for shard in predictions.source.shards:
        for batch in shard.batches(list(dict.fromkeys(columns.values()))):
            for role, name in columns.items():
                lacking = np.isnan(numbers(batch, name)).reshape(batch.num_rows, -1).any(axis=1)
                if lacking.any() and not count[role]:
                    first[role] = rows + int(np.argmax(lacking))
                count[role] += int(lacking.sum())
            rows += batch.num_rows
    found = tuple(
        Check(
            id=f"missing_values:{name}",
            kind="missing_values",
            ok=False,
            severity="warning",
            subject=name,
            observed=count[role],
            sentence=(
                f"{count[role]} of {rows} rows {'has' if count[role] == 1 else 'have'} no number for the {role} "
                f"'{name}', row {first[role]} first (counted from 0): what includes them is NaN."
            ),
            details={"first_row": first[role]},
        )
        for role, name in columns.items()
        if count[role]
    )
    return replace(verdict, checks=verdict.checks + found)
