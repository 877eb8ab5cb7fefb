"""What a person should know of the rows before they trust a figure, or to see why there is none.

TFMA says nothing where predictions are logits and an accuracy counts what is above 0.5, or where labels are -1 and 1.

The limits of what too few rows decide are from `benchmarks/bounds_coverage.py`; see decision 0124.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from assay.evaluation.accumulation import BASELINE, CANDIDATE
from assay.evaluation.slicing import slicing_of
from assay.evaluation.table_evaluation import shares_of
from assay.gating.metric_values import OVERALL, number, slice_name
from assay.gating.verdict import Check
from assay.kernels.metrics import terms
from assay.kernels.metrics.metric import BINARY, CurveMetric, SumsMetric
from assay.kernels.metrics.multiclass import class_log_loss, hit, top_hit
from assay.kernels.metrics.ranking import RankingMetric
from assay.kernels.metrics.rows import LARGEST_WEIGHT
from assay.kernels.uncertainty.row_means import RowMeans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.evaluation.accumulation import Spread
    from assay.evaluation.plan import PlannedMetric
    from assay.evaluation.table_evaluation import TableEvaluation
    from assay.gating.metric_values import MetricKey, SliceKey
    from assay.kernels.metrics.metric import Term
    from assay.kernels.uncertainty.row_means import ClosedForm

_FEWEST_OF_AREA: Final = 15  # effective rows; below, DeLong's bounds of 95 % hold in 57 to 97 %
_FEWEST_OF_RATE: Final = 5  # rows of either outcome, or on which models differ; below, counts are too coarse
CHANGE: Final = "change"
LOUD: Final = frozenset({"pairing", "same_predictions", "perfect_predictions", "unjudged_rows", "left_out_rows"}) | {
    "constant_predictions"
}
"""The remarks without which a blessing would say more than was looked at: its first sentence has them."""

REMARKS: Final = frozenset({"values", "missing_values", "unsliced_rows", "zero_weights", "uncertain_bounds"}) | LOUD
"""The kinds of check that are remarks."""

_AT_A_THRESHOLD = (terms.true_positive, terms.false_positive, terms.true_negative, terms.false_negative)
_MOST = 3  # names in a sentence
_MANY = 30  # rows: fewer predictions are right now and then
_MANY_TO_RANK = 100  # rows, likewise
_OF_TWO_CLASSES = (*_AT_A_THRESHOLD, terms.log_loss, terms.log_loss_of_logits)


def remarks_on(evaluation: TableEvaluation, *, min_examples: int = 0) -> tuple[Check, ...]:
    """Return warnings: they block nothing.

    Args:
        evaluation: What was computed.
        min_examples: The rows that a figure must be made of where bounds decide: those of fewer decide nothing.
    """
    return tuple(_remarks(evaluation, min_examples))


def _remarks(evaluation: TableEvaluation, min_examples: int) -> Iterator[Check]:
    seen, keys = evaluation.seen, evaluation.keys
    if keys.weight is not None and not seen.weighing:
        yield _remark(
            keys.weight, f"All {evaluation.rows:,} rows have a weight of 0 in '{keys.weight}': no row counts."
        )
        return
    if keys.weight is not None and seen.misweighed:
        yield _remark(
            keys.weight,
            f"{seen.misweighed:,} of {evaluation.rows:,} rows have a weight in '{keys.weight}' that is negative, above "
            f"{number(LARGEST_WEIGHT)} or no number: what includes them is NaN.",
        )
    if keys.weight is not None and seen.weighing < evaluation.rows:
        none = evaluation.rows - seen.weighing
        sentence = f"{none:,} of {evaluation.rows:,} rows have a weight of 0 in '{keys.weight}' and do not count."
        yield _loud("zero_weights", keys.weight, sentence, none)
    yield from _of_comparison(evaluation)
    yield from _of_perfection(evaluation)
    yield from _of_slices(evaluation)
    yield from _of_left_out(evaluation)
    yield from _of_bounds(evaluation, min_examples)
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
        if not _within(spread):
            yield from _of_range(evaluation, model, name, spread)
        else:
            yield from _of_certainty(evaluation, model, name, spread)


def _of_comparison(evaluation: TableEvaluation) -> Iterator[Check]:
    """Say what makes a comparison with the baseline show nothing."""
    if evaluation.doubt:
        yield _loud("pairing", evaluation.keys.baseline or "", evaluation.doubt)
    if BASELINE in evaluation.seen.predictions and evaluation.seen.alike:
        yield _loud(
            "same_predictions",
            evaluation.keys.baseline or "",
            f"Candidate and baseline predict the same on all {evaluation.seen.weighing:,} rows, so comparing them "
            "shows nothing. Check that they are two models.",
        )


def _of_perfection(evaluation: TableEvaluation) -> Iterator[Check]:
    """Say where predictions are too good, or too much alike, to be predictions."""
    seen, rows, keys = evaluation.seen, evaluation.seen.weighing, evaluation.keys
    for model, name in ((CANDIDATE, keys.candidate), (BASELINE, keys.baseline)):
        spread = seen.predictions.get(model)
        if spread is None or name is None:
            continue
        they = f"The {model}'s predictions '{name}'"
        if spread.least == spread.greatest and not spread.lacking and rows >= _MANY:
            sentence = f"{they} are {number(spread.least)} on all {rows:,} rows. Check that the model predicts."
            yield _loud("constant_predictions", name, sentence)
        negative, positive = seen.apart.get(model, (math.nan, math.nan))
        most_positive, least_negative = seen.inverted.get(model, (math.nan, math.nan))
        if seen.perfect.get(model) and rows >= _MANY:
            yield _loud(
                "perfect_predictions",
                name,
                f"{they} are the labels on all {rows:,} rows. Check that the label, or something made of it, is not "
                "among the features or taken for the prediction.",
            )
        elif rows >= _MANY_TO_RANK and -math.inf < negative < positive < math.inf:
            yield _loud(
                "perfect_predictions",
                name,
                f"{they} part the classes without an error on all {rows:,} rows: at most {number(negative)} for label "
                f"0, and at least {number(positive)} for label 1. Check that nothing made of the label is among the "
                "features.",
            )
        elif rows >= _MANY_TO_RANK and -math.inf < most_positive < least_negative < math.inf:
            yield _loud(
                "perfect_predictions",
                name,
                f"{they} part the classes without an error, but the wrong way round, on all {rows:,} rows: at least "
                f"{number(least_negative)} for label 0, and at most {number(most_positive)} for label 1. Check that "
                "they are of the positive class, and that nothing made of the label is among the features.",
            )


def _of_slices(evaluation: TableEvaluation) -> Iterator[Check]:
    """Count rows that no slice has, and rows whose slices have no figures."""
    rows, judged = evaluation.rows, evaluation.figures.candidate
    smallest = evaluation.config.options.min_slice_size.value
    none = evaluation.cells.get((), 0)
    small = sum(count for cell, count in evaluation.cells.items() if cell and not any(key in judged for key in cell))
    specs = slicing_of(evaluation.config)
    if none:
        features = ", ".join(f"'{name}'" for name in dict.fromkeys(name for spec in specs for name in spec.features))
        yield _loud(
            "unjudged_rows",
            features,
            f"{none:,} of {rows:,} rows are in no slice, so no metric and no threshold looks at them: slices are by "
            f"{features}, of which they have no value that makes one. Add {{}} to slicing_specs for all rows.",
            none,
        )
    if small:
        yield _loud(
            "unjudged_rows",
            "min_slice_size",
            f"{small:,} of {rows:,} rows are only in slices of fewer than {smallest} rows "
            "(options.min_slice_size), so no metric and no threshold looks at them.",
            small,
        )
    for names in dict.fromkeys(spec.features for spec in specs if spec.features and not spec.feature_values):
        lacking = sum(
            count
            for cell, count in evaluation.cells.items()
            if cell and all(tuple(name for name, _ in key) != names for key in cell)
        )
        if lacking:
            by = " and ".join(f"'{name}'" for name in names)
            yield Check(
                id=f"unsliced_rows:{','.join(names)}",
                kind="unsliced_rows",
                ok=False,
                severity="warning",
                subject=by,
                observed=lacking,
                sentence=f"{lacking:,} of {rows:,} rows are in no slice by {by}: they have no value of it.",
            )


def _of_left_out(evaluation: TableEvaluation) -> Iterator[Check]:
    """Count what a metric leaves out of its mean."""
    for one in evaluation.plan.metrics:
        found = {
            key: of_slice[one.key] for key, of_slice in evaluation.left_out.items() if of_slice.get(one.key, 0) > 0
        }
        if not found:
            continue
        key = next(iter(sorted(found, key=lambda key: (key != OVERALL, -found[key]))))
        count = number(found[key])
        if isinstance(one.metric, RankingMetric):
            what, why = f"{count} {'query' if count == '1' else 'queries'}", "without a positive relevance"
        else:
            of = f" of {evaluation.figures.examples[key]:,}" if not one.key.example_weighted else ""
            what, why = f"{count}{of} rows", "whose label is 0: how wrong their predictions are has no limit here"
        if one.key.example_weighted:
            what = f"{what.partition(' ')[2]} that weigh {count}"
        sentence = f"{one.key.label} on {slice_name(key)} leaves out {what}, {why}."
        yield _loud("left_out_rows", one.key.label, sentence, found[key])


def _of_bounds(evaluation: TableEvaluation, min_examples: int) -> Iterator[Check]:
    """Say where bounds may not hold what they promise: one remark for each metric, with the slice that is worst."""
    by_metric: dict[MetricKey, dict[SliceKey, Doubt]] = {}
    for (_, key, metric), doubt in doubts_of(evaluation, min_examples=min_examples).items():
        of_metric = by_metric.setdefault(metric, {})
        if key not in of_metric or doubt.rows < of_metric[key].rows:
            of_metric[key] = doubt
    for metric, slices in by_metric.items():
        key = min(slices, key=lambda key: (key != OVERALL, slices[key].rows, key))
        doubt, others = slices[key], len(slices) - 1
        more = f" (and of {others:,} more slice{'' if others == 1 else 's'})" if others else ""
        yield Check(
            id=f"uncertain_bounds:{metric.label}",
            kind="uncertain_bounds",
            ok=False,
            severity="warning",
            subject=metric.label,
            slice=slice_name(key),
            observed=doubt.rows,
            sentence=f"The bounds of {metric.label} on {slice_name(key)}{more} may not hold at their level, because "
            f"{doubt.reason}. {doubt.hint}",
        )


def _of_certainty(evaluation: TableEvaluation, model: str, name: str, spread: Spread) -> Iterator[Check]:
    """Say what a cross entropy makes of probabilities of exactly 0 or 1, which may cost infinity."""
    clips: dict[float, list[PlannedMetric]] = {}
    for one in evaluation.plan.metrics:
        for term in _terms(one):
            if term.function is terms.log_loss or (term.function is class_log_loss and not term.params[0]):
                clips.setdefault(term.params[0 if term.function is terms.log_loss else 2], []).append(one)
    if spread.least == 0 or spread.greatest == 1:
        for clip, users in sorted(clips.items()):
            whose = "scikit-learn" if clip == terms.EPSILON else "Keras"
            yield Check(
                id=f"certainty:{name}:{number(clip)}",
                kind="values",
                ok=True,
                severity="info",
                subject=name,
                sentence=f"Some of the {model}'s predictions '{name}' are exactly 0 or 1, of which {_named(users)} may "
                f"be infinite: they are moved {number(clip)} from there first, as {whose} does.",
            )


def _of_range(evaluation: TableEvaluation, model: str, name: str, spread: Spread) -> Iterator[Check]:
    """Return the metrics that do not support predictions outside of 0 to 1."""
    they = f"The {model}'s predictions '{name}' run from {number(spread.least)} to {number(spread.greatest)}"
    users = [one for one in evaluation.plan.metrics if _reads_probabilities(one, several=spread.several)]
    if users:
        yield _remark(
            name,
            f"{they}; probabilities between 0 and 1 are expected (by {_named(users)}). If they are logits, write "
            f"probabilities, or set the metric's from_logits{'' if spread.several else ', or its threshold to 0'}.",
        )
    whole = [one for one in evaluation.plan.metrics if one not in users and _is_of_classes(one)]
    if whole and not spread.several:
        yield _remark(
            name,
            f"{they}, one number a row; the probability of class 1 is expected (by {_named(whole)}), or a list with a "
            "number a class. Of a predicted class write 1 in its place, and 0 in the others'.",
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
    classes = max([1, *(one.classes for one in evaluation.seen.predictions.values())])
    several = spread.several or classes > 1
    if classes > 1 and not spread.several and spread.lacks(classes):
        yield _remark(
            name,
            f"The labels '{name}' run from {number(spread.least)} to {number(spread.greatest)}; the predictions have "
            f"{classes} classes, which are numbered from 0 to {classes - 1}. What includes other numbers is NaN.",
        )
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
    """Return whether no setting says how a binary metric handles several classes."""
    whole = planned.metric.view == BINARY if isinstance(planned.metric, (CurveMetric, SumsMetric)) else False
    return whole and not planned.key.aggregation and _is_of_two_classes(planned)


def _is_of_two_classes(planned: PlannedMetric) -> bool:
    metric = planned.metric
    return isinstance(metric, CurveMetric) or any(term.function in _OF_TWO_CLASSES for term in _terms(planned))


def _is_of_classes(planned: PlannedMetric) -> bool:
    """Return whether a metric looks for the label's class among those of a row, and rejects logits."""
    return any(
        term.function in {hit, top_hit} or (term.function is class_log_loss and not term.params[0])
        for term in _terms(planned)
    )


def _reads_probabilities(planned: PlannedMetric, *, several: bool) -> bool:
    """Tells a metric that would read logits as if they were probabilities."""
    metric = planned.metric
    if isinstance(metric, CurveMetric):  # an exact curve only ranks; TFMA's grids lie between 0 and 1
        return not metric.exact
    return any(
        term.function is terms.log_loss
        or (term.function in _AT_A_THRESHOLD and 0 < term.params[0] < 1)
        or (several and term.function is class_log_loss and not term.params[0])
        for term in _terms(planned)
    )


def _terms(planned: PlannedMetric) -> tuple[Term, ...]:
    metric = planned.metric
    return metric.terms if isinstance(metric, SumsMetric) and not metric.paired else ()


def _named(planned: list[PlannedMetric]) -> str:
    names = list(dict.fromkeys(one.key.label for one in planned))
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


def _within(spread: Spread) -> bool:
    """Return whether all numbers are between 0 and 1, where there are any."""
    return math.isinf(spread.least) or (spread.least >= 0 and spread.greatest <= 1)


def _loud(kind: str, subject: str, sentence: str, observed: float | None = None) -> Check:
    return Check(
        id=f"{kind}:{subject}",
        kind=kind,
        ok=False,
        severity="warning",
        subject=subject,
        observed=observed,
        sentence=sentence,
    )


def _remark(column: str, sentence: str) -> Check:
    return Check(id=f"values:{column}", kind="values", ok=False, severity="warning", subject=column, sentence=sentence)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why bounds may not hold.

    Attributes:
        rows: How many rows decide the figure.
        reason: That in words, as the end of a sentence.
        hint: What to do.
    """

    rows: float
    reason: str
    hint: str


Doubts: TypeAlias = Mapping[tuple[str, "SliceKey", "MetricKey"], Doubt]


def doubts_of(evaluation: TableEvaluation, *, min_examples: int = 0) -> Doubts:
    """Return the doubts of bounds, by model (or `change`), slice and metric; none where no bounds are drawn.

    Args:
        evaluation: What was computed.
        min_examples: The rows that a figure must be made of, for a doubt of it to matter.
    """
    found: dict[tuple[str, SliceKey, MetricKey], Doubt] = {}
    models = [CANDIDATE] if evaluation.figures.baseline is None else [CANDIDATE, BASELINE]
    for key, of_slice in evaluation.closed.items():
        for metric, form in of_slice.items() if key in evaluation.figures.candidate else ():
            if form.rows < min_examples:
                continue
            for position, model in enumerate(models):
                doubt = _of_form(form, position)
                if doubt is not None:
                    found[model, key, metric] = doubt
            both = [found[model, key, metric] for model in models if (model, key, metric) in found]
            if both and len(models) > 1:
                found[CHANGE, key, metric] = min(both, key=lambda doubt: doubt.rows)
    for key, trials in evaluation.trials.items():
        for metric, count in trials.items() if key in evaluation.figures.candidate else ():
            if count < min_examples:
                continue
            found.update({(part, key, metric): doubt for part, doubt in _of_rate(evaluation, key, metric, count)})
    return found


def _of_form(form: ClosedForm, position: int) -> Doubt | None:
    effective = form.effective[position] if form.effective else math.nan
    if not isinstance(form, RowMeans):
        if not effective < _FEWEST_OF_AREA:
            return None
        reason = f"its errors are those of about {number(round(effective, 1))} rows of one class"
        return Doubt(effective, reason, "Evaluate more rows of the rarer class, and more rows that are hard.")
    if not math.isfinite(effective) or effective == 0:
        return None
    if not abs(form.estimate(position).skewness) > _largest_skewness(form.rows):
        return None
    reason = f"a few rows make most of the loss: {form.rows:,} rows vary as {effective:.0f} of one loss would"
    hint = "Evaluate more rows, look at the largest errors, or judge a metric that they weigh less in, such as "
    return Doubt(effective, reason, hint + "MeanAbsoluteError.")


def _largest_skewness(rows: int) -> float:
    """Return the skewness of a mean's error above which its bounds may fail: more than an unskewed tail has.

    Of losses with a variance it falls as 1 over the root of the rows (2.8 over it for squares of normal residuals, 6.6
    for those of Laplace's). Without one, as for squares of t(3) residuals, it does not fall at all: it is about 0.4 of
    300 rows and of 50,000. Of few rows the skewness itself is not known well, so that they need more of it.
    """
    return max(0.15, min(0.25, 4 / math.sqrt(max(rows, 1))))


def _of_rate(
    evaluation: TableEvaluation, key: SliceKey, metric: MetricKey, trials: float
) -> Iterator[tuple[str, Doubt]]:
    figures = evaluation.figures
    hint = "Evaluate more rows."
    same = metric in evaluation.differing.get(key, {})
    for model, slices in ((CANDIDATE, figures.candidate), (BASELINE, (figures.baseline or {}) if same else {})):
        value = slices.get(key, {}).get(metric, math.nan)
        fewest = trials * min(value, 1 - value)
        if fewest < _FEWEST_OF_RATE:
            reason = f"only {number(round(fewest, 1))} of {number(trials)} rows are on one side of it"
            yield model, Doubt(fewest, reason, hint)
    shares = shares_of(evaluation, key, metric)
    if shares is not None and not shares.alike:
        apart = shares.first_only + shares.second_only
        if apart < _FEWEST_OF_RATE:
            yield CHANGE, Doubt(apart, f"the models differ in only {number(apart)} of its {number(trials)} rows", hint)
