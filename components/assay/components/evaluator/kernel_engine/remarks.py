"""What a person should know of the rows before they trust a figure, or to see why there is none.

TFMA says nothing where predictions are logits and an accuracy counts what is above 0.5, or where labels are -1 and 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from assay.components.evaluator.kernel_engine.accumulation import BASELINE, CANDIDATE
from assay.gating.sentences import number
from assay.gating.verdict import Check
from assay.kernels.metrics import terms
from assay.kernels.metrics.metric import BINARY, CurveMetric, SumsMetric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.components.evaluator.kernel_engine.evaluation import TableEvaluation
    from assay.components.evaluator.kernel_engine.plan import PlannedMetric
    from assay.components.evaluator.kernel_engine.seen import Spread
    from assay.kernels.metrics.metric import Term

REMARKS: Final = frozenset({"values", "missing_values"})
"""The kinds of check that are remarks."""

_AT_A_THRESHOLD = (terms.true_positive, terms.false_positive, terms.true_negative, terms.false_negative)
_MOST = 3  # names in a sentence
_OF_TWO_CLASSES = (*_AT_A_THRESHOLD, terms.log_loss, terms.log_loss_of_logits)


def remarks_on(evaluation: TableEvaluation) -> tuple[Check, ...]:
    """Gives warnings: they block nothing."""
    return tuple(_remarks(evaluation))


def _remarks(evaluation: TableEvaluation) -> Iterator[Check]:
    seen, keys = evaluation.seen, evaluation.keys
    if keys.weight is not None and not seen.weighing:
        yield _remark(
            keys.weight, f"All {evaluation.rows:,} rows have a weight of 0 in '{keys.weight}': no row counts."
        )
        return
    yield from _of_lacking(evaluation)
    yield from _of_labels(evaluation)
    names = {CANDIDATE: keys.candidate, BASELINE: keys.baseline}
    for model, spread in seen.predictions.items():
        name = names.get(model) or ""
        by_class = [one for one in evaluation.plan.metrics if _mixes_classes(one)]
        if spread.several and not seen.label.several and by_class:
            yield _remark(
                name,
                f"The {model}'s predictions '{name}' are several a row, of which each class is counted by itself, as "
                f"in a micro average, by {_named(by_class)}. For one class name it in binarize, or write only its "
                "prediction.",
            )
        users = () if spread.several or _within(spread) else _wants_probabilities(evaluation)
        if users:
            yield _remark(
                name,
                f"The {model}'s predictions '{name}' run from {number(spread.least)} to {number(spread.greatest)}; "
                f"probabilities between 0 and 1 are expected (by {_named(users)}). If they are logits, write "
                "probabilities, or set the metric's from_logits, or its threshold to 0.",
            )


def _of_lacking(evaluation: TableEvaluation) -> Iterator[Check]:
    seen, keys = evaluation.seen, evaluation.keys
    whose = {
        "label": (keys.label, seen.label),
        f"{CANDIDATE}'s prediction": (keys.candidate, seen.predictions.get(CANDIDATE)),
        f"{BASELINE}'s prediction": (keys.baseline, seen.predictions.get(BASELINE)),
    }
    for role, (name, spread) in whose.items():
        if name is not None and spread is not None and spread.lacking:
            have = "has" if spread.lacking == 1 else "have"
            yield Check(
                id=f"missing_values:{name}",
                kind="missing_values",
                ok=False,
                severity="warning",
                subject=name,
                observed=spread.lacking,
                sentence=f"{spread.lacking} of {evaluation.rows} rows {have} no number for the {role} '{name}': what "
                "includes them is NaN.",
            )


def _of_labels(evaluation: TableEvaluation) -> Iterator[Check]:
    spread, name = evaluation.seen.label, evaluation.keys.label
    several = spread.several or any(one.several for one in evaluation.seen.predictions.values())
    users = [] if several else [one for one in evaluation.plan.metrics if _is_of_two_classes(one)]
    if not users:
        return
    if not _within(spread):
        yield _remark(
            name,
            f"The labels '{name}' run from {number(spread.least)} to {number(spread.greatest)}; labels between 0 and 1 "
            f"are expected (by {_named(users)}). Write 1 for the positive class and 0 for the other.",
        )
    elif spread.least == spread.greatest and spread.least in {0, 1}:
        yield _remark(
            name,
            f"Every label '{name}' is {number(spread.least)}: there is one class only, of which an AUC and some rates "
            "have no value.",
        )


def _mixes_classes(planned: PlannedMetric) -> bool:
    """Whether nothing says how a metric of two classes is to look at several."""
    whole = planned.metric.view == BINARY if isinstance(planned.metric, (CurveMetric, SumsMetric)) else False
    return whole and not planned.key.aggregation and _is_of_two_classes(planned)


def _is_of_two_classes(planned: PlannedMetric) -> bool:
    metric = planned.metric
    return isinstance(metric, CurveMetric) or any(term.function in _OF_TWO_CLASSES for term in _terms(planned))


def _wants_probabilities(evaluation: TableEvaluation) -> list[PlannedMetric]:
    """Gives the metrics that would read logits as if they were probabilities."""
    return [one for one in evaluation.plan.metrics if _reads_probabilities(one)]


def _reads_probabilities(planned: PlannedMetric) -> bool:
    metric = planned.metric
    if isinstance(metric, CurveMetric):  # an exact curve only ranks; TFMA's grids lie between 0 and 1
        return not metric.exact
    return any(
        term.function is terms.log_loss or (term.function in _AT_A_THRESHOLD and 0 < term.params[0] < 1)
        for term in _terms(planned)
    )


def _terms(planned: PlannedMetric) -> tuple[Term, ...]:
    metric = planned.metric
    return metric.terms if isinstance(metric, SumsMetric) and not metric.paired else ()


def _named(planned: list[PlannedMetric]) -> str:
    names = list(dict.fromkeys(one.key.label for one in planned))
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


def _within(spread: Spread) -> bool:
    """Whether all numbers are between 0 and 1, where there are any."""
    return math.isinf(spread.least) or (spread.least >= 0 and spread.greatest <= 1)


def _remark(column: str, sentence: str) -> Check:
    return Check(id=f"values:{column}", kind="values", ok=False, severity="warning", subject=column, sentence=sentence)
