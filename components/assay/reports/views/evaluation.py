"""An evaluation: metrics beside the baseline's, by slice, the worst slices, curves and confusion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.artifacts import ModelEvaluation
from assay.reports.blocks import Chart, Charts, Column, DataTable, Detail, Matrix, Notice, Section, SmallTable
from assay.reports.charts import Points, line_chart, unit_chart
from assay.reports.figures import change, number, plural
from assay.reports.sources.evaluation_files import (
    BASELINE,
    CANDIDATE,
    CHANGE,
    OVERALL,
    Metric,
    Plot,
    read_class_names,
    read_metrics,
    read_plots,
)
from assay.reports.views.histograms import rounded
from assay.reports.views.shown import Shown

_MOST_SLICES = 8
_MOST_CLASSES = 40
_MIDDLE = 0.5


def plot_sections(plots: Sequence[Plot]) -> list[Section]:
    """Sections with the curves of all examples, both models over each other, and of the slices."""
    by_slice: dict[str, list[Plot]] = {}
    for plot in plots:
        by_slice.setdefault(plot.slice, []).append(plot)
    sections = []
    of_all = by_slice.pop(OVERALL, [])
    charts = list(_charts(of_all))
    if charts:
        sections.append(Section(title="Curves", blocks=[Charts(charts)]))
    matrices = list(_matrices(of_all))
    if matrices:
        sections.append(Section(title="Confusion", blocks=[Charts(matrices)]))
    largest = sorted(by_slice, key=lambda name: -_examples(by_slice[name]))[:_MOST_SLICES]
    curves = {
        name: _roc(plot) for name in largest for plot in by_slice[name] if plot.model == CANDIDATE and plot.thresholds
    }
    if curves:
        charts = [
            unit_chart(
                "ROC of slices",
                dict(list(curves.items())[at : at + 4]),
                x_label="false positives",
                y_label="true positives",
                diagonal=True,
            )
            for at in range(0, len(curves), 4)
        ]
        sections.append(
            Section(
                title="Curves of slices", blocks=[Charts(charts)], note="Of the candidate, the largest slices first."
            )
        )
    return sections


def _examples(plots: Sequence[Plot]) -> float:
    return max((sum(each.thresholds[0][1:]) for each in plots if each.thresholds), default=0.0)


def _charts(plots: Sequence[Plot]) -> Iterator[Chart]:
    for name in dict.fromkeys(plot.name for plot in plots):
        of_name = [plot for plot in plots if plot.name == name]
        mark = f", {name}" if name else ""
        with_thresholds = {plot.model: plot for plot in of_name if plot.thresholds}
        if with_thresholds:
            roc = {model: _roc(plot) for model, plot in with_thresholds.items()}
            yield unit_chart(
                f"ROC{mark}", roc, x_label="false positive rate", y_label="true positive rate", diagonal=True
            )
            recall = {model: _precision_recall(plot) for model, plot in with_thresholds.items()}
            yield unit_chart(f"Precision and recall{mark}", recall, x_label="recall", y_label="precision")
        calibrated: Mapping[str, Plot] = {plot.model: plot for plot in of_name if plot.calibration}
        inside = {
            model: [(p, label) for low, high, _, label, p in plot.calibration if 0 <= p <= 1 and 0 <= label <= 1]
            for model, plot in calibrated.items()
        }
        if any(inside.values()):
            lines = {model: _binned(points) for model, points in inside.items()}
            yield unit_chart(
                f"Calibration{mark}", lines, x_label="mean prediction", y_label="mean label", diagonal=True
            )
            counts = {
                model: _counted([(max(0.0, low), count) for low, _, count, *_ in plot.calibration])
                for model, plot in calibrated.items()
            }
            yield line_chart(f"Predictions{mark}", counts, x_label="prediction", y_label="examples")


def _roc(plot: Plot) -> Points:
    points = {(fp / (fp + tn), tp / (tp + fn)) for _, fn, tn, fp, tp in plot.thresholds if fp + tn and tp + fn}
    return sorted({(0.0, 0.0), (1.0, 1.0)} | points) if points else []


def _precision_recall(plot: Plot) -> Points:
    points = {(tp / (tp + fn), tp / (tp + fp)) for _, fn, _, fp, tp in plot.thresholds if tp + fn and tp + fp}
    return sorted(points, key=lambda point: (point[0], -point[1]))


def _binned(points: Points, bins: int = 10) -> Points:
    """Return the mean in each tenth of the predictions: TFMA's thousand buckets have too few examples each."""
    cells: dict[int, list[tuple[float, float]]] = {}
    for x, y in points:
        cells.setdefault(min(bins - 1, int(x * bins)), []).append((x, y))
    return [
        (sum(x for x, _ in cell) / len(cell), sum(y for _, y in cell) / len(cell)) for _, cell in sorted(cells.items())
    ]


def _counted(points: Points, bins: int = 10) -> Points:
    cells = [0.0] * bins
    for x, count in points:
        cells[min(bins - 1, int(x * bins + 1e-9))] += count
    return [((at + 0.5) / bins, count) for at, count in enumerate(cells)]


def _matrices(plots: Sequence[Plot]) -> Iterator[Matrix]:
    for plot in plots:
        title = f"{plot.model}{f', {plot.name}' if plot.name else ''}"
        if plot.thresholds:
            at, fn, tn, fp, tp = min(plot.thresholds, key=lambda row: abs(row[0] - _MIDDLE))
            words = f"{title}, at the threshold {number(at)}"
            yield Matrix(title=words, labels=("negative", "positive"), counts=((tn, fp), (fn, tp)))
        if plot.classes:
            ids = sorted({one for pair in plot.classes for one in pair})
            shown = ids[:_MOST_CLASSES]
            counts = [[plot.classes.get((actual, predicted), 0.0) for predicted in shown] for actual in shown]
            labels = [plot.class_name(one) for one in shown]
            note = f"The first {_MOST_CLASSES} of {len(ids)} classes." if len(ids) > len(shown) else ""
            yield Matrix(title=f"{title}, by class", labels=labels, counts=counts, note=note)


_COUNTS = frozenset({"example_count", "weighted_example_count"})
_SHOWN_METRICS = 8
_SHOWN_CLASSES = 20
# Metrics of which less is better; of all others more is.
_LESS_IS_BETTER = (
    "loss",
    "error",
    "entropy",
    "squared",
    "absolute",
    "false_",
    "flip",
    "fallout",
    "miss_rate",
    "logcosh",
)

_Found = Mapping[tuple[str, str, str], Metric]


def show_evaluation(artifact: ModelEvaluation) -> Shown:
    """Return the page of an evaluation."""
    metrics = read_metrics(artifact.path)
    found = {(each.model, each.slice, each.name): each for each in metrics}
    names = [name for name in dict.fromkeys(each.name for each in metrics) if name not in _COUNTS]
    slices = [name for name in dict.fromkeys(each.slice for each in metrics) if name != OVERALL]
    examples = {each.slice: each.examples for each in metrics if each.examples is not None}
    if not metrics:
        return Shown(sections=[Section(title="Metrics", blocks=[Notice("The evaluation holds no metrics.")])])
    flips = [name for name in names if "flip" in name]
    quality = [name for name in names if name not in flips]
    sections = [Section(title="Overall", blocks=[_overall(found, quality)], note=_classes(artifact))]
    if slices:
        sections.append(_slices(found, quality, slices, examples))
        sections.append(_worst(found, quality, slices, examples))
    sections += plot_sections(read_plots(artifact.path))
    if flips:
        sections.append(_flips(found, flips, [OVERALL, *slices], examples))
    count = examples.get(OVERALL)
    has_baseline = any(each.model == BASELINE for each in metrics)
    summary = f"{plural(len(names), 'metric')} on {plural(len(slices) + 1, 'slice')}"
    summary += f" of {plural(count, 'example')}" if count is not None else ""
    return Shown(sections=sections, summary=f"{summary}, {'beside' if has_baseline else 'without'} a baseline.")


def _classes(artifact: ModelEvaluation) -> str:
    names = read_class_names(artifact.path)
    more = f" and {len(names) - _SHOWN_CLASSES:,} more" if len(names) > _SHOWN_CLASSES else ""
    listed = ", ".join(f"{number} {name}" for number, name in enumerate(names[:_SHOWN_CLASSES]))
    return f"Classes by number: {listed}{more}." if names else ""


def less_is_better(metric: str) -> bool:
    """Return whether a smaller value of this metric is the better one, going by its name."""
    return any(word in metric.lower() for word in _LESS_IS_BETTER)


def difference(found: _Found, where: str, name: str) -> float | None:
    """Return the candidate's value minus the baseline's; None if either is unknown."""
    ours, theirs = _value(found, CANDIDATE, where, name), _value(found, BASELINE, where, name)
    return None if ours is None or theirs is None else rounded(ours - theirs)


def _value(found: _Found, model: str, where: str, name: str) -> float | None:
    metric = found.get((model, where, name))
    if metric is None or metric.value is None or math.isnan(metric.value):
        return None
    return rounded(metric.value)


def _bounds(found: _Found, model: str, where: str, name: str) -> str:
    metric = found.get((model, where, name))
    if metric is None or metric.lower is None or metric.upper is None:
        return ""
    return f"{number(rounded(metric.lower))} to {number(rounded(metric.upper))}"


def _overall(found: _Found, names: Sequence[str]) -> SmallTable:
    has_baseline = any(model == BASELINE for model, _, _ in found)
    has_bounds = any(each.lower is not None for each in found.values())
    header, rows = ["Metric", "Candidate"], []
    header += ["Bounds"] if has_bounds else []
    header += ["Baseline"] if has_baseline else []
    header += ["Bounds of the baseline"] if has_baseline and has_bounds else []
    header += ["Change"] if has_baseline else []
    header += ["Bounds of the change"] if has_baseline and has_bounds else []
    for name in names:
        row: list[Any] = [name, number(_value(found, CANDIDATE, OVERALL, name))]
        row += [_bounds(found, CANDIDATE, OVERALL, name)] if has_bounds else []
        row += [number(_value(found, BASELINE, OVERALL, name))] if has_baseline else []
        row += [_bounds(found, BASELINE, OVERALL, name)] if has_baseline and has_bounds else []
        row += [change(difference(found, OVERALL, name))] if has_baseline else []
        row += [_bounds(found, CHANGE, OVERALL, name)] if has_baseline and has_bounds else []
        rows.append(row)
    return SmallTable(caption="Metrics of all examples", header=header, rows=rows, numbers=range(1, len(header)))


def _slices(found: _Found, names: Sequence[str], slices: Sequence[str], examples: Mapping[str, int | None]) -> Section:
    has_baseline = any(model == BASELINE for model, _, _ in found)
    models = [CANDIDATE, BASELINE] if has_baseline else [CANDIDATE]
    shown = names[:_SHOWN_METRICS]
    rows = []
    for where in [OVERALL, *slices]:
        cells = [[_value(found, model, where, name) for model in models] for name in shown]
        every = [
            [
                name,
                *(_value(found, model, where, name) for model in models),
                *([difference(found, where, name)] if has_baseline else []),
                _bounds(found, CANDIDATE, where, name),
            ]
            for name in names
        ]
        series = [models] if has_baseline else []
        rows.append([where, examples.get(where), *series, *cells, [every]])
    series_column = [Column(label="", kind="series", hint="model")] if has_baseline else []
    table = DataTable(
        name="slices",
        caption="Metrics by slice",
        columns=[
            Column(label="Slice", kind="name", search=True),
            Column(label="Examples", kind="int"),
            *series_column,
            *(Column(label=name, kind="num") for name in shown),
        ],
        rows=rows,
        details=[
            Detail(
                kind="table",
                title="All metrics",
                labels=("metric", *models, *(["change"] if has_baseline else []), "bounds"),
            )
        ],
        sort=-2,
        series=models,
        counted=("slice", "slices"),
    )
    more = f" Open a slice for all {len(names)}." if len(names) > len(shown) else ""
    return Section(title="Slices", blocks=[table], note=f"{len(shown)} metrics of each slice.{more}")


def _worst(found: _Found, names: Sequence[str], slices: Sequence[str], examples: Mapping[str, int | None]) -> Section:
    has_baseline = any(model == BASELINE for model, _, _ in found)
    rows = []
    for where in slices:
        for name in names:
            ours = _value(found, CANDIDATE, where, name)
            other = _value(found, BASELINE, where, name) if has_baseline else _value(found, CANDIDATE, OVERALL, name)
            if ours is None or other is None or name == "calibration":  # which is best at 1
                continue
            worse = rounded((ours - other) * (1 if less_is_better(name) else -1))
            if worse > 0:
                rows.append([where, name, examples.get(where), ours, other, worse])
    other_name = "Baseline" if has_baseline else OVERALL
    table = DataTable(
        name="worst",
        caption="Slices that are worse",
        columns=[
            Column(label="Slice", kind="name", search=True),
            Column(label="Metric", search=True),
            Column(label="Examples", kind="int"),
            Column(label="Candidate", kind="num"),
            Column(label=other_name, kind="num"),
            Column(label="Worse by", kind="num"),
        ],
        rows=rows,
        sort=-6,
        counted=("figure", "figures"),
        empty=f"No slice is worse than {'the baseline' if has_baseline else 'the whole'}.",
        page_size=10,
    )
    compared = "the baseline on the same slice" if has_baseline else "all examples"
    return Section(title="Worst slices", blocks=[table], note=f"Where the candidate is worse than {compared}.")


def _flips(found: _Found, names: Sequence[str], places: Sequence[str], examples: Mapping[str, int | None]) -> Section:
    rows = [
        [where, examples.get(where), *(_value(found, CANDIDATE, where, name) for name in names)] for where in places
    ]
    table = DataTable(
        name="flips",
        caption="Flips by slice",
        columns=[
            Column(label="Slice", kind="name", search=True),
            Column(label="Examples", kind="int"),
            *(Column(label=name.replace("_", " "), kind="share") for name in names),
        ],
        rows=rows,
        sort=-2,
        counted=("slice", "slices"),
    )
    return Section(
        title="Flips", blocks=[table], note="Shares of examples that candidate and baseline decide differently."
    )
